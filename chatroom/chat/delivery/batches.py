"""Batches: what one tick has to store, as the journal thread gets it, and what became of it.

With ``history.synchronous = "full"`` a commit waits for the disk. So the tick hands its batch to a committer, which has
a thread of its own, and goes on; what the tick said waits in the gate (``chatroom.chat.delivery.gate``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from chatroom.chat.delivery.ledger import Renamed, write_entries

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.entries import EntryRow
    from chatroom.chat.stored.history_stores import Journal
    from chatroom.chat.stored.hook_records import HookEventRow

TEXT_OVERHEAD = 160
"""About how many bytes a message has for each reader beside its text."""


class Batch(NamedTuple):
    """What one tick has to store, in order. It never changes."""

    number: int
    """The journal number. The lines of the tick wait until it is settled."""
    entries: Sequence[EntryRow]
    renamed: Sequence[Renamed]
    for_hooks: Sequence[HookEventRow]
    messages: Sequence[tuple[int, Session | None, str, str]]
    """The entries that nobody may read unless they are stored: the values of a ``NotWritten``."""

    @property
    def message_ids(self) -> set[int]:
        """The numbers of the messages."""
        return {message[0] for message in self.messages}

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to store."""
        return not (self.entries or self.renamed or self.for_hooks)

    def without_messages(self) -> Batch:
        """What is stored later if the messages are refused: the events, which were told all the same.

        Channels keep their new names.
        """
        refused = self.message_ids
        positions = [0]
        """For each position among the entries, how many before it are kept."""
        for entry in self.entries:
            positions.append(positions[-1] + (entry[0] not in refused))
        return self._replace(
            entries=[entry for entry in self.entries if entry[0] not in refused],
            renamed=[each._replace(position=positions[each.position]) for each in self.renamed],
            for_hooks=[row for row in self.for_hooks if row.message_id not in refused],
            messages=(),
        )

    def only_names(self) -> Batch:
        """What is left if the disk refuses: the new names of channels, which have them already."""
        names = [each._replace(position=0) for each in self.renamed]
        return self._replace(entries=(), renamed=names, for_hooks=(), messages=())


class Settled(NamedTuple):
    """What became of a batch."""

    number: int
    failure: str
    """Why its messages are not stored; empty if they are, or if it has none."""
    is_busy: bool = False
    """True if another connection has the write lock. What need not be stored to be told is stored later."""


class Committer(Protocol):
    """Commits batches in the order in which they are given, without the hub lock."""

    @property
    def is_busy(self) -> bool:
        """True while another connection has the write lock. Read without a lock: it may be a moment old."""
        ...

    @property
    def is_behind(self) -> bool:
        """True if something of a settled batch waits for the write lock, or may be stored though it was refused.

        Questions to the history wait as long. Read without a lock, as ``is_busy``.
        """
        ...

    @property
    def is_idle(self) -> bool:
        """True if everything that was given is stored, or given up."""
        ...

    def give(self, batch: Batch) -> None:
        """Have a batch committed. In a tick."""
        ...

    def take_settled(self) -> list[Settled]:
        """Take what was settled since the last call, in the order of the numbers. In a tick."""
        ...


def write_batches(journal: Journal, batches: Collection[Batch]) -> None:
    """Write batches, in order, into the journal's transaction."""
    entries: list[EntryRow] = []
    renamed: list[Renamed] = []
    for_hooks: list[HookEventRow] = []
    for batch in batches:
        if batch.renamed:
            before = len(entries)
            renamed += [each._replace(position=before + each.position) for each in batch.renamed]
        entries += batch.entries
        for_hooks += batch.for_hooks
    write_entries(journal, entries, renamed)
    if for_hooks:
        journal.add_hook_events(for_hooks)


def count_rows(batches: Collection[Batch]) -> int:
    """How many rows the batches have, of entries and of events for hooks."""
    return sum([len(batch.entries) + len(batch.for_hooks) for batch in batches])
