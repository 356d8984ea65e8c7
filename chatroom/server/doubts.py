"""Doubts: transactions of which nobody knows if they were made, and whose messages are refused.

If a server does not answer a COMMIT, the journal is asked about it for some seconds. Then the messages are refused,
because their senders have waited long enough, and the doubt is kept. When the server is back, the next transaction
settles it: messages that are stored after all are taken back, and events that are stored are not stored again.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.delivery.batches import write_batches

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

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._doubts: list[Doubt] = []

    def __bool__(self) -> bool:
        return bool(self._doubts)

    def add(self, doubt: Doubt) -> None:
        """Keep a doubt whose messages are refused."""
        self._doubts.append(doubt)

    def clear(self) -> None:
        """Forget the doubts, because a transaction is committed that has settled them."""
        self._doubts = []

    def settle(self, owed: list[Batch]) -> list[Batch]:
        """Take messages back that are stored after all, in a transaction. Return what is owed then.

        By now it is certain what is stored: a new connection has ended the one before.
        """
        done: set[int] = set()
        made: set[int] = set()
        for doubt in self._doubts:
            done.update(doubt.batches)
            if doubt.is_made(self._journal):
                self._journal.take_back(doubt.messages)
                # Each has settled those before it: what was owed of them is in it, or was stored already.
                made = set(done)
        return [batch for batch in owed if batch.number not in made] if made else owed
