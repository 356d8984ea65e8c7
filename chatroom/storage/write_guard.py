"""What is checked before something is written: that the database is still there, and for whom the disk has room."""

from __future__ import annotations

import time
from pathlib import Path

from chatroom.errors import DiskFull, StorageError
from chatroom.storage.database_file import DatabaseFile
from chatroom.storage.disk_reserve import DiskReserve

_TRUST_S = 0.000_2
"""How long a message trusts the last look at the file. A look costs 6 µs, a tick with a message about 90."""


class WriteGuard:
    """The checks of one database. All connections of a daemon share one; each thread may call it."""

    __slots__ = ("_path", "_trusted_until_s", "file", "log_fault", "reserve")

    def __init__(self, path: Path) -> None:
        """The file at ``path`` exists: it is the one that all connections of this guard have open."""
        self._path = path
        self._trusted_until_s = 0.0
        self.file = DatabaseFile(path)
        self.reserve = DiskReserve(path)
        self.log_fault = ""
        """What happened to the write-ahead log, as the last look found it."""

    def require_room(self, *, minor: bool = False) -> None:
        """Raise ``StorageError`` if nothing may be written. ``minor``: what the reserve is not for."""
        self._require_file()
        if not self.reserve.make_room(is_minor=minor):
            raise self._full()

    def require_room_for_messages(self) -> None:
        """Raise ``StorageError`` if no message may be written. At the beginning of each transaction of messages.

        So it asks no disk for room, and looks at the file 5,000 times a second at most.
        """
        now_s = time.monotonic()
        if now_s >= self._trusted_until_s:
            self._require_file()
            self._trusted_until_s = now_s + _TRUST_S
        if self.reserve.is_short:
            raise self._full()

    def find_fault(self) -> str:
        """Say why nothing is written to the database; empty if it is as it was opened."""
        return self.file.find_fault() or self.log_fault

    def _require_file(self) -> None:
        fault = self.file.find_fault() or self.log_fault
        if fault:
            raise StorageError(fault)

    def _full(self) -> DiskFull:
        return DiskFull(f"{self._path}: the disk is full, and the room that is left is kept for bans and accounts")
