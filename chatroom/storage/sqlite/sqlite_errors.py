"""Turns the errors of sqlite3 into those of ``chatroom.errors``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from chatroom.errors import DatabaseBusy, DatabaseDamaged, DiskFull, InvalidValue, StorageError

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNUSABLE = {
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_READONLY: "it cannot be written to",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "permission denied",
}

_OUR_FAULT = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
    }
)
"""The codes of a mistake in our SQL, which keeps its own exception and its traceback."""

_LOST = ("no such table", "no such column", "foreign key mismatch")
"""How SQLite's texts begin if a schema has lost a part. It has no code of its own for that."""

ERRORS = (sqlite3.Error, UnicodeError, OverflowError)
"""The errors of a statement. Parameters raise the last two, for half a surrogate pair and more than 64 bits. A damaged
schema does too: Python fails to decode what SQLite quotes of it."""


def from_sqlite(path: Path, error: Exception) -> Exception:
    """The exception to raise for one of ``ERRORS``: ``error`` itself if the fault is in our SQL."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidValue("this text is not valid Unicode")
    if isinstance(error, UnicodeError):
        return DatabaseDamaged(f"{path}: the database is damaged (its schema is not valid Unicode)")
    if isinstance(error, OverflowError):
        return InvalidValue("this number is too large")
    # The lowest byte is the primary code. Extended codes such as SQLITE_BUSY_SNAPSHOT add bits above it.
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code in _BUSY:
        return DatabaseBusy(f"{path}: another connection keeps the database locked")
    if code in _DAMAGED:
        if code == sqlite3.SQLITE_NOTADB:
            return DatabaseDamaged(f"{path}: not a database")
        return DatabaseDamaged(f"{path}: the database is damaged ({error})")
    # The second one is for the memory that the connections share, which is a file too.
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return DiskFull(f"{path}: there is no room left on the disk")
    if code in _UNUSABLE:
        return StorageError(f"{path}: {_UNUSABLE[code]}")
    # A schema of ours has all its tables and columns.
    if code == sqlite3.SQLITE_ERROR and str(error).startswith(_LOST):
        return DatabaseDamaged(f"{path}: the database is damaged ({error})")
    # Python raises some errors itself, without a code: "Could not decode to UTF-8" for damaged text, and a
    # ProgrammingError for a connection that is closed or belongs to another thread.
    if code in _OUR_FAULT or isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return error
    if code == 0:
        return DatabaseDamaged(f"{path}: the database is damaged ({error})")
    return StorageError(f"{path}: {error}")
