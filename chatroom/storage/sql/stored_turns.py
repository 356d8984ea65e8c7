"""The table ``stored_turns``: in which turn of a cluster something was stored last.

A node's store worker writes what a turn has changed when the turn is told, and by then another node may have the next
one. Each of them writes the whole state of a thing, as of its turn, so the state of the later turn is the one to keep.
All stores write under one lock (``Database.transaction``), so nobody comes between the look at the row and the write.

A lone daemon has no turns (``Database.turn`` is 0), and pays one comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatroom.storage.sql.contract import Database, Row

CHANNEL = "channel"
_KEPT_TURNS = 10_000_000
"""How many turns later the row of a turn is deleted (``SqlUpkeep``): nothing of a turn waits for a worker so long."""
_IF_LATEST = "ON CONFLICT (thing, name) DO UPDATE SET turn = excluded.turn WHERE excluded.turn >= stored_turns.turn"
_NOTE = f"INSERT INTO stored_turns (thing, name, turn) VALUES (?, ?, ?) {_IF_LATEST}"
PLACE_IS_LATEST = (
    "NOT EXISTS (SELECT 1 FROM stored_turns AS later WHERE later.thing = 'place ' || presence.account_id"
    " AND later.name = presence.channel AND later.turn > ?2)"
)
"""The SQL condition that a row of ``presence`` is not stored as of a later turn than that in the second parameter."""


def is_latest(database: Database, thing: str, name: str = "", turn: int | None = None) -> bool:
    """Note that a thing is stored as of a turn: of the job under way, if no other is given. Only in a transaction.

    False if it is stored as of a later one already: then it must not be written.
    """
    number = database.turn if turn is None else turn
    return not number or database.execute(_NOTE, (thing, name, number)).rowcount == 1


def place_of(account_id: int) -> str:
    """The thing that a channel is to an account: whether it is there."""
    return f"place {account_id}"


def forget_places(database: Database, account_id: int) -> None:
    """Forget the turns of places of an account that are not stored any more. Only in a transaction."""
    if database.turn:
        database.execute(
            "DELETE FROM stored_turns WHERE thing = ? AND name NOT IN"
            " (SELECT channel FROM presence WHERE account_id = ?)",
            (place_of(account_id), account_id),
        )


def note_returns(database: Database, channel: str) -> None:
    """Note, for all accounts that come back to a channel, that this is stored as of a turn. Only in a transaction."""
    database.execute(
        "INSERT INTO stored_turns (thing, name, turn) SELECT 'place ' || account_id, channel, CAST(?2 AS BIGINT)"
        f" FROM presence WHERE channel = ?1 AND joined_ms IS NOT NULL {_IF_LATEST}",
        (channel, database.turn),
    )


def find_old(database: Database, most: int) -> list[Row]:
    """Some of the things that were stored so long ago that nothing earlier can come. It goes through the table."""
    return database.rows(
        "SELECT thing, name, turn FROM stored_turns WHERE turn < (SELECT max(turn) FROM stored_turns) - ? LIMIT ?",
        (_KEPT_TURNS, most),
    )


def forget(database: Database, old: Sequence[Row]) -> None:
    """Forget things of ``find_old`` that were not stored again since. Only in a transaction."""
    database.execute_many("DELETE FROM stored_turns WHERE thing = ? AND name = ? AND turn = ?", old)
