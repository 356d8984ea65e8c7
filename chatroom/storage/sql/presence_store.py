"""The tables ``presence`` and ``always_on_users``. ``left_number`` is a message id, ``joined_ms`` a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from chatroom.chat.stored.records import AlwaysOnUser
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.stored_turns import PLACE_IS_LATEST, forget_places, is_latest, note_returns, place_of

# The higher one of what is stored and of what is given. NULL, which means no message id, changes nothing.
_HIGHER = (
    "left_number = CASE WHEN excluded.left_number > coalesce(presence.left_number, -1) THEN excluded.left_number"
    " ELSE presence.left_number END"
)
_RAISED = (
    "left_number = CASE WHEN CAST(?1 AS BIGINT) > coalesce(left_number, -1) THEN CAST(?1 AS BIGINT)"
    " ELSE left_number END"
)

MOST_PLACES = 500
"""The most channels of one account that are stored, those that it is in among them. An account that joined and left new
channels all day would otherwise leave a row for each."""


class SqlPresence:
    """Implements ``chatroom.chat.stored.presence_stores.PresenceStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def come(self, account_id: int, channel: str, joined_ms: int | None = None) -> None:
        """Record that the account is in the channel, and since when."""
        with self._database.transaction(minor=True):
            self._come(account_id, channel, joined_ms)

    def _come(self, account_id: int, channel: str, joined_ms: int | None) -> None:
        if is_latest(self._database, place_of(account_id), channel):
            # A SELECT instead of VALUES adds no row if the account was deleted meanwhile.
            self._database.execute(
                "INSERT INTO presence (account_id, channel, is_present, joined_ms)"
                " SELECT id, ?, 1, ? FROM accounts WHERE id = ?"
                " ON CONFLICT (account_id, channel) DO UPDATE SET is_present = 1, joined_ms = excluded.joined_ms",
                (channel, joined_ms, account_id),
            )
            self._drop_surplus(account_id)

    def _drop_surplus(self, account_id: int) -> None:
        """Keep at most ``MOST_PLACES`` rows of an account: those of channels that it left longest ago go first."""
        count = self._database.number("SELECT count(*) FROM presence WHERE account_id = ?", (account_id,))
        if count > MOST_PLACES:
            self._database.execute(
                "DELETE FROM presence WHERE account_id = ?1 AND channel IN (SELECT channel FROM presence"
                " WHERE account_id = ?1 AND is_present = 0 AND channel <> ''"
                " ORDER BY joined_ms IS NOT NULL, coalesce(left_number, 0) LIMIT ?2)",
                (account_id, count - MOST_PLACES),
            )
            forget_places(self._database, account_id)

    def go(self, account_id: int, channel: str, message_id: int | None, *, returns: bool = False) -> None:
        """Record that the account left and has read up to ``message_id``."""
        with self._database.transaction(minor=True):
            if not is_latest(self._database, place_of(account_id), channel):
                # It has come again since. What it has read, it has read all the same.
                self._database.execute(
                    f"UPDATE presence SET {_RAISED} WHERE account_id = ?2 AND channel = ?3",
                    (message_id, account_id, channel),
                )
                return
            self._database.execute(
                "INSERT INTO presence (account_id, channel, is_present, left_number)"
                " SELECT id, ?, 0, ? FROM accounts WHERE id = ?"
                f" ON CONFLICT (account_id, channel) DO UPDATE SET is_present = 0, {_HIGHER}"
                f"{'' if returns else ', joined_ms = NULL'}",
                (channel, message_id, account_id),
            )

    def correct(self, channels: Mapping[int, Collection[str]], joined_ms: int) -> None:
        """Record that accounts are in these channels and in no others, where that is not recorded."""
        numbers, database = self._database.numbers_of("?1"), self._database
        with database.transaction(minor=True):
            recorded = database.rows(
                "SELECT account_id, channel FROM presence"
                f" WHERE is_present = 1 AND channel <> '' AND account_id IN ({numbers})",
                (json.dumps(list(channels)),),
            )
            for account_id, channel in recorded:
                if channel not in channels[account_id] and is_latest(database, place_of(account_id), channel):
                    database.execute(
                        "UPDATE presence SET is_present = 0, joined_ms = NULL WHERE account_id = ? AND channel = ?",
                        (account_id, channel),
                    )
            known = {tuple(row) for row in recorded}
            for account_id, names in channels.items():
                for channel in names:
                    if (account_id, channel) not in known:
                        self._come(account_id, channel, joined_ms)

    def raise_left(self, account_id: int, channels: Collection[str], message_id: int) -> None:
        """Record that the account has read up to ``message_id`` in these channels, and is where it was."""
        with self._database.transaction(minor=True):
            self._database.execute_many(
                f"UPDATE presence SET {_RAISED} WHERE account_id = ?2 AND channel = ?3",
                [(message_id, account_id, channel) for channel in channels],
            )

    def go_all(self, message_id: int | None, account_id: int | None = None) -> None:
        """Record for every account that is recorded as present, or only for one, that it lost its connection."""
        whose, parameters = (
            ("", (message_id,)) if account_id is None else (" AND account_id = ?2", (message_id, account_id))
        )
        with self._database.transaction():
            self._database.execute(
                f"UPDATE presence SET is_present = 0, {_RAISED} WHERE is_present = 1{whose}",
                parameters,
            )

    def begin_replay(self, account_id: int, channel: str) -> None:
        """Record that what the account missed in the channel is not shown yet: as if it had not come."""
        self._set_present(account_id, channel, 0)

    def end_replay(self, account_id: int, channel: str) -> None:
        """Record that what the account missed in the channel was shown."""
        self._set_present(account_id, channel, 1)

    def _set_present(self, account_id: int, channel: str, is_present: int) -> None:
        with self._database.transaction(minor=True):
            self._database.execute(
                "UPDATE presence SET is_present = ? WHERE account_id = ? AND channel = ?",
                (is_present, account_id, channel),
            )

    def find_places(self, account_id: int) -> list[str]:
        """The channels that the account comes back to, in the order of its JOINs."""
        rows = self._database.rows(
            "SELECT channel FROM presence WHERE account_id = ? AND joined_ms IS NOT NULL AND is_present = 0"
            " ORDER BY joined_ms, channel",
            (account_id,),
        )
        return [str(channel) for (channel,) in rows]

    def forget_place(self, account_id: int, channel: str) -> None:
        """Record that the account does not come back to the channel."""
        with self._database.transaction(minor=True):
            if is_latest(self._database, place_of(account_id), channel):
                self._database.execute(
                    "UPDATE presence SET joined_ms = NULL WHERE account_id = ? AND channel = ?", (account_id, channel)
                )

    def forget_channel(self, channel: str) -> None:
        """Record that no account comes back to the channel. If none would, it takes no lock."""
        returning = "SELECT 1 FROM presence WHERE channel = ? AND joined_ms IS NOT NULL LIMIT 1"
        if self._database.row(returning, (channel,)) is None:
            return  # mostly: and a user who makes thousands of channels must not keep messages waiting
        with self._database.transaction(minor=True):
            forget = "UPDATE presence SET joined_ms = NULL WHERE channel = ?1 AND joined_ms IS NOT NULL"
            if not self._database.turn:
                self._database.execute(forget, (channel,))
                return
            note_returns(self._database, channel)
            self._database.execute(f"{forget} AND {PLACE_IS_LATEST}", (channel, self._database.turn))

    def save_user(self, user: AlwaysOnUser) -> None:
        """Store what others see of a user that is always on."""
        with self._database.transaction():
            if not is_latest(self._database, f"user {user.account_id}"):
                return
            self._database.execute(
                "INSERT INTO always_on_users (account_id, username, realname, host, away, modes)"
                " SELECT id, ?, ?, ?, ?, ? FROM accounts WHERE id = ? ON CONFLICT (account_id) DO UPDATE SET"
                " username = excluded.username, realname = excluded.realname, host = excluded.host,"
                " away = excluded.away, modes = excluded.modes",
                (*user[1:], user.account_id),
            )

    def load_users(self, most: int) -> list[AlwaysOnUser]:
        """The users of the accounts that are always on and not disabled, the oldest accounts first."""
        rows = self._database.rows(
            "SELECT u.account_id, username, realname, host, away, modes FROM always_on_users u"
            " JOIN accounts a ON a.id = u.account_id WHERE a.always_on = 1 AND a.disabled = 0 ORDER BY a.id LIMIT ?",
            (most,),
        )
        return [AlwaysOnUser(*row) for row in rows]

    def find_left(self, account_id: int, channel: str) -> int | None:
        """The message id up to which the account had read when it last left, or None if it never left."""
        row = self._database.row(
            "SELECT left_number FROM presence WHERE account_id = ? AND channel = ?", (account_id, channel)
        )
        return None if row is None or row[0] is None else int(row[0])
