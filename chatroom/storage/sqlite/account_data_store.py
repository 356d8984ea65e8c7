"""The tables ``read_markers`` and ``account_metadata``."""

from __future__ import annotations

from chatroom.chat.stored.records import AccountData
from chatroom.storage.sqlite.database import Database

# Instead of VALUES: it adds no row, rather than raise an error, if the account was deleted meanwhile.
_ACCOUNT = "SELECT id, ?, ? FROM accounts WHERE id = ?"


class SqliteAccountData:
    """Implements ``chatroom.chat.stored.stores.AccountDataStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, account_id: int) -> AccountData:
        """The account's data; empty if there is none."""
        with self._database.snapshot():
            markers = self._database.rows(
                "SELECT target, read_ms FROM read_markers WHERE account_id = ?", (account_id,)
            )
            metadata = self._database.rows(
                "SELECT key, value FROM account_metadata WHERE account_id = ? ORDER BY key", (account_id,)
            )
        return AccountData(dict(markers), dict(metadata))

    def set_marker(self, account_id: int, target: str, read_ms: int) -> None:
        """Set the read marker of a conversation. It never goes back."""
        with self._database.transaction():
            self._database.execute(
                f"INSERT INTO read_markers (account_id, target, read_ms) {_ACCOUNT}"
                " ON CONFLICT DO UPDATE SET read_ms = max(read_ms, excluded.read_ms)",
                (target, read_ms, account_id),
            )

    def delete_marker(self, account_id: int, target: str) -> None:
        """Delete the read marker of a conversation."""
        with self._database.transaction():
            self._database.execute("DELETE FROM read_markers WHERE account_id = ? AND target = ?", (account_id, target))

    def set_metadata(self, account_id: int, metadata: dict[str, str]) -> None:
        """Replace all metadata of an account."""
        with self._database.transaction():
            self._database.execute("DELETE FROM account_metadata WHERE account_id = ?", (account_id,))
            for key, value in metadata.items():
                self._database.execute(
                    f"INSERT INTO account_metadata (account_id, key, value) {_ACCOUNT}", (key, value, account_id)
                )
