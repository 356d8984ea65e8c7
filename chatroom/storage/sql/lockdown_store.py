"""The table ``lockdown``: one row, or none."""

from __future__ import annotations

from datetime import datetime

from chatroom.chat.stored.records import Actor, StoredLockdown
from chatroom.storage.sql import audit_store
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.timestamps import to_ms


class SqlLockdown:
    """Implements ``chatroom.chat.stored.ban_stores.LockdownStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, state: str, until_at: datetime | None, by: Actor) -> None:
        """Store the state until a time, or forget the one before if it is ``off``."""
        with self._database.transaction():
            if state == "off":
                self._database.execute("DELETE FROM lockdown")
            else:
                self._database.execute(
                    "INSERT INTO lockdown (only_row, state, until_ms, set_by, set_ms) VALUES (1, ?, ?, ?, ?)"
                    " ON CONFLICT (only_row) DO UPDATE SET state = excluded.state, until_ms = excluded.until_ms,"
                    " set_by = excluded.set_by, set_ms = excluded.set_ms",
                    (state, None if until_at is None else to_ms(until_at), by.name, self._database.now_ms()),
                )
            detail = "" if until_at is None else f"until {until_at:%Y-%m-%d %H:%M:%S} UTC"
            audit_store.add_row(self._database, by, "server.lockdown", state, detail)

    def load(self) -> StoredLockdown | None:
        """What is stored, also if its time is over; None for no lockdown."""
        row = self._database.row("SELECT state, until_ms, set_by FROM lockdown")
        return None if row is None else StoredLockdown(*row)
