"""From what SQLite raises to the tree in ``chatroom.errors``: the one place for it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from chatroom.errors import DatabaseBusy, DatabaseDamaged, InvalidValue, StorageError

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNUSABLE = {
    sqlite3.SQLITE_FULL: "there is no room left on the disk",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_READONLY: "it cannot be written to",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "permission denied",
}


ERRORS = (sqlite3.Error, UnicodeEncodeError, OverflowError)
"""What a statement raises: the last two for a parameter that SQLite has no form for."""


def from_sqlite(path: Path, error: Exception) -> Exception:
    """What to raise for one of ``ERRORS``; ``error`` itself where it is our own fault."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidValue("this text is not valid Unicode")
    if isinstance(error, OverflowError):
        return InvalidValue("this number is too large")
    # The lower byte is the primary code; extended codes (SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE) add bits above.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return DatabaseBusy(f"{path}: somebody else is writing to the database and does not finish")
    if code in _DAMAGED:
        if code == sqlite3.SQLITE_NOTADB:
            return DatabaseDamaged(f"{path}: not a database")
        return DatabaseDamaged(f"{path}: the database is damaged ({error})")
    if code in _UNUSABLE:
        return StorageError(f"{path}: {_UNUSABLE[code]}")
    return error
