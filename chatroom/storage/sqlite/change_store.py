"""What was changed, row by row, for a running daemon to follow."""

from __future__ import annotations

from chatroom.chat.stored.records import Change, ChangeTable
from chatroom.storage.sqlite.database import Database

KEPT = 100_000
"""How many of the newest rows are kept."""
_PRUNE_EVERY = 1024

_TABLES: tuple[ChangeTable, ...] = ("accounts", "bans", "channels")


def add_row(database: Database, table: ChangeTable, row_id: int) -> None:
    """Write that a row was added, altered or deleted; inside the transaction that does so."""
    change_id = database.execute(
        "INSERT INTO changes (tbl, row_id, origin) VALUES (?, ?, ?)", (table, row_id, database.writer)
    ).lastrowid
    # Now and then only, and then no more rows than were added since: nobody waits long for it.
    if change_id is not None and change_id % _PRUNE_EVERY == 0:
        database.execute("DELETE FROM changes WHERE id <= ?", (change_id - KEPT,))


class Changes:
    """The log of changes as one connection reads it. Belongs to the thread of its connection."""

    __slots__ = ("_database", "_version")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version = self._read_version()

    def changed_elsewhere(self) -> bool:
        """Whether another connection has committed since the last call, or since this one was opened."""
        version = self._read_version()
        changed = version != self._version
        self._version = version
        return changed

    def changes_after(self, change_id: int) -> list[Change]:
        """The changes of other origins than ours after ``change_id``, in order.

        Where rows after ``change_id`` are no longer kept (the reader slept through ``KEPT`` of them), every row that
        ever existed is named instead, with the newest change's id: following that leaves nothing out.
        """
        with self._database.snapshot():
            oldest = self._database.number("SELECT min(id) FROM changes")
            if change_id + 1 < oldest:
                return self._everything()
            rows = self._database.rows(
                "SELECT id, tbl, row_id FROM changes WHERE id > ? AND origin <> ? ORDER BY id",
                (change_id, self._database.writer),
            )
        return [Change._make(row) for row in rows]

    def last_change_id(self) -> int:
        """The newest change's id, 0 where there was none."""
        return self._database.number("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")

    def _everything(self) -> list[Change]:
        newest = self.last_change_id()
        highest: dict[str, int] = dict(self._database.rows("SELECT name, seq FROM sqlite_sequence"))
        return [Change(newest, table, row_id) for table in _TABLES for row_id in range(1, highest.get(table, 0) + 1)]

    def _read_version(self) -> int:
        return self._database.number("PRAGMA data_version")
