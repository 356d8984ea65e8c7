"""What makes entries quick to find (``places`` and ``message_words``): knowing them, and forgetting them."""

from __future__ import annotations

from collections.abc import Sequence

from chatroom.chat.stored.entries import time_ms_of
from chatroom.storage.sqlite.database import Database, Row
from chatroom.storage.sqlite.history_rows import INDEXED, LAST_MESSAGE_KIND, marks
from chatroom.storage.sqlite.history_words import words_of

COLUMNS = "id, conversation_id, kind, time_ms, source, account, body"
"""Of ``messages``: what the index is made from."""
_AT_ONCE = 1_000_000_000


def index(database: Database, rows: Sequence[Row]) -> None:
    """Make entries known, rows of ``COLUMNS`` in the order of their ids, inside a transaction."""
    database.execute_many(
        "INSERT INTO places (conversation_id, event, message_id, time_ms) VALUES (?, ?, ?, ?)",
        [(row[1], row[2] > LAST_MESSAGE_KIND, row[0], row[3]) for row in rows],
    )
    database.execute_many(
        "INSERT INTO message_words (rowid, body) VALUES (?, ?)",
        [(row[0], words_of(row[1], *row[4:])) for row in rows if row[2] <= LAST_MESSAGE_KIND],
    )
    skew = max([time_ms_of(row[0]) - row[3] for row in rows], default=0)
    database.execute("UPDATE history_state SET value = ? WHERE name = 'skew' AND value < ?", (skew, skew))


def remove(database: Database, numbers: Sequence[int]) -> None:
    """Delete entries from everywhere, inside a transaction; at most some hundreds at a time."""
    among = f"id IN ({marks(numbers)})"
    known = database.rows(f"SELECT {COLUMNS} FROM messages WHERE {among} AND id <= {INDEXED} ORDER BY id", numbers)
    database.execute_many(
        "DELETE FROM places WHERE conversation_id = ? AND event = ? AND message_id = ?",
        [(row[1], row[2] > LAST_MESSAGE_KIND, row[0]) for row in known],
    )
    # An index without a text of its own has to be told what to forget, exactly as it was told to know it.
    database.execute_many(
        "INSERT INTO message_words (message_words, rowid, body) VALUES ('delete', ?, ?)",
        [(row[0], words_of(row[1], *row[4:])) for row in known if row[2] <= LAST_MESSAGE_KIND],
    )
    database.execute(f"DELETE FROM messages WHERE {among}", numbers)
    # Numbers that were given out must not be given out again.
    database.execute(
        "UPDATE history_state SET value = max(value, ?) WHERE name = 'highest'", (max(numbers, default=0),)
    )


def ask_for_scrub(database: Database) -> None:
    """Have the bytes of what was deleted removed from the files, too, and at once; inside a transaction."""
    record_pruned(database, _AT_ONCE)


def record_pruned(database: Database, count: int) -> None:
    """Remember that so many entries were deleted whose bytes may stay for a while; inside a transaction."""
    database.execute("UPDATE history_state SET value = value + ? WHERE name = 'scrub'", (count,))
