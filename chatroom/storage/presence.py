"""The table ``presence``."""

from __future__ import annotations

from chatroom.storage.database import Database


class Presence:
    """Implements ``chatroom.chat.history_stores.PresenceStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def come(self, account_id: int, channel: str, number: int) -> int | None:
        """Note that the account is there from ``number`` on; where it had left, None if it never was there."""
        with self._database.transaction():
            row = self._database.row(
                "SELECT left_number FROM presence WHERE account_id = ? AND channel = ?", (account_id, channel)
            )
            self._database.execute(
                "INSERT INTO presence (account_id, channel, joined_number) SELECT id, ?, ? FROM accounts WHERE id = ?"
                " ON CONFLICT DO UPDATE SET joined_number = max(joined_number, excluded.joined_number)",
                (channel, number, account_id),
            )
        return None if row is None else int(row[0])

    def go(self, account_id: int, channel: str, number: int) -> None:
        """Note that the account has read everything up to ``number``, and is gone."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO presence (account_id, channel, left_number) SELECT id, ?, ? FROM accounts WHERE id = ?"
                " ON CONFLICT DO UPDATE SET left_number = max(left_number, excluded.left_number)",
                (channel, number, account_id),
            )

    def go_all(self, number: int) -> None:
        """Everybody who was there when the daemon ended had read everything up to ``number``. For its next start."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE presence SET left_number = ? WHERE joined_number >= left_number AND left_number < ?",
                (number, number),
            )
