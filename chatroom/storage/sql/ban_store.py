"""The table ``bans``. Rows are never deleted: a ban is lifted, or it expires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_network
from itertools import count

from chatroom.chat.stored.records import Actor, Ban, BanKind, BanRule, NewBan
from chatroom.errors import InvalidTarget, NotFound
from chatroom.irc.names import casefold
from chatroom.storage.sql import audit_store, change_store
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.timestamps import from_ms, from_ms_or_none, to_ms, to_ms_or_none

COLUMNS = "id, kind, target, reason, created_by, created_ms, until_ms, lifted_ms, lifted_by"
# Without NULL in what is compared for each connection: a rule has 0 for none.
_RULE_COLUMNS = (
    "id, folded, coalesce(version, 0), network, coalesce(prefix, 0), coalesce(until_ms, 0), target, reason,"
    " created_by, created_ms"
)
_IN_FORCE = "lifted_ms IS NULL AND (until_ms IS NULL OR until_ms > ?)"
# Which rows have a target, by their kind. IS NULL, so that the index on all of these columns serves both.
_SAME_TARGET: dict[BanKind, str] = {
    "name": "kind = 'name' AND folded = ? AND network IS NULL",
    "ip": "kind = 'ip' AND folded IS NULL AND network = ? AND prefix = ?",
}
# Bans in force with a later one on the same target that was just added, and the first of these. Only bans in force: one
# that has run out was not lifted by anyone. The few new bans come first, which a CROSS JOIN tells SQLite.
_REPLACED = (
    "SELECT old.id AS old_id, min(new.id) AS new_id FROM bans AS new CROSS JOIN bans AS old"
    " WHERE new.id >= ?2 AND new.kind = 'name' AND old.kind = 'name' AND old.folded = new.folded"
    " AND old.network IS NULL AND old.id < new.id"
    " AND old.lifted_ms IS NULL AND (old.until_ms IS NULL OR old.until_ms > ?1) GROUP BY old.id"
    " UNION ALL"
    " SELECT old.id AS old_id, min(new.id) AS new_id FROM bans AS new CROSS JOIN bans AS old"
    " WHERE new.id >= ?2 AND new.kind = 'ip' AND old.kind = 'ip' AND old.folded IS NULL"
    " AND old.network = new.network AND old.prefix = new.prefix AND old.id < new.id"
    " AND old.lifted_ms IS NULL AND (old.until_ms IS NULL OR old.until_ms > ?1) GROUP BY old.id"
    " ORDER BY old_id"
)

_Key = tuple[str | None, int | None, bytes | None, int | None]


class SqlBans:
    """Implements ``chatroom.chat.stored.ban_stores.BanStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: BanKind, target: str, reason: str, until_at: datetime | None, by: Actor) -> Ban:
        """Ban a name or a network, and lift the ban that was in force for it."""
        return self.add_many([NewBan(kind, target, reason, until_at)], by)[0]

    def add_many(self, bans: Sequence[NewBan], by: Actor) -> list[Ban]:
        """Add several bans in one transaction."""
        keys = [key_of(ban.kind, ban.target) for ban in bans]
        with self._database.transaction():
            return self._add(bans, keys, by)

    def lift(self, ban_id: int, by: Actor) -> Ban:
        """Lift a ban and return it. Raises ``NotFound`` if no ban with that id is in force."""
        with self._database.transaction():
            now_ms = self._database.now_ms()
            row = self._database.row(f"SELECT target FROM bans WHERE id = ? AND {_IN_FORCE}", (ban_id, now_ms))
            if row is None:
                raise NotFound(f"there is no ban {ban_id} in force")
            self._lift(ban_id, by, now_ms)
            audit_store.add_row(self._database, by, "ban.remove", row[0], f"ban {ban_id}")
            ban = self._get(ban_id)
        return ban

    def find(self, ban_id: int) -> Ban | None:
        """The ban with that id, in force or not; or None."""
        row = self._database.row(f"SELECT {COLUMNS} FROM bans WHERE id = ?", (ban_id,))
        return None if row is None else to_ban(row)

    def find_in_force(self, kind: BanKind, target: str, now: datetime) -> Ban | None:
        """The ban in force for exactly this name or network, or None."""
        folded, _, network, prefix = key_of(kind, target)
        row = self._database.row(
            f"SELECT {COLUMNS} FROM bans WHERE {_SAME_TARGET[kind]} AND {_IN_FORCE} ORDER BY id DESC",
            (*((folded,) if kind == "name" else (network, prefix)), to_ms(now)),
        )
        return None if row is None else to_ban(row)

    def list_in_force(self, now: datetime) -> list[Ban]:
        """All bans in force, newest first."""
        rows = self._database.rows(f"SELECT {COLUMNS} FROM bans WHERE {_IN_FORCE} ORDER BY id DESC", (to_ms(now),))
        return [to_ban(row) for row in rows]

    def list_all(self) -> list[Ban]:
        """All bans, in force or not, newest first."""
        return [to_ban(row) for row in self._database.rows(f"SELECT {COLUMNS} FROM bans ORDER BY id DESC")]

    def load_rules(self, now: datetime) -> Iterator[BanRule]:
        """All bans in force in the form that the daemon keeps in memory."""
        return map(_rule, self._database.rows(f"SELECT {_RULE_COLUMNS} FROM bans WHERE {_IN_FORCE}", (to_ms(now),)))

    def find_rule(self, ban_id: int, now: datetime) -> BanRule | None:
        """One ban in the form that the daemon keeps in memory, or None if it is not in force."""
        row = self._database.row(f"SELECT {_RULE_COLUMNS} FROM bans WHERE id = ? AND {_IN_FORCE}", (ban_id, to_ms(now)))
        return None if row is None else _rule(row)

    def _add(self, new: Sequence[NewBan], keys: Sequence[_Key], by: Actor) -> list[Ban]:
        """Add bans. One statement adds all rows of a table, which is several times as quick as one for each row."""
        database, now_ms = self._database, self._database.now_ms()
        first_id = database.next_ids("bans", len(new))
        bans, rows = [], []
        for ban_id, (kind, target, reason, until_at, created_at), key in zip(count(first_id), new, keys):
            created_ms = now_ms if created_at is None else to_ms(created_at)
            until_ms = to_ms_or_none(until_at)
            bans.append(Ban(ban_id, kind, target, reason, by.name, from_ms(created_ms), from_ms_or_none(until_ms)))
            rows.append((ban_id, kind, target, *key, reason, by.name, created_ms, until_ms))
        database.execute_many(
            "INSERT INTO bans"
            " (id, kind, target, folded, version, network, prefix, reason, created_by, created_ms, until_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        replaced: dict[int, list[int]] = {}
        # With a repeated target, each ban replaces the one before it.
        for old_id, new_id in database.rows(_REPLACED, (now_ms, first_id)):
            replaced.setdefault(new_id, []).append(old_id)
            self._lift(old_id, by, now_ms)
        change_store.add_rows(database, "bans", [ban.id for ban in bans])
        audited = [(ban.target, _detail(ban, replaced.get(ban.id, []))) for ban in bans]
        audit_store.add_rows(database, by, "ban.add", audited)
        return bans

    def _lift(self, ban_id: int, by: Actor, now_ms: int) -> None:
        self._database.execute("UPDATE bans SET lifted_ms = ?, lifted_by = ? WHERE id = ?", (now_ms, by.name, ban_id))
        change_store.add_row(self._database, "bans", ban_id)

    def _get(self, ban_id: int) -> Ban:
        ban = self.find(ban_id)
        if ban is None:
            raise NotFound(f"there is no ban {ban_id}")
        return ban


def key_of(kind: BanKind, target: str) -> _Key:
    """The columns that identify a target: casefolded name, IP version, packed first address, prefix length."""
    if kind == "name":
        return casefold(target), None, None, None
    try:
        network = ip_network(target)
    except ValueError as error:
        raise InvalidTarget(f"{target}: not an address or a network") from error
    return None, network.version, network.network_address.packed, network.prefixlen


def _detail(ban: Ban, replaced: list[int]) -> str:
    until = "permanently" if ban.until_at is None else f"until {ban.until_at.isoformat(timespec='seconds')}"
    parts = [f"ban {ban.id}, {until}"]
    if replaced:
        parts.append("instead of " + ", ".join(f"ban {ban_id}" for ban_id in replaced))
    return ", ".join(parts) + (f": {ban.reason}" if ban.reason else "")


def to_ban(row: Row) -> Ban:
    """The ban of a row of ``COLUMNS``."""
    ban_id, kind, target, reason, by, created_ms, until_ms, lifted_ms, lifted_by = row
    return Ban(
        ban_id,
        kind,
        target,
        reason,
        by,
        from_ms(created_ms),
        from_ms_or_none(until_ms),
        from_ms_or_none(lifted_ms),
        lifted_by,
    )


def _rule(row: Row) -> BanRule:
    ban_id, name, version, packed, prefix, until_ms, target, reason, by, created_ms = row
    network = 0 if packed is None else int.from_bytes(packed, "big")
    return BanRule(ban_id, name, version, network, prefix, until_ms, target, reason, by, created_ms)
