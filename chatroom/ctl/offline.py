"""Changes that belong to the daemon if one runs, and are made by the command itself otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from chatroom.errors import AlreadyServing
from chatroom.storage.daemon_lock import DaemonLock, is_held


@contextlib.contextmanager
def without_daemon(database: Path) -> Iterator[bool]:
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
