"""The table ``audit``: who did what to whom, when, and from where. Rows are added and never changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from chatroom.chat.stored.records import Actor, AuditEntry
from chatroom.irc.names import casefold
from chatroom.storage.sql.contract import NO_LIMIT, Database, Row
from chatroom.storage.sql.timestamps import from_ms, to_ms


def add_row(database: Database, by: Actor, action: str, target: str, detail: str = "") -> None:
    """Add an audit row. Only in the transaction of the action itself."""
    add_rows(database, by, action, [(target, detail)])


def add_rows(database: Database, by: Actor, action: str, targets: Iterable[tuple[str, str]]) -> None:
    """As ``add_row``, for several pairs of a target and a detail."""
    now_ms, rows = database.now_ms(), list(targets)
    if not rows:
        return
    first_id = database.next_ids("audit", len(rows))
    database.execute_many(
        "INSERT INTO audit (id, at_ms, actor, origin, action, target, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(row_id, now_ms, by.name, by.origin, action, *row) for row_id, row in enumerate(rows, first_id)],
    )


class SqlAudit:
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

    def shell_changes(self, after_id: int) -> list[AuditEntry]:
        """The rows with a higher id of what the shell did to accounts and their sessions are told, in order."""
        rows = self._database.rows(
            "SELECT id, at_ms, actor, origin, action, target, detail FROM audit WHERE id > ? AND origin = 'cli'"
            " AND action IN ('user.cert-add', 'user.cert-remove', 'user.set-always-on') ORDER BY id",
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
        same_name = self._database.same_name
        conditions = {
            same_name("actor"): None if actor is None else casefold(actor),
            same_name("target"): None if target is None else casefold(target),
            "at_ms >= ?": None if since_at is None else to_ms(since_at),
            "id < ?": before_id,
        }
        asked: dict[str, object] = {condition: value for condition, value in conditions.items() if value is not None}
        values = list(asked.values())
        if groups is not None:
            # All of "kick", and the part of "ban.add" before the point.
            terms = [f"action = ? OR substr(action, 1, {len(group) + 1}) = ?" for group in groups]
            asked[f"({' OR '.join(terms) or 'false'})"] = groups
            values += [value for group in groups for value in (group, f"{group}.")]
        # The SQL is put together from the constants above only: all values are parameters.
        rows = self._database.rows(
            "SELECT id, at_ms, actor, origin, action, target, detail FROM audit"
            f" WHERE {' AND '.join(asked) or 'true'} ORDER BY id DESC LIMIT ?",
            [*values, NO_LIMIT if limit is None else limit],
        )
        return [_entry(row) for row in reversed(rows)]


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(row[0], from_ms(row[1]), *row[2:])
