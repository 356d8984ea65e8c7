"""The table ``changes``: the log of changed rows, by which a running daemon learns what others have written."""

from __future__ import annotations

from collections.abc import Sequence

from chatroom.chat.stored.records import Change, ChangeTable
from chatroom.storage.sql.contract import Database

KEPT_ROWS = 100_000
"""The number of newest rows that stay in the log."""
_PRUNE_EVERY = 1024
"""Rows that are added between two prunings."""

_TABLES: tuple[ChangeTable, ...] = ("accounts", "bans", "channels", "filters", "hooks")


def add_row(database: Database, table: ChangeTable, row_id: int) -> None:
    """Log that a row was added, changed or deleted. Only in the transaction that does so."""
    add_rows(database, table, (row_id,))


def add_rows(database: Database, table: ChangeTable, row_ids: Sequence[int]) -> None:
    """As ``add_row``, for several rows of a table."""
    if not row_ids:
        return
    first_id = database.next_ids("changes", len(row_ids))
    database.execute_many(
        "INSERT INTO changes (id, tbl, row_id, origin) VALUES (?, ?, ?, ?)",
        [(change_id, table, row_id, database.writer) for change_id, row_id in enumerate(row_ids, first_id)],
    )
    change_id = first_id + len(row_ids) - 1
    # This deletes as many rows as were added since the last pruning, so it is quick.
    if change_id % _PRUNE_EVERY < len(row_ids):
        database.execute("DELETE FROM changes WHERE id <= ?", (change_id - KEPT_ROWS,))


class ChangeLog:
    """The log of changes, as one connection reads it."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def changes_after(self, change_id: int) -> list[Change]:
        """The logged changes of other writers with an id above ``change_id``, in order. The disk has them.

        If some of them were pruned, it returns a change for every row that may exist, with the id of the newest change.
        """
        with self._database.snapshot():
            oldest = self._database.number("SELECT min(id) FROM changes")
            if change_id + 1 < oldest:
                changes = self._everything()
            else:
                rows = self._database.rows(
                    "SELECT id, tbl, row_id, origin FROM changes WHERE id > ? AND origin <> ? ORDER BY id",
                    (change_id, self._database.writer),
                )
                changes = [Change._make(row) for row in rows]
        if changes:
            self._database.make_durable()  # their writers may still wait for the disk
        return changes

    def last_change_id(self) -> int:
        """The id of the newest change that was ever logged; 0 if there was none."""
        # Not the highest id in the table, because the row itself may be pruned.
        return self._database.given_ids().get("changes", 0)

    def _everything(self) -> list[Change]:
        # Ids are never used twice, so these are all ids that a row can have. Deleted ones do no harm: the reader finds
        # that they are gone.
        given = self._database.given_ids()
        newest = given.get("changes", 0)
        return [Change(newest, table, row_id) for table in _TABLES for row_id in range(1, given.get(table, 0) + 1)]
