"""The lock that a daemon holds while it serves a database, so that each database has one daemon at most.

It is an ``flock`` on the file ``NAME.lock`` beside the database, or, for one of a server, in the runtime directory. A
lock on the database file itself would disturb SQLite's own locks. The kernel releases it when the process ends, even
after a crash; the file stays and means nothing.

The nodes of a cluster share that lock. Each has another one for itself, on ``NAME-NODE.lock``.
"""

from __future__ import annotations

import fcntl
import glob
import os
import time
from pathlib import Path
from types import TracebackType

from chatroom.database_address import DatabaseAddress, local_path
from chatroom.errors import AlreadyServing
from chatroom.plain_file import open_plain
from chatroom.storage import file_errors

_PATIENCE_S = 0.5
"""How long ``acquire`` tries."""
_PAUSE_S = 0.02
"""The pause between two tries."""


class DaemonLock:
    """The lock. It is held until ``release`` or the end of a ``with`` block."""

    __slots__ = ("_descriptor", "_node_descriptor", "path")

    def __init__(self, path: Path, descriptor: int, node_descriptor: int = -1) -> None:
        self.path = path
        self._descriptor = descriptor
        self._node_descriptor = node_descriptor
        """The descriptor of the node's own lock; -1 for a lone daemon."""

    @classmethod
    def acquire(cls, database: DatabaseAddress, node: str = "") -> DaemonLock:
        """Take the lock of a database. The database need not exist, but its directory must.

        A ``node`` shares it with the other nodes of this machine, but not with one of its own name.

        Raises ``AlreadyServing`` if another process has the lock, ``StorageError`` if its file cannot be made.
        """
        path = _lock_path(database)
        if not node:
            return cls(path, _take(path, fcntl.LOCK_EX, f"{database}: another daemon serves this database"))
        refusal = f"{database}: another daemon serves this database, and belongs to no cluster"
        descriptor = _take(path, fcntl.LOCK_SH, refusal)
        try:
            node_path = _lock_path(database, node)
            return cls(path, descriptor, _take(node_path, fcntl.LOCK_EX, f"{database}: node {node} runs already"))
        except BaseException:
            os.close(descriptor)
            raise

    @classmethod
    def take_over(cls, database: DatabaseAddress, descriptor: int) -> DaemonLock:
        """Have the lock that another process has taken and whose descriptor it has sent.

        It is one lock: it lasts until both have released it, and no third process gets it in between.
        """
        return cls(_lock_path(database), descriptor)

    @property
    def descriptor(self) -> int:
        """The descriptor of its file, to be sent to the next daemon."""
        return self._descriptor

    def release(self) -> None:
        """Release the lock. Idempotent."""
        # Closing the only descriptor releases an flock.
        for descriptor in (self._node_descriptor, self._descriptor):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._node_descriptor = -1

    def __enter__(self) -> DaemonLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_held(database: DatabaseAddress) -> bool:
    """True if a daemon of this machine serves the database. Raises ``StorageError`` if the lock cannot be read."""
    return _is_taken(_lock_path(database)) or bool(list_nodes(database))


def list_nodes(database: DatabaseAddress) -> list[str]:
    """The names of the nodes of this machine that serve the database. Raises as ``is_held``."""
    if isinstance(database, Path):
        return []
    start = str(_lock_path(database, "*").with_suffix("")).removesuffix("*")
    paths = [Path(path) for path in sorted(glob.glob(f"{glob.escape(start)}*.lock"))]
    return [str(path.with_suffix("")).removeprefix(start) for path in paths if _is_taken(path)]


def _lock_path(database: DatabaseAddress, node: str = "") -> Path:
    # The real path, so that all links to a database have the same lock.
    return Path(f"{os.path.realpath(local_path(database, node))}.lock")


def _is_taken(path: Path) -> bool:
    """True if a process has the lock for itself."""
    try:
        file = open_plain(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise file_errors.from_os(path, "look at the daemon's lock", error) from error
    with file:
        # A shared lock, so that two processes that ask at once do not take each other for a daemon.
        return not _try_lock(file.fileno(), fcntl.LOCK_SH)


def _take(path: Path, operation: int, refusal: str) -> int:
    """Take a lock. Return the descriptor of its file. Raises ``AlreadyServing`` and ``StorageError``."""
    try:
        # O_CLOEXEC: a child process with the descriptor would hold the lock after the daemon has ended.
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise file_errors.from_os(path, "create the daemon's lock", error) from error
    # Try for a while: ``is_held`` takes the lock for a moment, and must not keep a daemon from starting.
    give_up_at = time.monotonic() + _PATIENCE_S
    while not _try_lock(descriptor, operation):
        if time.monotonic() > give_up_at:
            os.close(descriptor)
            raise AlreadyServing(refusal)
        time.sleep(_PAUSE_S)
    return descriptor


def _try_lock(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
