"""The table ``bans``. Rows are never deleted: a ban is lifted, or it expires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_network
from itertools import count

from chatroom.chat.stored.records import Actor, Ban, BanKind, BanRule, NewBan
from chatroom.errors import InvalidTarget, NotFound
from chatroom.irc.names import casefold
from chatroom.storage.sqlite import audit_store, change_store
from chatroom.storage.sqlite.database import Database, Row
from chatroom.storage.sqlite.timestamps import from_ms, from_ms_or_none, to_ms, to_ms_or_none

_COLUMNS = "id, kind, target, reason, created_by, created_ms, until_ms, lifted_ms, lifted_by"
# Without NULL in what is compared for each connection: a rule has 0 for none.
_RULE_COLUMNS = (
    "id, folded, coalesce(version, 0), network, coalesce(prefix, 0), coalesce(until_ms, 0), target, reason,"
    " created_by, created_ms"
)
_IN_FORCE = "lifted_ms IS NULL AND (until_ms IS NULL OR until_ms > ?)"
# IS instead of =, because it is true for two NULLs: a name ban has no network, and an address ban no name.
_SAME_TARGET = "kind = ? AND folded IS ? AND network IS ? AND prefix IS ?"

_Key = tuple[str | None, int | None, bytes | None, int | None]


class SqliteBans:
    """Implements ``chatroom.chat.stored.stores.BanStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: BanKind, target: str, reason: str, until_at: datetime | None, by: Actor) -> Ban:
        """Ban a name or a network, and lift the ban that was in force for it."""
        return self.add_many([NewBan(kind, target, reason, until_at)], by)[0]

    def add_many(self, bans: Sequence[NewBan], by: Actor) -> list[Ban]:
        """Add several bans in one transaction."""
        keys = [_key(ban.kind, ban.target) for ban in bans]
        added: list[Ban] = []
        with self._database.transaction():
            # A ban lifts the one before it on the same target, so that one must be stored by then.
            start = 0
            for end in _ends_of_runs(keys):
                added += self._add(bans[start:end], keys[start:end], by)
                start = end
        return added

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
        row = self._database.row(f"SELECT {_COLUMNS} FROM bans WHERE id = ?", (ban_id,))
        return None if row is None else _ban(row)

    def find_in_force(self, kind: BanKind, target: str, now: datetime) -> Ban | None:
        """The ban in force for exactly this name or network, or None."""
        folded, _, network, prefix = _key(kind, target)
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM bans WHERE {_SAME_TARGET} AND {_IN_FORCE} ORDER BY id DESC",
            (kind, folded, network, prefix, to_ms(now)),
        )
        return None if row is None else _ban(row)

    def list_in_force(self, now: datetime) -> list[Ban]:
        """All bans in force, newest first."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM bans WHERE {_IN_FORCE} ORDER BY id DESC", (to_ms(now),))
        return [_ban(row) for row in rows]

    def list_all(self) -> list[Ban]:
        """All bans, in force or not, newest first."""
        return [_ban(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM bans ORDER BY id DESC")]

    def load_rules(self, now: datetime) -> Iterator[BanRule]:
        """All bans in force in the form that the daemon keeps in memory."""
        return map(_rule, self._database.rows(f"SELECT {_RULE_COLUMNS} FROM bans WHERE {_IN_FORCE}", (to_ms(now),)))

    def find_rule(self, ban_id: int, now: datetime) -> BanRule | None:
        """One ban in the form that the daemon keeps in memory, or None if it is not in force."""
        row = self._database.row(f"SELECT {_RULE_COLUMNS} FROM bans WHERE id = ? AND {_IN_FORCE}", (ban_id, to_ms(now)))
        return None if row is None else _rule(row)

    def _add(self, bans: Sequence[NewBan], keys: Sequence[_Key], by: Actor) -> list[Ban]:
        """Add bans on different targets. One statement adds all rows of a table, which is several times as quick."""
        database, now_ms = self._database, self._database.now_ms()
        # AUTOINCREMENT gives the numbers that follow the highest one ever given.
        first_id = 1 + database.number("SELECT seq FROM sqlite_sequence WHERE name = 'bans'")
        made, rows, changed, audited = [], [], [], []
        for ban_id, (kind, target, reason, until_at, created_at), key in zip(count(first_id), bans, keys):
            folded, version, network, prefix = key
            created_ms = now_ms if created_at is None else to_ms(created_at)
            until_ms = to_ms_or_none(until_at)
            # Only bans in force: one that has expired was not lifted by anyone.
            replaced = [
                row[0]
                for row in database.rows(
                    f"SELECT id FROM bans WHERE {_SAME_TARGET} AND {_IN_FORCE}", (kind, folded, network, prefix, now_ms)
                )
            ]
            for one in replaced:
                self._lift(one, by, now_ms)
            rows.append((ban_id, kind, target, folded, version, network, prefix, reason, by.name, created_ms, until_ms))
            ban = Ban(ban_id, kind, target, reason, by.name, from_ms(created_ms), from_ms_or_none(until_ms))
            made.append(ban)
            changed.append(ban_id)
            audited.append((target, _detail(ban, replaced)))
        database.execute_many(
            "INSERT INTO bans"
            " (id, kind, target, folded, version, network, prefix, reason, created_by, created_ms, until_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        change_store.add_rows(database, "bans", changed)
        audit_store.add_rows(database, by, "ban.add", audited)
        return made

    def _lift(self, ban_id: int, by: Actor, now_ms: int) -> None:
        self._database.execute("UPDATE bans SET lifted_ms = ?, lifted_by = ? WHERE id = ?", (now_ms, by.name, ban_id))
        change_store.add_row(self._database, "bans", ban_id)

    def _get(self, ban_id: int) -> Ban:
        ban = self.find(ban_id)
        if ban is None:
            raise NotFound(f"there is no ban {ban_id}")
        return ban


def _ends_of_runs(keys: Sequence[_Key]) -> Iterator[int]:
    """Where to cut a list so that no part has a key twice."""
    seen: set[_Key] = set()
    for at, key in enumerate(keys):
        if key in seen:
            yield at
            seen.clear()
        seen.add(key)
    yield len(keys)


def _key(kind: BanKind, target: str) -> _Key:
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


def _ban(row: Row) -> Ban:
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
