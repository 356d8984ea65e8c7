"""What follows an account when it gets another name, in all tables that have names instead of ids."""

from __future__ import annotations

from chatroom.errors import Refused
from chatroom.irc.names import casefold
from chatroom.storage.sql import change_store
from chatroom.storage.sql.contract import Database

_IN_FORCE = "kind = 'name' AND lifted_ms IS NULL AND (until_ms IS NULL OR until_ms > ?)"
_MASKS = ("~a:", "~m:~a:")
"""What stands before an account's name in a mask of a channel (``chatroom.chat.people.ban_masks``)."""


def move_name(database: Database, account_id: int, old: str, new: str) -> list[int]:
    """Put the new name in the place of the old one. Returns the ids of the bans that follow. Only in a transaction.

    Raises ``Refused`` if the new name is banned.
    """
    before, after, now_ms = casefold(old), casefold(new), database.now_ms()
    ban_ids: list[int] = []
    if before != after:
        banned = database.row(f"SELECT id FROM bans WHERE {_IN_FORCE} AND folded = ?", (now_ms, after))
        if banned is not None:
            raise Refused(f"{new} is banned (ban {banned[0]}); lift that ban first")
        sql = f"SELECT id FROM bans WHERE {_IN_FORCE} AND folded = ? ORDER BY id"
        ban_ids = [row[0] for row in database.rows(sql, (now_ms, before))]
        _move_read_markers(database, before, after)
        database.execute("DELETE FROM former_names WHERE account_id = ? AND folded = ?", (account_id, after))
        database.execute(
            "INSERT INTO former_names (account_id, folded, at_ms) VALUES (?, ?, ?)"
            " ON CONFLICT (account_id, folded) DO UPDATE SET at_ms = excluded.at_ms",
            (account_id, before, now_ms),
        )
    for ban_id in ban_ids:
        database.execute("UPDATE bans SET target = ?, folded = ? WHERE id = ?", (new, after, ban_id))
        change_store.add_row(database, "bans", ban_id)
    for start in _MASKS:
        _move_mask(database, start + old, start + new)
    return ban_ids


def _move_read_markers(database: Database, before: str, after: str) -> None:
    # Markers under the new name are of talks with a guest who had it.
    database.execute("DELETE FROM read_markers WHERE target = ?", (after,))
    database.execute("UPDATE read_markers SET target = ? WHERE target = ?", (after, before))


def _move_mask(database: Database, before: str, after: str) -> None:
    rows = database.rows(
        f"SELECT channel_id, position, mode FROM channel_lists WHERE {database.same_name('mask')}"
        " ORDER BY channel_id, position",
        (casefold(before),),
    )
    for channel_id, position, mode in rows:
        # A list has each mask once.
        database.execute(
            f"DELETE FROM channel_lists WHERE channel_id = ? AND mode = ? AND {database.same_name('mask')}"
            " AND position <> ?",
            (channel_id, mode, casefold(after), position),
        )
        database.execute(
            "UPDATE channel_lists SET mask = ? WHERE channel_id = ? AND position = ?", (after, channel_id, position)
        )
        change_store.add_row(database, "channels", channel_id)
