"""The state of a database for ``chatroomctl db``, also if it is too old, too new or too damaged for the stores."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from chatroom.chat.stored.records import Role
from chatroom.errors import DatabaseDamaged, DatabaseMissing
from chatroom.storage import daemon_lock
from chatroom.storage.sql.timestamps import from_ms
from chatroom.storage.sqlite.database import SqliteDatabase
from chatroom.storage.sqlite.file_opening import open_database
from chatroom.storage.sqlite.migrate import newest_version, read_version


class Applied(NamedTuple):
    """A migration that was applied to the database."""

    number: int
    name: str
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """What ``db status`` shows. Sizes are in bytes."""

    path: Path
    state: Literal["current", "outdated", "newer"]
    version: int
    """The schema version of the file: its last migration."""
    newest_version: int
    """The schema version that this chatroom needs."""
    served: bool
    """True if a daemon serves the database."""
    size: int
    free: int
    """The free pages of the file, which the next entries will use."""
    log_size: int
    """The write-ahead log."""
    sqlite_version: str
    migrations: tuple[Applied, ...]
    rows: dict[str, int]
    """The numbers of accounts, bans in force and so on. Empty unless the state is ``current``."""


class Check(NamedTuple):
    """One step of a full check. Each row of ``sql`` is a fault, except ``ok``."""

    label: str
    sql: str


def open_any(path: Path) -> SqliteDatabase:
    """Open a database of any schema version. Raises ``StorageError`` as ``open_stores`` does."""
    database = open_database(path)
    try:
        if read_version(database) == 0:
            raise DatabaseMissing(f"{path}: there is no database, the file is empty")
    except BaseException:
        database.close()
        raise
    return database


def read_status(database: SqliteDatabase) -> DatabaseStatus:
    """Read everything about the database that does not take long."""
    version, newest = read_version(database), newest_version()
    with database.snapshot():
        page_size = database.number("PRAGMA page_size")
        return DatabaseStatus(
            path=database.path,
            state="current" if version == newest else "outdated" if version < newest else "newer",
            version=version,
            newest_version=newest,
            served=daemon_lock.is_held(database.path),
            size=page_size * database.number("PRAGMA page_count"),
            free=page_size * database.number("PRAGMA freelist_count"),
            log_size=database.wal_size(),
            sqlite_version=sqlite3.sqlite_version,
            migrations=_read_migrations(database),
            rows=_count_rows(database) if version == newest else {},
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


def run_check(database: SqliteDatabase, check: Check) -> list[str]:
    """Run one step, and return the faults it finds."""
    try:
        rows = database.rows(check.sql)
    except DatabaseDamaged as error:
        return [f"{check.label}: {error}"]
    # quick_check can return several faults in one row, one on each line.
    return [f"{check.label}: {line}" for (text,) in rows if text != "ok" for line in str(text).splitlines()]


def newest_entry_at(database: SqliteDatabase) -> datetime | None:
    """When the newest entry of the history was said; None without one, or if the schema is too old to have any."""
    if not database.number("SELECT count(*) FROM sqlite_schema WHERE name = 'messages'"):
        return None
    newest_ms = database.number("SELECT time_ms FROM messages ORDER BY id DESC LIMIT 1")
    return from_ms(newest_ms) if newest_ms else None


def newest_audit_at(database: SqliteDatabase) -> datetime | None:
    """When an operator last changed something; None if nobody has."""
    newest_ms = database.number("SELECT at_ms FROM audit ORDER BY id DESC LIMIT 1")
    return from_ms(newest_ms) if newest_ms else None


def _read_migrations(database: SqliteDatabase) -> tuple[Applied, ...]:
    rows = database.rows("SELECT number, name, applied_ms FROM migrations ORDER BY number")
    return tuple(Applied(number, name, from_ms(applied_ms)) for number, name, applied_ms in rows)


def _count_rows(database: SqliteDatabase) -> dict[str, int]:
    return {
        "accounts": database.number("SELECT count(*) FROM accounts"),
        "admins": database.number("SELECT count(*) FROM accounts WHERE role = ? AND NOT disabled", (Role.ADMIN.word,)),
        "bans_in_force": database.number(
            "SELECT count(*) FROM bans WHERE lifted_ms IS NULL AND (until_ms IS NULL OR until_ms > ?)",
            (database.now_ms(),),
        ),
        "bans": database.number("SELECT count(*) FROM bans"),
        "filters": database.number("SELECT count(*) FROM filters"),
        "channels": database.number("SELECT count(*) FROM channels"),
        "audit": database.number("SELECT count(*) FROM audit"),
    }
