"""Copies a database in use. A plain copy of the file would lack what is only in the write-ahead log."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from chatroom.errors import AlreadyExists, DiskFull, StorageError
from chatroom.new_file import sync_directory
from chatroom.storage import file_errors
from chatroom.storage.sqlite import sqlite_errors
from chatroom.storage.sqlite.database import SqliteDatabase

Progress = Callable[[int, int], None]
"""Called now and then with the pages copied so far, and all pages."""

_PAGES_A_STEP = 1000
_MIB = 1024 * 1024
_VERSIONS_AT = 18
"""The place of the write and read versions in the database header."""
_ROLLBACK_MODE = b"\1\1"
"""Both versions, for a file that is not in WAL mode."""


def leave_wal(descriptor: int) -> None:
    """Mark a whole copy as not in WAL mode. Raises ``OSError``.

    So a log that an old database left beside the place of a restored copy is seen not to be its own (see
    ``write_ahead_log``), and the copy can be read where nothing can be written.
    """
    os.pwrite(descriptor, _ROLLBACK_MODE, _VERSIONS_AT)


def write_copy(
    database: SqliteDatabase,
    target: Path,
    *,
    replace: bool = False,
    progress: Progress | None = None,
    sync_each_step: bool = False,
    check: Callable[[Path], None] | None = None,
) -> None:
    """Copy the database, as it is at one moment, to ``target``, with mode 0600. Others can write to it meanwhile.

    ``progress`` is called after each step, and may wait or raise. ``sync_each_step`` has each step on the disk before
    the next: all of it at the end would keep the disk from others for long. ``check`` gets the path of the whole copy
    before it has its name, and may raise. When this returns, the copy is on the disk; if it raises, there is none.

    Raises ``AlreadyExists`` if ``target`` exists, unless ``replace`` is set, ``DiskFull`` if there is too little room
    for it, and ``StorageError`` if it cannot be written.
    """
    if os.path.lexists(target):
        if target.exists() and os.path.samefile(target, database.path):
            raise AlreadyExists(f"{target}: is the database itself")
        if target.exists() and not target.is_file():
            raise StorageError(f"{target}: not a file")
        if not replace:
            raise AlreadyExists(f"{target}: exists already")
    require_room(database, target)
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except OSError as error:
        raise file_errors.from_os(target, "write the copy", error) from error
    to_sync = descriptor if sync_each_step else None
    try:
        with contextlib.closing(sqlite3.connect(partial, isolation_level=None)) as connection:
            # No journal and no waiting for the disk: the copy gets its name only when it is whole and synced.
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("PRAGMA synchronous=OFF")
            database.backup_to(connection, pages=_PAGES_A_STEP, progress=_reporter(progress, to_sync))
        leave_wal(descriptor)
        os.fsync(descriptor)
        if check is not None:
            check(partial)
        os.replace(partial, target)
        sync_directory(target.absolute().parent)
    except OSError as error:
        raise file_errors.from_os(target, "write the copy", error) from error
    except sqlite3.Error as error:
        raise sqlite_errors.from_sqlite(target, error) from error
    finally:
        os.close(descriptor)
        partial.unlink(missing_ok=True)


def require_room(database: SqliteDatabase, target: Path, keep_bytes: int = 0) -> None:
    """Raise ``DiskFull`` if a copy of the database at ``target`` would leave less than ``keep_bytes`` free."""
    wanted = database.number("PRAGMA page_count") * database.number("PRAGMA page_size")
    directory = target.absolute().parent
    try:
        found = os.statvfs(directory)
    except OSError:
        return  # the writing itself shows what is wrong
    free = found.f_bavail * found.f_frsize
    if free < wanted + keep_bytes:
        spare = f" and {keep_bytes // _MIB} MiB are to stay free" if keep_bytes else ""
        raise DiskFull(
            f"{target}: cannot write the copy: {free // _MIB} MiB are free in {directory}, the copy needs"
            f" {wanted // _MIB + 1} MiB{spare}"
        )


def _reporter(progress: Progress | None, to_sync: int | None) -> Callable[[int, int, int], None] | None:
    if progress is None and to_sync is None:
        return None

    def report(_status: int, remaining: int, total: int) -> None:
        if to_sync is not None:
            os.fdatasync(to_sync)
        if progress is not None:
            progress(total - remaining, total)

    return report
