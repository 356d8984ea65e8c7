"""Changes that no daemon may be in the way of, and those that are its own if one runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from chatroom.database_address import DatabaseAddress
from chatroom.errors import AlreadyServing, Refused
from chatroom.storage.daemon_lock import DaemonLock, is_held
from chatroom.storage.opening import make_server_lock
from chatroom.storage.sqlite.usable_file import require_usable


@contextlib.contextmanager
def refused_while_served(database: DatabaseAddress) -> Iterator[None]:
    """In the block, that a daemon serves the database becomes one clear line."""
    try:
        yield
    except AlreadyServing:
        raise Refused(f"{database}: a daemon uses this database; stop it first") from None


@contextlib.contextmanager
def exclusive(database: DatabaseAddress, *, may_be_missing: bool = False) -> Iterator[None]:
    """Hold the daemon's locks, so that none runs or starts. Raises ``Refused`` if one runs.

    Raises ``StorageError`` if there is no such file: the lock would leave one of its own beside it.
    """
    if not may_be_missing:
        _require_there(database)
    with contextlib.ExitStack() as locks:
        with refused_while_served(database):
            _take(database, locks)
        yield


@contextlib.contextmanager
def without_daemon(database: DatabaseAddress) -> Iterator[bool]:
    """Yield True if no daemon of this machine serves the database; then none starts before the end of the block.

    Raises ``Refused`` if one of another machine serves it: only there it can be asked. Raises as ``exclusive``.
    """
    _require_there(database)
    with contextlib.ExitStack() as locks:
        # ``acquire`` waits for half a second before it gives up.
        is_offline = not is_held(database)
        if is_offline:
            try:
                _take(database, locks)
            except AlreadyServing as error:
                if not is_held(database):
                    raise Refused(f"{error}: run this there") from None
                is_offline = False
        yield is_offline


def is_served(database: DatabaseAddress) -> bool:
    """True if a daemon serves the database, of this machine or of another one. Raises ``StorageError``."""
    if isinstance(database, Path) or is_held(database):
        return is_held(database)
    return make_server_lock(database).is_taken()


def _require_there(database: DatabaseAddress) -> None:
    if isinstance(database, Path):
        require_usable(database)


def _take(database: DatabaseAddress, locks: contextlib.ExitStack) -> None:
    """Take the lock of this machine, and that on the server. Raises ``AlreadyServing``."""
    with contextlib.ExitStack() as taken:
        taken.enter_context(DaemonLock.acquire(database))
        if not isinstance(database, Path):
            lock = make_server_lock(database)
            taken.callback(lock.give_back)
            lock.acquire()
        locks.push(taken.pop_all())
