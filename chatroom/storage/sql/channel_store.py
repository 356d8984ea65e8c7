"""The tables ``channels``, ``channel_lists``, ``channel_access`` and ``channel_metadata``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from chatroom.chat.stored.records import AccessLevel, Actor, ListEntry, StoredChannel
from chatroom.errors import AlreadyExists, NotFound
from chatroom.irc.names import casefold
from chatroom.storage.sql import audit_store, change_store, hook_rows
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.rename_notes import find_turn, note_in_stores
from chatroom.storage.sql.stored_turns import CHANNEL, is_latest
from chatroom.storage.sql.timestamps import from_ms, from_ms_or_none, to_ms, to_ms_or_none, utc_now

_COLUMNS = (
    "id, name, founder_id, created_ms, flags, key, member_limit, topic, topic_by, topic_ms, forward,"
    " join_throttle, nick_throttle, slow_mode_s, used_ms"
)
_LIST_COLUMNS = "channel_id, mode, mask, set_by, set_ms, until_ms, reason, is_over"
_ACCESS_COLUMNS = "channel_id, account_id, level"
_METADATA_COLUMNS = "channel_id, key, value"


class SqlChannels:
    """Implements ``chatroom.chat.stored.channel_stores.ChannelStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def load_all(self) -> Iterator[StoredChannel]:
        """All stored channels, in the order in which they were first stored."""
        with self._database.snapshot():
            rows = self._database.rows(f"SELECT {_COLUMNS} FROM channels ORDER BY id")
            lists = self._database.rows(f"SELECT {_LIST_COLUMNS} FROM channel_lists ORDER BY channel_id, position")
            access = self._database.rows(f"SELECT {_ACCESS_COLUMNS} FROM channel_access ORDER BY account_id")
            metadata = self._database.rows(f"SELECT {_METADATA_COLUMNS} FROM channel_metadata ORDER BY key")
        return iter(_channels(rows, lists, access, metadata))

    def save(self, channel: StoredChannel, by: Actor, action: str, detail: str) -> None:
        """Store a channel, new or changed. No audit row is added if ``action`` is empty."""
        with self._database.transaction():
            if is_latest(self._database, CHANNEL, casefold(channel.name)):
                self._write(channel)
            if action:
                audit_store.add_row(self._database, by, action, channel.name, detail)

    def rename(self, old: str, new: str, channel: StoredChannel | None, by: Actor | None, *, home: str = "") -> None:
        """Give a channel another name in all tables but those of the history. Raises ``AlreadyExists``."""
        with self._database.transaction():
            turn = self._database.turn
            if turn:  # if this is not the first try, that of the name is an earlier one
                turn = find_turn(self._database.execute, old, new) or turn
            if not note_in_stores(self._database.execute, old, new, home, turn):
                return
            if self._give_name(casefold(old), new, turn) and channel is not None:
                self._write(channel)
            if by is not None:
                audit_store.add_row(self._database, by, "channel.rename", old, new)

    def finish_renames(self, home: str = "") -> None:
        """Complete the new names of channels that a daemon which was killed has given in one half of the database."""
        condition, parameters = (" WHERE home = ?", (home,)) if home else ("", ())
        notes = f"SELECT folded, new_name, balance, turn FROM rename_notes{condition} ORDER BY number"
        if not self._database.rows(notes, parameters):
            return
        with self._database.transaction():
            for before, new, balance, turn in self._database.rows(notes, parameters):
                if balance > 0:
                    self._finish_rename(before, new, turn)
                elif balance < 0 and not home:
                    self._rename_in_history(before, new)
            if home:
                self._database.execute("UPDATE rename_notes SET balance = 0 WHERE home = ?", (home,))
            else:
                self._database.execute("DELETE FROM rename_notes")

    def _finish_rename(self, before: str, new: str, turn: int) -> None:
        try:
            self._give_name(before, new, turn)
        except AlreadyExists:
            # A later change of the channel was stored, under its new name.
            self._delete_row(before)
            hook_rows.rename_channel(self._database.execute, before, new, casefold(new))

    def _give_name(self, before: str, new: str, turn: int) -> bool:
        """Give a channel another name in all tables but those of the history. Only in a transaction.

        False if a later state of the channel is stored under its new name. Raises ``AlreadyExists`` if another channel
        has it; but if the name was given in a turn, that one has ended, and its row is only behind.
        """
        after, same_name, execute = casefold(new), self._database.same_name, self._database.execute
        is_there = before != after and self._has(after)
        if is_there and not turn:
            raise AlreadyExists(f"there is a stored channel called {new} already")
        # If not, another channel has the old name since, and has taken the row.
        is_own = is_latest(self._database, CHANNEL, before, turn)
        is_new = is_latest(self._database, CHANNEL, after, turn)
        if is_there and is_new:
            self._delete_row(after)
        if is_own and not is_new:
            self._delete_row(before)
        elif is_own:
            # By this key ``_save_row`` finds the row, so that the channel keeps its id.
            execute("UPDATE channels SET folded = ?, name = ? WHERE folded = ?", (after, new, before))
        execute(f"UPDATE channels SET forward = ? WHERE {same_name('forward')}", (new, before))
        execute(f"UPDATE invites SET channel = ? WHERE {same_name('channel')}", (new, before))
        if before != after and is_own:
            self._move_rows_of_accounts(before, after, keeps=not is_new)
        hook_rows.rename_channel(execute, before, new, after)
        return is_new

    def _has(self, folded: str) -> bool:
        return self._database.row("SELECT 1 FROM channels WHERE folded = ?", (folded,)) is not None

    def _delete_row(self, folded: str) -> None:
        self._database.execute("DELETE FROM channels WHERE folded = ?", (folded,))

    def _rename_in_history(self, before: str, new: str) -> None:
        """Give a channel's conversation another name, as a journal does it. Only in a transaction."""
        after, is_open = casefold(new), "folded = ? AND name IS NOT NULL AND ended_ms IS NULL"
        if before != after:
            ended_ms = to_ms(utc_now())
            self._database.execute(f"UPDATE conversations SET ended_ms = ? WHERE {is_open}", (ended_ms, after))
        self._database.execute(f"UPDATE conversations SET name = ?, folded = ? WHERE {is_open}", (new, after, before))

    def _move_rows_of_accounts(self, before: str, after: str, *, keeps: bool) -> None:
        """Have what is stored for accounts under a channel's casefolded name follow the channel.

        What is stored under the new name belongs to an earlier channel, and is deleted. ``keeps``: it is later than
        what follows, and is kept.
        """
        for table, column in (("read_markers", "target"), ("presence", "channel"), ("cleared_playback", "target")):
            if keeps:
                self._database.execute(
                    f"DELETE FROM {table} WHERE {column} = ? AND account_id IN"
                    f" (SELECT account_id FROM {table} WHERE {column} = ?)",
                    (before, after),
                )
            else:
                self._database.execute(f"DELETE FROM {table} WHERE {column} = ?", (after,))
            self._database.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (after, before))

    def _write(self, channel: StoredChannel) -> None:
        """Replace all rows of a channel. Only in a transaction."""
        channel_id = self._save_row(channel)
        self._database.execute("DELETE FROM channel_lists WHERE channel_id = ?", (channel_id,))
        for position, entry in enumerate(channel.lists):
            self._database.execute(
                f"INSERT INTO channel_lists ({_LIST_COLUMNS}, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (channel_id, *_list_values(entry), position),
            )
        self._database.execute("DELETE FROM channel_access WHERE channel_id = ?", (channel_id,))
        for account_id, level in channel.access.items():
            # A SELECT instead of VALUES adds no row if the account was deleted meanwhile.
            self._database.execute(
                f"INSERT INTO channel_access ({_ACCESS_COLUMNS}) SELECT ?, id, ? FROM accounts WHERE id = ?",
                (channel_id, level, account_id),
            )
        self._database.execute("DELETE FROM channel_metadata WHERE channel_id = ?", (channel_id,))
        for key, value in channel.metadata.items():
            self._database.execute(
                f"INSERT INTO channel_metadata ({_METADATA_COLUMNS}) VALUES (?, ?, ?)", (channel_id, key, value)
            )
        change_store.add_row(self._database, "channels", channel_id)

    def record_use(self, names: Sequence[str], used_ms: int) -> None:
        """Set when channels last had a member. No change is logged."""
        with self._database.transaction(minor=True):
            self._database.execute_many(
                "UPDATE channels SET used_ms = ? WHERE folded = ?", [(used_ms, casefold(name)) for name in names]
            )

    def delete(self, name: str, by: Actor, detail: str = "", *, new_name: str = "", home: str = "") -> list[int]:
        """Delete a channel, but not its history, and pause its hooks. Raises ``NotFound``."""
        folded = casefold(name)
        with self._database.transaction():
            row = self._database.row("SELECT id, name FROM channels WHERE folded = ?", (folded,))
            if not is_latest(self._database, CHANNEL, folded):
                # Another channel has the name since, and these hooks are not its own.
                return [] if new_name else hook_rows.pause_channel(self._database, name, by)
            if row is not None:
                return self._delete(row, by, detail, new_name, home)
        # Behind the commit, so that an earlier state of the channel is not stored any more.
        raise NotFound(f"there is no stored channel called {name}")

    def _delete(self, row: Row, by: Actor, detail: str, new_name: str, home: str) -> list[int]:
        channel_id, name = row
        self._database.execute("DELETE FROM channels WHERE id = ?", (channel_id,))
        change_store.add_row(self._database, "channels", channel_id)
        audit_store.add_row(self._database, by, "channel.delete", name, detail)
        if new_name:
            folded = casefold(name)
            note_in_stores(self._database.execute, name, new_name, home, self._database.turn)
            hook_rows.rename_channel(self._database.execute, folded, new_name, casefold(new_name))
            return []
        return hook_rows.pause_channel(self._database, name, by)

    def find(self, name: str) -> StoredChannel | None:
        """The stored channel called ``name``, or None."""
        with self._database.snapshot():
            row = self._database.row(f"SELECT {_COLUMNS} FROM channels WHERE folded = ?", (casefold(name),))
            if row is None:
                return None
            lists = self._database.rows(
                f"SELECT {_LIST_COLUMNS} FROM channel_lists WHERE channel_id = ? ORDER BY position", row[:1]
            )
            access = self._database.rows(
                f"SELECT {_ACCESS_COLUMNS} FROM channel_access WHERE channel_id = ? ORDER BY account_id", row[:1]
            )
            metadata = self._database.rows(
                f"SELECT {_METADATA_COLUMNS} FROM channel_metadata WHERE channel_id = ? ORDER BY key", row[:1]
            )
        return _channels([row], lists, access, metadata)[0]

    def _save_row(self, channel: StoredChannel) -> int:
        # An upsert instead of REPLACE, which would give the row another id. The query for the founder gives NULL if the
        # account was deleted meanwhile.
        return self._database.number(
            "INSERT INTO channels"
            " (name, folded, founder_id, created_ms, flags, key, member_limit, topic, topic_by, topic_ms, forward,"
            " join_throttle, nick_throttle, slow_mode_s, used_ms)"
            " VALUES (?, ?, (SELECT id FROM accounts WHERE id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (folded) DO UPDATE SET name = excluded.name, founder_id = excluded.founder_id,"
            " created_ms = excluded.created_ms, flags = excluded.flags, key = excluded.key,"
            " member_limit = excluded.member_limit, topic = excluded.topic, topic_by = excluded.topic_by,"
            " topic_ms = excluded.topic_ms, forward = excluded.forward,"
            " join_throttle = excluded.join_throttle, nick_throttle = excluded.nick_throttle,"
            " slow_mode_s = excluded.slow_mode_s, used_ms = excluded.used_ms"
            " RETURNING id",
            (
                channel.name,
                casefold(channel.name),
                channel.founder_id,
                to_ms(channel.created_at),
                channel.flags,
                channel.key,
                channel.limit,
                channel.topic,
                channel.topic_by,
                to_ms_or_none(channel.topic_at),
                channel.forward,
                channel.join_throttle,
                channel.nick_throttle,
                channel.slow_mode_s,
                to_ms_or_none(channel.used_at),
            ),
        )


