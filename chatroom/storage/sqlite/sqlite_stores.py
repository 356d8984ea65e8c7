"""All stores of one thread, on one connection to a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sql.timestamps import Clock, utc_now
from chatroom.storage.sqlite.database import BUSY_TIMEOUT_S, SqliteDatabase
from chatroom.storage.sqlite.file_opening import open_database
from chatroom.storage.sqlite.migrate import bring_up, upgrading
from chatroom.storage.write_guard import WriteGuard

if TYPE_CHECKING:
    from chatroom.storage.sqlite.backup import Progress


class SqliteStores(SqlStores):
    """The stores, and what only a file has.

    ``database`` is the connection. The command line uses it for work on the file itself, such as a copy.
    """

    def __init__(self, database: SqliteDatabase, upgraded_from: Path | None = None) -> None:
        super().__init__(database)
        self._file = database
        self.upgraded_from = upgraded_from
        self.is_upgraded = upgraded_from is not None
        database.note_commits()

    @property
    def database(self) -> SqliteDatabase:
        """The connection."""
        return self._file

    def begin_run(self) -> None:
        """Write page 1, so that a copy of the file from an earlier run does not fit the log of this one."""
        self._file.write_first_page()

    @property
    def path(self) -> Path:
        """The database file."""
        return self._file.path

    @property
    def address(self) -> Path:
        """The database file."""
        return self._file.path


def open_stores(
    path: Path,
    *,
    create: bool = False,
    migrate: bool = False,
    writer: str = "cli",
    clock: Clock = utc_now,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    progress: Progress | None = None,
    guard: WriteGuard | None = None,
) -> SqliteStores:
    """Connect to the database at ``path``, for this thread.

    ``create``: make a missing database and its directories. ``migrate``: upgrade an older one, after it was copied
    beside itself; the caller must hold the ``DaemonLock``. ``writer`` is stored with each logged change; all
    connections of a daemon share one, such as ``daemon:4f1c``, and its ``guard``. ``progress`` is that of the copy.

    Raises ``DatabaseMissing``, ``DatabaseOutdated``,
    ``DatabaseNewer``, ``DatabaseDamaged``, ``DatabaseBusy``, and ``StorageError`` for a path that cannot be used.
    """
    database = open_database(path, create=create, writer=writer, clock=clock, busy_timeout_s=busy_timeout_s)
    database.guard = guard or WriteGuard(path)
    try:
        return SqliteStores(database, bring_up(database, create=create, migrate=migrate, progress=progress))
    except BaseException:
        database.close()
        raise


@contextlib.contextmanager
def upgraded_stores(path: Path, guard: WriteGuard) -> Iterator[SqliteStores]:
    """Connect to an existing database and upgrade it if it is older: all at once, at the end of the block.

    In the block, these stores show the upgraded database, and other connections the older one. If the block raises, or
    the process dies, the database is as it was. The caller must hold the ``DaemonLock``. Raises as ``open_stores``.
    """
    database = open_database(path)
    database.guard = guard
    try:
        with upgrading(database) as copy:
            yield SqliteStores(database, copy)
    finally:
        database.close()
