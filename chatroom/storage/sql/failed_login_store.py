"""The table ``failed_logins``."""

from __future__ import annotations

from collections.abc import Iterable

from chatroom.chat.stored.records import Actor, FailedLogins
from chatroom.storage.sql import audit_store
from chatroom.storage.sql.contract import Database

_COLUMNS = "key, failures, last_ms"


class SqlFailedLogins:
    """Implements ``chatroom.chat.stored.account_stores.FailedLoginStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, rows: Iterable[FailedLogins]) -> None:
        """Store the counts of some keys; a count of 0 removes one."""
        with self._database.transaction(minor=True):
            for row in rows:
                if row.failures:
                    self._database.execute(
                        f"INSERT INTO failed_logins ({_COLUMNS}) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE"
                        " SET failures = excluded.failures, last_ms = excluded.last_ms",
                        row,
                    )
                else:
                    self._database.execute("DELETE FROM failed_logins WHERE key = ?", (row.key,))

    def load(self, most: int) -> list[FailedLogins]:
        """All that are stored, those that failed last at the end. Only the newest ``most`` stay stored."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM failed_logins ORDER BY last_ms, key")
        surplus, kept = rows[: max(0, len(rows) - most)], rows[max(0, len(rows) - most) :]
        if surplus:
            with self._database.transaction():
                self._database.execute_many("DELETE FROM failed_logins WHERE key = ?", [row[:1] for row in surplus])
        return [FailedLogins(*row) for row in kept]

    def find(self, key: str) -> FailedLogins | None:
        """What is stored of a key, or None."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM failed_logins WHERE key = ?", (key,))
        return None if row is None else FailedLogins(*row)

    def lift(self, keys: Iterable[str], target: str, by: Actor) -> int:
        """Remove some keys, and return how many there were."""
        with self._database.transaction():
            count = 0
            for key in keys:
                count += self._database.execute("DELETE FROM failed_logins WHERE key = ?", (key,)).rowcount
            audit_store.add_row(self._database, by, "user.lift-delay", target)
        return count
