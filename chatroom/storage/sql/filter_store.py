"""The table ``filters``: spam filters, and how often each has matched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chatroom.chat.admission.durations import format_duration
from chatroom.chat.stored.records import Actor, NewFilter, SpamFilter
from chatroom.errors import NotFound, TooMany
from chatroom.storage.sql import audit_store, change_store
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.timestamps import from_ms, from_ms_or_none, to_ms

COLUMNS = "id, pattern, kind, action, reason, duration_s, created_by, created_ms, hits, hit_ms"


class SqlFilters:
    """Implements ``chatroom.chat.stored.filter_stores.FilterStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewFilter, by: Actor, most: int) -> SpamFilter:
        """Add a filter, or change the one with this pattern."""
        database = self._database
        with database.transaction():
            row = database.row("SELECT id FROM filters WHERE kind = ? AND pattern = ?", (new.kind, new.pattern))
            if row is None and database.number("SELECT count(*) FROM filters WHERE kind = ?", (new.kind,)) >= most:
                raise TooMany(f"there are {most} filters of this kind already: remove one first")
            values = (new.action, new.reason, new.duration_s, by.name, database.now_ms())
            if row is not None:
                database.execute(
                    "UPDATE filters SET action = ?, reason = ?, duration_s = ?, created_by = ?, created_ms = ?"
                    " WHERE id = ?",
                    (*values, row[0]),
                )
                filter_id = row[0]
            else:
                filter_id = database.number(
                    "INSERT INTO filters (action, reason, duration_s, created_by, created_ms, kind, pattern)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                    (*values, new.kind, new.pattern),
                )
            change_store.add_row(database, "filters", filter_id)
            added = self._get(filter_id)
            audit_store.add_row(database, by, "filter.add", new.pattern, _detail(added))
        return added

    def remove(self, filter_id: int, by: Actor) -> SpamFilter:
        """Delete a filter and return it. Raises ``NotFound``."""
        with self._database.transaction():
            removed = self._get(filter_id)
            self._database.execute("DELETE FROM filters WHERE id = ?", (filter_id,))
            change_store.add_row(self._database, "filters", filter_id)
            audit_store.add_row(self._database, by, "filter.remove", removed.pattern, _detail(removed))
        return removed

    def find(self, filter_id: int) -> SpamFilter | None:
        """The filter with that id, or None."""
        row = self._database.row(f"SELECT {COLUMNS} FROM filters WHERE id = ?", (filter_id,))
        return None if row is None else to_filter(row)

    def find_pattern(self, pattern: str) -> SpamFilter | None:
        """The filter with exactly that pattern, a glob before a regular expression; or None."""
        row = self._database.row(f"SELECT {COLUMNS} FROM filters WHERE pattern = ? ORDER BY kind", (pattern,))
        return None if row is None else to_filter(row)

    def list_all(self) -> list[SpamFilter]:
        """All filters, in the order in which they were added."""
        return [to_filter(row) for row in self._database.rows(f"SELECT {COLUMNS} FROM filters ORDER BY id")]

    def add_hits(self, hits: Mapping[int, int], at: datetime) -> None:
        """Add to the hits of filters, by their ids."""
        # Not what the reserve is for: a full disk needs bans more than it needs counts.
        with self._database.transaction(minor=True):
            for filter_id, count in hits.items():
                self._database.execute(
                    "UPDATE filters SET hits = hits + ?, hit_ms = ? WHERE id = ?", (count, to_ms(at), filter_id)
                )

    def _get(self, filter_id: int) -> SpamFilter:
        found = self.find(filter_id)
        if found is None:
            raise NotFound(f"there is no filter {filter_id}")
        return found


def _detail(one: SpamFilter) -> str:
    lasting = "" if one.duration_s is None else f" for {format_duration(one.duration_s)}"
    return f"filter {one.id}, {one.kind}, {one.action}{lasting}" + (f": {one.reason}" if one.reason else "")


def to_filter(row: Row) -> SpamFilter:
    """The filter of a row of ``COLUMNS``."""
    filter_id, pattern, kind, action, reason, duration_s, by, created_ms, hits, hit_ms = row
    created_at, hit_at = from_ms(created_ms), from_ms_or_none(hit_ms)
    return SpamFilter(filter_id, pattern, kind, action, reason, duration_s, by, created_at, hits, hit_at)
