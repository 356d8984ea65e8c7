"""The table ``presence``."""

from __future__ import annotations

from chatroom.storage.sqlite.database import Database


class Presence:
    """Implements ``chatroom.chat.stored.history_stores.PresenceStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def come(self, account_id: int, channel: str) -> None:
        """Note that the account is there."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO presence (account_id, channel, is_present) SELECT id, ?, 1 FROM accounts WHERE id = ?"
                " ON CONFLICT DO UPDATE SET is_present = 1",
                (channel, account_id),
            )

    def go(self, account_id: int, channel: str, number: int) -> None:
        """Note that the account has read everything up to ``number``, and is gone."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO presence (account_id, channel, is_present, left_number)"
                " SELECT id, ?, 0, ? FROM accounts WHERE id = ?"
                " ON CONFLICT DO UPDATE SET is_present = 0, left_number = max(ifnull(left_number, 0),"
                " excluded.left_number)",
                (channel, number, account_id),
            )

    def go_all(self, number: int) -> None:
        """Everybody who was there when the daemon ended had read everything up to ``number``. For its next start."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE presence SET is_present = 0, left_number = max(ifnull(left_number, 0), ?) WHERE is_present",
                (number,),
            )

    def find_left(self, account_id: int, channel: str) -> int | None:
        """Until where the account had read when it left the last time; None if it never did."""
        row = self._database.row(
            "SELECT left_number FROM presence WHERE account_id = ? AND channel = ?", (account_id, channel)
        )
        return None if row is None or row[0] is None else int(row[0])
