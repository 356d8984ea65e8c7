"""Puts a copy of a database in the place of the database, and keeps the files that were there."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from chatroom.errors import AlreadyExists
from chatroom.new_file import sync_directory
from chatroom.plain_file import require_plain
from chatroom.storage import file_errors
from chatroom.storage.sql.timestamps import utc_now
from chatroom.storage.sqlite import sqlite_errors
from chatroom.storage.sqlite.backup import Progress, write_copy
from chatroom.storage.sqlite.database import BUSY_TIMEOUT_S, SqliteDatabase
from chatroom.storage.sqlite.file_opening import require_sqlite
from chatroom.storage.sqlite.write_ahead_log import refuse_foreign_log

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite adds to a database's name for its logs and the index of the log."""


def fetch_copy(source: Path, path: Path, progress: Progress | None = None) -> Path:
    """Copy the database ``source``, with what is in its own log, beside the database ``path``. Returns the new file.

    ``source`` is only read. Raises ``AlreadyExists`` if it is the database itself, and ``StorageError``.
    """
    require_sqlite()
    real = Path(os.path.realpath(path))
    if real.exists() and os.path.samefile(source, real):
        raise AlreadyExists(f"{source}: is the database itself")
    try:
        real.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise file_errors.from_os(path, "make its directory", error) from error
    try:
        require_plain(source)
    except OSError as error:
        raise file_errors.from_os(source, "read the copy", error) from error
    refuse_foreign_log(source)
    # Without a log the file is whole. Opened as immutable, it can be on a medium that nothing can be written to.
    is_whole = not os.path.exists(f"{os.path.realpath(source)}-wal")
    uri = f"file:{quote(os.fsencode(source.absolute()))}?mode=ro{'&immutable=1' if is_whole else ''}"
    fetched = real.with_name(f"{real.name}.restoring-{os.getpid()}")
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            write_copy(SqliteDatabase(source, connection, "cli", utc_now, BUSY_TIMEOUT_S), fetched, progress=progress)
    except sqlite3.Error as error:
        raise sqlite_errors.from_sqlite(source, error) from error
    return fetched


def put_in_place(fetched: Path, path: Path, at: datetime) -> list[Path]:
    """Make the file of ``fetch_copy`` the database at ``path``. Returns the files that were there, by their new names.

    The caller holds the ``DaemonLock``. At each moment the old files are whole, under one name or the other. If this
    ends half-way, the old log can be left beside the new file: the next start refuses it (``write_ahead_log``).
    """
    real = Path(os.path.realpath(path))
    old = [Path(f"{real}{suffix}") for suffix in ("", *COMPANIONS) if os.path.exists(f"{real}{suffix}")]
    aside = _free_name(real, at)
    kept = [Path(f"{aside}{one.name.removeprefix(real.name)}") for one in old]
    try:
        for one, name in zip(old, kept, strict=True):
            _keep(one, name)
        if real.exists():
            _give_owner(fetched, real)
        os.replace(fetched, real)
        for one in old:
            if one != real:
                one.unlink()
        sync_directory(real.parent)
    except OSError as error:
        raise file_errors.from_os(path, "put the copy in its place", error) from error
    return kept


def _free_name(real: Path, at: datetime) -> Path:
    name = f"{real.name}.replaced-{at:%Y%m%dT%H%M%SZ}"
    count = 1
    while any(real.parent.glob(f"{name}*")):
        count += 1
        name = f"{real.name}.replaced-{at:%Y%m%dT%H%M%SZ}.{count}"
    return real.with_name(name)


def _keep(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except OSError:  # some file systems have no hard links
        shutil.copy2(file, name)


def _give_owner(file: Path, like: Path) -> None:
    """Give the file the owner of another one: root may restore what a daemon without root's rights must open."""
    old = like.stat()
    if (old.st_uid, old.st_gid) != (file.stat().st_uid, file.stat().st_gid):
        os.chown(file, old.st_uid, old.st_gid)
