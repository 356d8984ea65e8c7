"""Changes that no daemon may be in the way of, and those that are its own if one runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from chatroom.database_address import DatabaseAddress
from chatroom.errors import AlreadyServing, Refused
from chatroom.storage.daemon_lock import DaemonLock, is_held


@contextlib.contextmanager
def refused_while_served(database: DatabaseAddress) -> Iterator[None]:
    """In the block, that a daemon serves the database becomes one clear line."""
    try:
        yield
    except AlreadyServing:
        raise Refused(f"{database}: a daemon uses this database; stop it first") from None


@contextlib.contextmanager
def exclusive(database: DatabaseAddress) -> Iterator[None]:
    """Hold the daemon's lock, so that none runs or starts. Raises ``Refused`` if one runs."""
    with refused_while_served(database):
        lock = DaemonLock.acquire(database)
    with lock:
        yield


@contextlib.contextmanager
def without_daemon(database: DatabaseAddress) -> Iterator[bool]:
    """Yield True if no daemon serves the database; then none starts before the end of the block."""
    # ``acquire`` waits for half a second before it gives up.
    lock = None
    if not is_held(database):
        with contextlib.suppress(AlreadyServing):
            lock = DaemonLock.acquire(database)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()