def _list_values(entry: ListEntry) -> tuple[object, ...]:
    """The values of ``_LIST_COLUMNS`` behind the channel's id."""
    until_ms = to_ms_or_none(entry.until_at)
    return entry.mode, entry.mask, entry.set_by, to_ms(entry.set_at), until_ms, entry.reason, entry.is_over


def _channels(rows: list[Row], lists: list[Row], access: list[Row], metadata: list[Row]) -> list[StoredChannel]:
    """The records of channels, from rows of the four tables."""
    entries: defaultdict[int, list[ListEntry]] = defaultdict(list)
    for channel_id, mode, mask, set_by, set_ms, until_ms, reason, is_over in lists:
        entry = ListEntry(mode, mask, set_by, from_ms(set_ms), from_ms_or_none(until_ms), reason, bool(is_over))
        entries[channel_id].append(entry)
    levels: defaultdict[int, dict[int, AccessLevel]] = defaultdict(dict)
    for channel_id, account_id, level in access:
        levels[channel_id][account_id] = level
    values: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for channel_id, key, value in metadata:
        values[channel_id][key] = value
    channels = []
    for row in rows:
        channel_id, name, founder_id, created_ms, flags, key, limit, topic, topic_by, topic_ms, forward, *more = row
        join_throttle, nick_throttle, slow_mode_s, used_ms = more
        stored = StoredChannel(
            name,
            founder_id,
            from_ms(created_ms),
            flags=flags,
            key=key,
            limit=limit,
            forward=forward,
            topic=topic,
            topic_by=topic_by,
            topic_at=from_ms_or_none(topic_ms),
            lists=tuple(entries.get(channel_id, ())),
            access=levels.get(channel_id, {}),
            metadata=values.get(channel_id, {}),
            join_throttle=join_throttle,
            nick_throttle=nick_throttle,
            slow_mode_s=slow_mode_s,
            used_at=from_ms_or_none(used_ms),
        )
        channels.append(stored)
    return channels
