"""The state of a database in a file, also if it is too old, too new or too damaged for the stores."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from chatroom.storage import daemon_lock
from chatroom.storage.sql.inspection import (
    Check,
    DatabaseStatus,
    Inspection,
    count_rows,
    newest_message_at,
    read_migrations,
)
from chatroom.storage.sqlite.database import SqliteDatabase
from chatroom.storage.sqlite.file_opening import open_database
from chatroom.storage.sqlite.migrate import newest_version, nothing_in, read_version


def open_any(path: Path) -> SqliteDatabase:
    """Open a database of any schema version. Raises ``StorageError`` as ``open_stores`` does."""
    database = open_database(path)
    try:
        if read_version(database) == 0:
            raise nothing_in(path)
    except BaseException:
        database.close()
        raise
    return database


class FileInspection(Inspection):
    """The state of a file."""

    def __init__(self, database: SqliteDatabase) -> None:
        super().__init__(database)
        self._file = database

    def read_status(self, *, served: bool) -> DatabaseStatus:
        """Read everything about the database that does not take long."""
        return read_status(self._file, served=served)

    def list_checks(self) -> list[Check]:
        """The steps of a full check: the file's structure, each table with its indexes, and the references."""
        return list_checks(self._file)

    def newest_entry_at(self) -> datetime | None:
        """When the newest entry of the history was said; None without one, or if the schema is too old to have any."""
        return newest_entry_at(self._file)


def read_status(database: SqliteDatabase, *, served: bool | None = None) -> DatabaseStatus:
    """Read everything about the database that does not take long. Without ``served`` it asks for the daemon's lock."""
    version, newest = read_version(database), newest_version()
    with database.snapshot():
        page_size = database.number("PRAGMA page_size")
        return DatabaseStatus(
            path=database.path,
            state="current" if version == newest else "outdated" if version < newest else "newer",
            version=version,
            newest_version=newest,
            served=daemon_lock.is_held(database.path) if served is None else served,
            size=page_size * database.number("PRAGMA page_count"),
            free=page_size * database.number("PRAGMA freelist_count"),
            log_size=database.wal_size(),
            sqlite_version=sqlite3.sqlite_version,
            postgresql_version=None,
            migrations=read_migrations(database),
            rows=count_rows(database) if version == newest else {},
        )


def list_checks(database: SqliteDatabase) -> list[Check]:
    """The steps of a full check: the file's structure, each table with its indexes, and the references."""
    tables = database.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [
        Check("file structure", "PRAGMA quick_check"),
        *(Check(f"table {name}", f"PRAGMA integrity_check('{name}')") for (name,) in tables),
        Check("references", "SELECT 'a row of ' || \"table\" || ' refers to nothing' FROM pragma_foreign_key_check"),
    ]


def newest_entry_at(database: SqliteDatabase) -> datetime | None:
    """When the newest entry of the history was said; None without one, or if the schema is too old to have any."""
    if not database.number("SELECT count(*) FROM sqlite_schema WHERE name = 'messages'"):
        return None
    return newest_message_at(database)
