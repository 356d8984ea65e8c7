"""A journal in memory, for tests of what is written and of a disk that refuses."""

from __future__ import annotations

from collections.abc import Sequence

from chatroom.chat.stored.entries import Entry, EntryRow, Kind
from chatroom.chat.stored.hook_records import HookEventRow
from chatroom.errors import StorageError


class FakeJournal:
    """Implements ``Journal``. A test may take its lock (``is_held``), fill its disk (``is_full``) or break it."""

    def __init__(self, last_message_id: int = 0) -> None:
        self.kept: list[Entry] = []
        """The entries of all committed transactions."""
        self.ended: list[str] = []
        """The channels that ended or have another name."""
        self.calls: list[str] = []
        """What was called within transactions, in order; a ``write`` with the texts of its entries."""
        self.for_hooks: list[HookEventRow] = []
        """The events for hooks that were written."""
        self.is_held = False
        """True if another connection has the write lock."""
        self.is_full = False
        """True if nothing can be written."""
        self.is_broken = False
        """True if no transaction can begin."""
        self.open: list[str] = []
        """The casefolded names of the channels that the run before left open."""
        self.asked = 0
        """How often ``begin`` was called."""
        self._last_message_id = last_message_id
        self._written: list[Entry] = []
        self.marked = self._marking = 0

    def last_message_id(self) -> int:
        return self._last_message_id

    def open_channels(self) -> list[str]:
        return self.open

    def begin(self) -> bool:
        self.asked += 1
        if self.is_broken:
            raise StorageError("the disk is gone")
        return not self.is_held

    def write(self, entries: Sequence[EntryRow]) -> None:
        self._refuse_if_full()
        written = [Entry._make(entry)._replace(kind=Kind(entry[3])) for entry in entries]
        self.calls.append(" ".join(["write", *(entry.text for entry in written)]))
        self._written += written

    def add_hook_events(self, rows: Sequence[HookEventRow]) -> None:
        self._refuse_if_full()
        self.for_hooks += rows

    def end_channel(self, name: str) -> None:
        self.calls.append(f"end {name}")
        self._refuse_if_full()
        self.ended.append(name)

    def rename_channel(self, name: str, new_name: str) -> None:
        self.calls.append(f"rename {name} {new_name}")
        self.ended.append(f"{name} is now {new_name}")

    def _refuse_if_full(self) -> None:
        if self.is_full:
            self._written = []
            raise StorageError("the disk is full")

    def commit(self) -> None:
        self.calls.append("commit")
        self.kept.extend(self._written)
        self.marked = self._marking or self.marked
        self._written, self._marking = [], 0

    def mark(self, number: int) -> None:
        self._marking = number

    def is_made(self, entries: Sequence[int], mark: int = 0) -> bool:
        return any(entry.message_id in entries for entry in self.kept) or mark == self.marked != 0

    @property
    def connection_number(self) -> int:
        return 7

    def end_connection(self, number: int) -> None:
        self.calls.append(f"end {number}")

    def take_back(self, messages: Sequence[int]) -> None:
        self.kept = [entry for entry in self.kept if entry.message_id not in messages]

    def rollback(self) -> None:
        self.calls.append("rollback")
        self._written, self._marking = [], 0

    def close(self) -> None:
        pass
