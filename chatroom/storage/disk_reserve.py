"""The reserve: room on the disk that is kept for bans, accounts and the audit when the rest is full.

It is the file ``NAME-reserve`` beside the database, allocated and never read. If the disk is full, the writer of a ban
removes the file and has its room. Messages and indexes are then refused (``is_short``), because they would take that
room too. When there is room again, the reserve is made again.

A level of free space alone would not do: other programs fill a disk too, and they take all of it. Allocated blocks are
the only room that they cannot take.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

MOST_BYTES = 8 * 1024 * 1024
"""The size of the reserve: some hundred bans, each with its pages in the write-ahead log."""
LEAST_BYTES = 256 * 1024
"""The smallest reserve. It is a quarter of what is free, if that is less than ``MOST_BYTES``."""
ROOM_BYTES = 256 * 1024
"""With less free space than this, a write of ours may find the disk full."""


class DiskReserve:
    """The reserve of one database. Each thread of the daemon may call it; ``look`` belongs to one of them."""

    __slots__ = ("_directory", "_path", "_size", "is_short")

    def __init__(self, database: Path) -> None:
        # The real path, so that the reserve is on the disk that the database is on.
        self._path = Path(f"{os.path.realpath(database)}-reserve")
        self._directory = self._path.parent
        self.is_short = False
        """True while the room that is left is for bans, accounts and the audit only."""
        self._size = 0
        """The size of the last reserve; 0 if there was none yet."""

    def free_bytes(self) -> int:
        """What is free on the database's disk. Raises ``OSError``."""
        found = os.statvfs(self._directory)
        return found.f_bavail * found.f_frsize

    def look(self) -> int:
        """Make the reserve if it is missing and there is room for it. Return what is free. Raises ``OSError``."""
        free = self.free_bytes()
        try:
            self._size = os.lstat(self._path).st_size
            self.is_short = False
            return free
        except FileNotFoundError:
            pass
        # What was given up looks like free space. So twice its size must be free before a new one is made.
        size = min(MOST_BYTES, free // 4)
        if size >= LEAST_BYTES and free >= 2 * self._size + ROOM_BYTES and self._allocate(size):
            self._size = size
            self.is_short = False
        else:
            self.is_short = free < 2 * self._size + ROOM_BYTES
        return free

    def _allocate(self, size: int) -> bool:
        try:
            descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:  # a quota, or a disk that others have just filled
            with contextlib.suppress(OSError):
                os.unlink(self._path)
            return False
        finally:
            os.close(descriptor)
        return True

    def make_room(self, *, is_minor: bool = False) -> bool:
        """Give the reserve up if the disk is full, before something is written.

        False if the write must be refused: it is a minor one, and the room is for those that are not.
        """
        if is_minor and self.is_short:
            return False
        try:
            if self.free_bytes() >= ROOM_BYTES:
                return True
        except OSError:
            return True  # the write itself shows what is wrong
        if is_minor:
            return False
        self.give_up()
        return True

    def give_up(self) -> None:
        """Remove the reserve, so that its room can be written to. Idempotent."""
        self.is_short = True
        with contextlib.suppress(OSError):
            os.unlink(self._path)
