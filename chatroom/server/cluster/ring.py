"""The last entries of the stream that a node has read: what it can give back to a Redis that has lost them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from chatroom.server.cluster.cluster_contract import Entry

MOST_BYTES = 8 * 1024 * 1024


class Ring:
    """Entries without gaps, up to the one that was read last. Not safe for several threads at a time."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.position = -1
        """The position of the entry read last, or of the world that the reading began with; -1 before that."""
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._most_bytes = most_bytes

    def begin_at(self, position: int) -> None:
        """Let what is added begin behind a position. If there would be a gap, all that is there is forgotten."""
        if not self.begins_behind <= position <= self.position:
            self._entries.clear()
            self._bytes = 0
            self.position = position

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add what comes next, but what is there, and forget the oldest entries if there are too many bytes."""
        for entry in entries:
            if entry.position <= self.position:
                continue
            assert entry.position == self.position + 1
            self._entries.append(entry)
            self._bytes += len(entry.data)
            self.position = entry.position
        while self._bytes > self._most_bytes and len(self._entries) > 1:
            self._bytes -= len(self._entries.popleft().data)

    @property
    def begins_behind(self) -> int:
        """The position before the oldest entry. Equal to ``position`` if there is none."""
        return self.position - len(self._entries)

    @property
    def last_turn(self) -> int:
        """The number of the turn that made the last entry; 0 if it is not known."""
        return self._entries[-1].turn if self._entries else 0

    def since(self, position: int) -> Sequence[Entry]:
        """Return the entries behind a position, which is not before ``begins_behind``."""
        return [entry for entry in self._entries if entry.position > position]
