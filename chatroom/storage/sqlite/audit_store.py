"""The table ``audit``: who did what to whom, when, and from where. Rows are added and never changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from chatroom.chat.stored.records import Actor, AuditEntry
from chatroom.storage.sqlite.database import Database, Row
from chatroom.storage.sqlite.timestamps import from_ms, to_ms


def add_row(database: Database, by: Actor, action: str, target: str, detail: str = "") -> None:
    """Add an audit row. Only in the transaction of the action itself."""
    add_rows(database, by, action, [(target, detail)])


def add_rows(database: Database, by: Actor, action: str, targets: Iterable[tuple[str, str]]) -> None:
    """As ``add_row``, for several pairs of a target and a detail."""
    now_ms = database.now_ms()
    database.execute_many(
        "INSERT INTO audit (at_ms, actor, origin, action, target, detail) VALUES (?, ?, ?, ?, ?, ?)",
        [(now_ms, by.name, by.origin, action, target, detail) for target, detail in targets],
    )


class SqliteAudit:
    """Implements ``chatroom.chat.stored.stores.AuditStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, by: Actor, action: str, target: str, detail: str) -> None:
        """Add a row: ``by`` did ``action`` to ``target``."""
        with self._database.transaction():
            add_row(self._database, by, action, target, detail)

    def last_id(self) -> int:
        """The id of the newest row; 0 if there is none."""
        return self._database.number("SELECT max(id) FROM audit")

    def certificate_changes(self, after_id: int) -> list[AuditEntry]:
        """The rows with a higher id about certificates that the shell added to accounts, or removed, in order."""
        rows = self._database.rows(
            "SELECT id, at_ms, actor, origin, action, target, detail FROM audit WHERE id > ? AND origin = 'cli'"
            " AND action IN ('user.cert-add', 'user.cert-remove') ORDER BY id",
            (after_id,),
        )
        return [_entry(row) for row in rows]

    def list_entries(
        self,
        *,
        actor: str | None = None,
        target: str | None = None,
        since_at: datetime | None = None,
        limit: int | None = None,
        before_id: int | None = None,
        groups: Collection[str] | None = None,
    ) -> list[AuditEntry]:
        """The newest ``limit`` rows that match all conditions, oldest first."""
        conditions = {
            "actor = ?": actor,
            "target = ?": target,
            "at_ms >= ?": None if since_at is None else to_ms(since_at),
            "id < ?": before_id,
        }
        asked: dict[str, object] = {condition: value for condition, value in conditions.items() if value is not None}
        values = list(asked.values())
        if groups is not None:
            # The first word of an action: all of "kick", and the part of "ban.add" before the point.
            asked[f"substr(action, 1, instr(action || '.', '.') - 1) IN ({', '.join('?' * len(groups))})"] = groups
            values += groups
        # The SQL is put together from the constants above only: all values are parameters. LIMIT -1 means no limit.
        rows = self._database.rows(
            "SELECT id, at_ms, actor, origin, action, target, detail FROM audit"
            f" WHERE {' AND '.join(asked) or 'true'} ORDER BY id DESC LIMIT ?",
            [*values, -1 if limit is None else limit],
        )
        return [_entry(row) for row in reversed(rows)]


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(row[0], from_ms(row[1]), *row[2:])
