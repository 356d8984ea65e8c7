"""The table ``presence``. Its column ``left_number`` is a message id."""

from __future__ import annotations

from chatroom.storage.sqlite.database import Database


class SqlitePresence:
    """Implements ``chatroom.chat.stored.history_stores.PresenceStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def come(self, account_id: int, channel: str) -> None:
        """Record that the account is in the channel."""
        # A SELECT instead of VALUES adds no row if the account was deleted meanwhile.
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO presence (account_id, channel, is_present) SELECT id, ?, 1 FROM accounts WHERE id = ?"
                " ON CONFLICT DO UPDATE SET is_present = 1",
                (channel, account_id),
            )

    def go(self, account_id: int, channel: str, message_id: int) -> None:
        """Record that the account left and has read up to ``message_id``."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO presence (account_id, channel, is_present, left_number)"
                " SELECT id, ?, 0, ? FROM accounts WHERE id = ?"
                " ON CONFLICT DO UPDATE SET is_present = 0, left_number = max(ifnull(left_number, 0),"
                " excluded.left_number)",
                (channel, message_id, account_id),
            )

    def go_all(self, message_id: int) -> None:
        """Record ``go`` for every account that is recorded as present."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE presence SET is_present = 0, left_number = max(ifnull(left_number, 0), ?) WHERE is_present",
                (message_id,),
            )

    def find_left(self, account_id: int, channel: str) -> int | None:
        """The message id up to which the account had read when it last left, or None if it never left."""
        row = self._database.row(
            "SELECT left_number FROM presence WHERE account_id = ? AND channel = ?", (account_id, channel)
        )
        return None if row is None or row[0] is None else int(row[0])
