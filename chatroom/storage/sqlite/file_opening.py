"""Opens the database file, and sets what SQLite must do for each connection and what a file is given at its start."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from chatroom.errors import StorageError
from chatroom.storage import daemon_lock
from chatroom.storage.disk_reserve import DiskReserve
from chatroom.storage.sql.timestamps import Clock, utc_now
from chatroom.storage.sqlite import sqlite_errors
from chatroom.storage.sqlite.database import BUSY_TIMEOUT_S, WAL_LIMIT, SqliteDatabase
from chatroom.storage.sqlite.usable_file import make_file, require_usable
from chatroom.storage.sqlite.write_ahead_log import refuse_foreign_log

MINIMUM_SQLITE = (3, 37, 0)
"""The first version with STRICT tables."""
APPLICATION_ID = 0x63686174
"""``chat`` in ASCII. In the file's header, it tells our databases from all others."""


def require_sqlite() -> None:
    """Raise ``StorageError`` if Python's SQLite is too old for our tables."""
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        wanted = ".".join(str(part) for part in MINIMUM_SQLITE)
        raise StorageError(f"SQLite {wanted} or newer is needed, and this Python has {sqlite3.sqlite_version}")


def open_database(
    path: Path,
    *,
    create: bool = False,
    writer: str = "cli",
    clock: Clock = utc_now,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> SqliteDatabase:
    """Connect to the file at ``path``, which may hold any schema version.

    ``create``: make a missing file (mode 0600) and its directories (0700). Raises ``DatabaseMissing``, ``ForeignLog``,
    and ``StorageError`` with one line that names the path and the reason.
    """
    require_sqlite()
    if create:
        make_file(path)
    require_usable(path)
    # While a daemon serves the database the log is in use. The daemon itself has checked it at its start.
    if not daemon_lock.is_held(path):
        refuse_foreign_log(path)
    if not os.path.exists(f"{os.path.realpath(path)}-shm"):
        # The first connection makes two files beside the database, and reads nothing if the disk has no room for them.
        DiskReserve(path).make_room()
    # mode=rw: SQLite must not make the file, because it would get the permissions of the umask. isolation_level=None:
    # Python must not begin transactions by itself.
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=busy_timeout_s)
    except sqlite3.Error as error:
        raise sqlite_errors.from_sqlite(path, error) from error
    database = SqliteDatabase(path, connection, writer, clock, busy_timeout_s)
    try:
        for pragma in (
            "foreign_keys=ON",  # off by default
            "secure_delete=ON",  # deleted text is overwritten with zeros, so a redaction is one
            "trusted_schema=OFF",  # no SQL function runs because a manipulated file's schema says so
            "temp_store=MEMORY",  # a search copies messages to a temporary table: they must not reach another file
            "synchronous=FULL",  # until ``enter_wal``
            "wal_autocheckpoint=0",  # see ``checkpoint``
            f"journal_size_limit={WAL_LIMIT}",  # otherwise the log's file keeps the largest size it ever had
        ):
            database.execute(f"PRAGMA {pragma}").fetchall()
        # The first read finds a file that is not a database.
        database.number("SELECT count(*) FROM sqlite_schema")
    except BaseException:
        connection.close()
        raise
    return database


def enter_wal(database: SqliteDatabase) -> None:
    """Put the file into WAL mode, which a new file and a restored copy are not in. Only for a file of ours.

    Raises ``StorageError`` if the file system does not support it.
    """
    mode = database.row("PRAGMA journal_mode=WAL")
    if mode != ("wal",):
        raise StorageError(f"{database.path}: this file system does not support SQLite's WAL mode")
    database.execute("PRAGMA synchronous=NORMAL")
    database.syncs_log = True


def prepare_empty(database: SqliteDatabase) -> None:
    """Set what a database can only be given before its first table."""
    # In this order: auto_vacuum can no longer be set in WAL mode.
    database.execute("PRAGMA auto_vacuum=INCREMENTAL").fetchall()
    enter_wal(database)
