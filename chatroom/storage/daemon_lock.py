"""The lock that a daemon holds for as long as it serves a database: one daemon a database.

It is an ``flock`` on a file of its own beside the database, ``NAME.lock``: locking the database file itself would be in
SQLite's way. The kernel lets go of it when the process ends, however it ends; the file stays behind and means nothing.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from chatroom.errors import AlreadyServing
from chatroom.storage import file_errors

_PATIENCE_S = 0.5
_PAUSE_S = 0.02


class DaemonLock:
    """The lock, held until ``release`` or the end of a ``with`` block."""

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, database_path: Path) -> DaemonLock:
        """Take the lock of the database at that path, whose directory must exist.

        Raises ``AlreadyServing`` where another process has it, ``StorageError`` where its file cannot be made.
        """
        path = _lock_path(database_path)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise file_errors.from_os(path, "create the daemon's lock", error) from error
        # is_held() takes the lock for a moment to find out; somebody who asks must not keep a daemon from starting.
        give_up_at = time.monotonic() + _PATIENCE_S
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > give_up_at:
                os.close(descriptor)
                raise AlreadyServing(f"{database_path}: another daemon serves this database")
            time.sleep(_PAUSE_S)
        return cls(path, descriptor)

    def release(self) -> None:
        """Let go of the lock. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> DaemonLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_held(database_path: Path) -> bool:
    """Whether a daemon serves the database at that path. Raises ``StorageError`` where that cannot be found out."""
    path = _lock_path(database_path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise file_errors.from_os(path, "look at the daemon's lock", error) from error
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock_path(database_path: Path) -> Path:
    # One lock for a database, whichever link leads to it.
    return Path(f"{os.path.realpath(database_path)}.lock")


def _try_lock(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
