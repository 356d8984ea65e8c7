"""Doubts: transactions of which nobody knows if they were made, and whose messages are refused.

If a server does not answer a COMMIT, the journal is asked about it for some seconds. Then the messages are refused,
because their senders have waited long enough, and the doubt is kept. When the server is back, the next transaction
settles it: messages that are stored after all are taken back, and events that are stored are not stored again. If the
daemon ends before that, its next start takes the messages back (``chatroom.server.doubt_file``).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.delivery.batches import write_batches
from chatroom.server.doubt_file import DoubtFile, KeptDoubt

if TYPE_CHECKING:
    from chatroom.chat.delivery.batches import Batch
    from chatroom.chat.stored.history_stores import Journal


class Doubt(NamedTuple):
    """What a transaction has, for the case that its commit has no answer."""

    entries: Sequence[int]
    """The numbers of all its entries."""
    messages: Sequence[int]
    """The numbers of its messages."""
    batches: Collection[int]
    """The numbers of its batches."""
    mark: int
    """Its mark in the database; 0 if its entries show that it was made."""
    connection: int = 0
    """The number of the connections of a run before, one of which may still be about to make it; 0 for this run."""

    def is_made(self, journal: Journal) -> bool:
        """True if the transaction was made. Raises ``StorageError`` if nobody can tell."""
        return journal.is_made(self.entries, self.mark)


def write_marked(journal: Journal, batches: Collection[Batch]) -> Doubt:
    """Write batches, in order, into the journal's transaction, so that it can be found out if that was made."""
    write_batches(journal, batches)
    entries = [entry[0] for batch in batches for entry in batch.entries]
    messages = [number for batch in batches for number in batch.message_ids]
    mark = 0
    if not entries:
        mark = secrets.randbits(62) + 1
        journal.mark(mark)
    return Doubt(entries, messages, {batch.number for batch in batches}, mark)


class Doubts:
    """The doubts of one journal, in order. Belongs to the thread that commits; others may ask if there are any."""

    def __init__(self, journal: Journal, file: DoubtFile | None = None) -> None:
        """``file`` has those of the run before."""
        self._journal = journal
        self._file = file or DoubtFile(None)
        self._doubts = [Doubt(one[0], one[1], (), one.mark, one.connection) for one in self._file.read()]

    def __bool__(self) -> bool:
        return bool(self._doubts)

    def add(self, doubt: Doubt) -> None:
        """Keep a doubt whose messages are refused."""
        self._doubts.append(doubt)
        own = self._journal.connection_number
        self._file.write([KeptDoubt(one[0], one[1], one.mark, one.connection or own) for one in self._doubts])

    def clear(self) -> None:
        """Forget the doubts, because a transaction is committed that has settled them."""
        if self._doubts:
            self._doubts = []
            self._file.write(())

    def settle(self, owed: list[Batch]) -> list[Batch]:
        """Take messages back that are stored after all, in a transaction. Return what is owed then.

        By now it is certain what is stored: a new connection has ended the one before.
        """
        done: set[int] = set()
        made: set[int] = set()
        for doubt in self._doubts:
            done.update(doubt.batches)
            if doubt.connection:
                self._journal.end_connection(doubt.connection)
            if doubt.is_made(self._journal):
                self._journal.take_back(doubt.messages)
                # Each has settled those before it: what was owed of them is in it, or was stored already.
                made = set(done)
        return [batch for batch in owed if batch.number not in made] if made else owed
