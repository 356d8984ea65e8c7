"""What state a database is in, also where it is too old, too new or damaged for the stores to open it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from chatroom.chat.stored.records import Role
from chatroom.errors import DatabaseDamaged, DatabaseMissing
from chatroom.storage import daemon_lock
from chatroom.storage.sqlite.database import Database, open_database
from chatroom.storage.sqlite.migrate import newest_version, read_version
from chatroom.storage.sqlite.timestamps import from_ms


class Applied(NamedTuple):
    """A migration that the database went through."""

    number: int
    name: str
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """A database as ``db status`` tells of it. Sizes are in bytes."""

    path: Path
    state: Literal["current", "outdated", "newer"]
    version: int
    newest_version: int
    served: bool
    size: int
    free: int
    """Bytes inside the file that are in no use, and will be used again."""
    log_size: int
    sqlite_version: str
    migrations: tuple[Applied, ...]
    rows: dict[str, int]
    """How many accounts, bans in force and so on there are; empty unless the state is ``current``."""


class Check(NamedTuple):
    """One step of a full check; answers of ``sql`` other than ``ok`` are faults."""

    label: str
    sql: str


def open_any(path: Path) -> Database:
    """Open a database of ours of whatever version. Raises ``StorageError`` as ``open_stores`` does."""
    database = open_database(path)
    try:
        if read_version(database) == 0:
            raise DatabaseMissing(f"{path}: there is no database, the file is empty")
    except BaseException:
        database.close()
        raise
    return database


def read_status(database: Database) -> DatabaseStatus:
    """Everything about the database that can be told quickly."""
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


def list_checks(database: Database) -> list[Check]:
    """The steps of a full check: the file's structure, each table with its indexes, and what refers to what."""
    tables = database.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [
        Check("file structure", "PRAGMA quick_check"),
        *(Check(f"table {name}", f"PRAGMA integrity_check('{name}')") for (name,) in tables),
        Check("references", "SELECT 'a row of ' || \"table\" || ' refers to nothing' FROM pragma_foreign_key_check"),
    ]


def run_check(database: Database, check: Check) -> list[str]:
    """The faults that one step finds."""
    try:
        rows = database.rows(check.sql)
    except DatabaseDamaged as error:
        return [f"{check.label}: {error}"]
    # quick_check tells of several faults in one answer, a line each.
    return [f"{check.label}: {line}" for (text,) in rows if text != "ok" for line in str(text).splitlines()]


def _read_migrations(database: Database) -> tuple[Applied, ...]:
    rows = database.rows("SELECT number, name, applied_ms FROM migrations ORDER BY number")
    return tuple(Applied(number, name, from_ms(applied_ms)) for number, name, applied_ms in rows)


def _count_rows(database: Database) -> dict[str, int]:
    return {
        "accounts": database.number("SELECT count(*) FROM accounts"),
        "admins": database.number("SELECT count(*) FROM accounts WHERE role = ? AND NOT disabled", (Role.ADMIN.word,)),
        "bans_in_force": database.number(
            "SELECT count(*) FROM bans WHERE lifted_ms IS NULL AND (until_ms IS NULL OR until_ms > ?)",
            (database.now_ms(),),
        ),
        "bans": database.number("SELECT count(*) FROM bans"),
        "channels": database.number("SELECT count(*) FROM channels"),
        "audit": database.number("SELECT count(*) FROM audit"),
    }
