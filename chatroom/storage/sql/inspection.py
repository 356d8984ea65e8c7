"""The state of a database for ``chatroomctl db`` and ``check``, also if it is too old or too new for the stores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from chatroom.chat.stored.records import Role
from chatroom.database_address import DatabaseAddress
from chatroom.errors import DatabaseDamaged
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.database_owner import DatabaseOwner
from chatroom.storage.sql.timestamps import from_ms


class Applied(NamedTuple):
    """A migration that was applied to the database."""

    number: int
    name: str
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """What ``db status`` shows. Sizes are in bytes."""

    path: DatabaseAddress
    state: Literal["current", "outdated", "newer"]
    version: int
    """The schema version of the database: its last migration."""
    newest_version: int
    """The schema version that this chatroom needs."""
    served: bool
    """True if a daemon serves the database."""
    size: int
    free: int
    """The free pages of the file, which the next entries will use. 0 for a server."""
    log_size: int
    """The write-ahead log of the file. 0 for a server, whose log is for all of its databases."""
    sqlite_version: str | None
    """None for a server."""
    postgresql_version: str | None
    """The version of the server; None for a file."""
    migrations: tuple[Applied, ...]
    rows: dict[str, int]
    """The numbers of accounts, bans in force and so on. Empty unless the state is ``current``."""


class Check(NamedTuple):
    """One step of a full check. Each row of ``sql`` is a fault, except ``ok``."""

    label: str
    sql: str


class Inspection(DatabaseOwner):
    """An open database of any schema version, with a subclass for each engine."""

    def read_status(self, *, served: bool) -> DatabaseStatus:
        """Read everything about the database that does not take long. Raises ``StorageError``."""
        raise NotImplementedError

    def list_checks(self) -> list[Check]:
        """The steps of a full check."""
        raise NotImplementedError

    def newest_entry_at(self) -> datetime | None:
        """When the newest entry of the history was said; None without one, or if the schema is too old to have any."""
        raise NotImplementedError

    def run_check(self, check: Check) -> list[str]:
        """Run one step, and return the faults it finds."""
        return run_check(self._database, check)

    def newest_audit_at(self) -> datetime | None:
        """When an operator last changed something; None if nobody has."""
        newest_ms = self._database.number("SELECT at_ms FROM audit ORDER BY id DESC LIMIT 1")
        return from_ms(newest_ms) if newest_ms else None


def run_check(database: Database, check: Check) -> list[str]:
    """Run one step, and return the faults it finds."""
    try:
        rows = database.rows(check.sql)
    except DatabaseDamaged as error:
        return [f"{check.label}: {error}"]
    # SQLite can return several faults in one row, one on each line.
    return [f"{check.label}: {line}" for (text,) in rows if text != "ok" for line in str(text).splitlines()]


def read_migrations(database: Database) -> tuple[Applied, ...]:
    """All migrations that were applied, in order."""
    rows = database.rows("SELECT number, name, applied_ms FROM migrations ORDER BY number")
    return tuple(Applied(number, name, from_ms(applied_ms)) for number, name, applied_ms in rows)


def newest_message_at(database: Database) -> datetime | None:
    """When the newest entry of the history was said; None without one. The database must have the table."""
    newest_ms = database.number("SELECT time_ms FROM messages ORDER BY id DESC LIMIT 1")
    return from_ms(newest_ms) if newest_ms else None


def count_rows(database: Database) -> dict[str, int]:
    """How many accounts, bans and so on there are."""
    return {
        "accounts": database.number("SELECT count(*) FROM accounts"),
        "admins": database.number("SELECT count(*) FROM accounts WHERE role = ? AND disabled = 0", (Role.ADMIN.word,)),
        "bans_in_force": database.number(
            "SELECT count(*) FROM bans WHERE lifted_ms IS NULL AND (until_ms IS NULL OR until_ms > ?)",
            (database.now_ms(),),
        ),
        "bans": database.number("SELECT count(*) FROM bans"),
        "filters": database.number("SELECT count(*) FROM filters"),
        "channels": database.number("SELECT count(*) FROM channels"),
        "audit": database.number("SELECT count(*) FROM audit"),
    }
