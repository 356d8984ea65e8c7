"""Checks a copy of a database that nobody uses yet."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from chatroom.errors import DatabaseDamaged
from chatroom.storage.sql.inspection import run_check
from chatroom.storage.sql.timestamps import utc_now
from chatroom.storage.sqlite import sqlite_errors
from chatroom.storage.sqlite.backup import Progress
from chatroom.storage.sqlite.database import BUSY_TIMEOUT_S, SqliteDatabase
from chatroom.storage.sqlite.file_inspection import list_checks

_INSTRUCTIONS = 50_000
"""How many of SQLite's instructions run between two calls of ``rest``: a few milliseconds."""


def require_sound(
    copy: Path, shown: Path, *, progress: Progress | None = None, rest: Callable[[], bool] | None = None
) -> None:
    """Read the whole copy, and raise ``DatabaseDamaged``, which calls it ``shown``, if it has a fault.

    ``progress`` is called with the checks that are done and with all. ``rest`` is called every few milliseconds, and
    may wait; if it returns True, the check ends with ``StorageError``.
    """
    with open_copy(copy) as database, database.watched(rest or (lambda: False), _INSTRUCTIONS):
        checks = list_checks(database)
        for number, one in enumerate(checks, 1):
            faults = run_check(database, one)
            if faults:
                raise DatabaseDamaged(f"{shown}: not written: the copy has faults, the first in {faults[0]}")
            if progress is not None:
                progress(number, len(checks))


@contextlib.contextmanager
def open_copy(copy: Path) -> Iterator[SqliteDatabase]:
    """Open a copy that nobody writes to, for reading. Raises ``StorageError``."""
    # Immutable: neither locks nor files beside it. A log beside the name of the copy is not its own.
    uri = f"file:{quote(os.fsencode(copy.absolute()))}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise sqlite_errors.from_sqlite(copy, error) from error
    with contextlib.closing(connection):
        connection.execute("PRAGMA trusted_schema=OFF")
        yield SqliteDatabase(copy, connection, "cli", utc_now, BUSY_TIMEOUT_S)
