"""The tables ``read_markers``, ``cleared_playback``, ``account_metadata``, and who is a bot (``always_on_users``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from chatroom.chat.stored.records import AccountData
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.stored_turns import is_latest

# Instead of VALUES: it adds no row, rather than raise an error, if the account was deleted meanwhile.
_ACCOUNT = "SELECT id, ?, ? FROM accounts WHERE id = ?"
_SET_MARKER = (
    f"INSERT INTO read_markers (account_id, target, read_ms) {_ACCOUNT}"
    " ON CONFLICT (account_id, target) DO UPDATE SET read_ms = excluded.read_ms"
    " WHERE excluded.read_ms > read_markers.read_ms"
)


class SqlAccountData:
    """Implements ``chatroom.chat.stored.account_stores.AccountDataStore``."""

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
            cleared = self._database.rows(
                "SELECT target, message_id FROM cleared_playback WHERE account_id = ?", (account_id,)
            )
            seen = self._database.row("SELECT modes FROM always_on_users WHERE account_id = ?", (account_id,))
        return AccountData(dict(markers), dict(metadata), dict(cleared), seen is not None and "B" in str(seen[0]))

    def set_marker(self, account_id: int, target: str, read_ms: int) -> None:
        """Set the read marker of a conversation. It never goes back."""
        with self._database.transaction(minor=True):
            self._database.execute(_SET_MARKER, (target, read_ms, account_id))

    def raise_markers(self, markers: Mapping[int, Mapping[str, int]]) -> None:
        """Set read markers of several accounts, where earlier ones are stored, or none."""
        rows = self._database.rows(
            "SELECT account_id, target, read_ms FROM read_markers"
            f" WHERE account_id IN ({self._database.numbers_of('?1')})",
            (json.dumps(list(markers)),),
        )
        stored = {(account_id, target): read_ms for account_id, target, read_ms in rows}
        later = [
            (target, read_ms, account_id)
            for account_id, of_account in markers.items()
            for target, read_ms in of_account.items()
            if read_ms > stored.get((account_id, target), -1)
        ]
        if later:
            with self._database.transaction(minor=True):
                self._database.execute_many(_SET_MARKER, later)

    def delete_marker(self, account_id: int, target: str) -> None:
        """Delete the read marker of a conversation."""
        with self._database.transaction(minor=True):
            self._database.execute("DELETE FROM read_markers WHERE account_id = ? AND target = ?", (account_id, target))

    def clear_playback(self, account_id: int, targets: Mapping[str, int], dropped: Iterable[str] = ()) -> None:
        """Set up to which message id the playback of conversations is cleared. It never goes back."""
        with self._database.transaction(minor=True):
            self._database.execute_many(
                "DELETE FROM cleared_playback WHERE account_id = ? AND target = ?",
                [(account_id, target) for target in dropped],
            )
            self._database.execute_many(
                f"INSERT INTO cleared_playback (account_id, target, message_id) {_ACCOUNT}"
                " ON CONFLICT (account_id, target) DO UPDATE SET message_id = excluded.message_id"
                " WHERE excluded.message_id > cleared_playback.message_id",
                [(target, message_id, account_id) for target, message_id in targets.items()],
            )

    def set_metadata(self, account_id: int, metadata: dict[str, str]) -> None:
        """Replace all metadata of an account."""
        with self._database.transaction(minor=True):
            if not is_latest(self._database, f"metadata {account_id}"):
                return
            self._database.execute("DELETE FROM account_metadata WHERE account_id = ?", (account_id,))
            for key, value in metadata.items():
                self._database.execute(
                    f"INSERT INTO account_metadata (account_id, key, value) {_ACCOUNT}", (key, value, account_id)
                )
