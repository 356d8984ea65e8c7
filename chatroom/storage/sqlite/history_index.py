"""What makes entries quick to find (``places`` and ``message_words``): knowing them, and forgetting them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chatroom.chat.stored.entries import time_ms_of
from chatroom.storage.sqlite.database import Database
from chatroom.storage.sqlite.history_rows import COLUMNS, INDEXED, LAST_MESSAGE_KIND, MessageRow, marks
from chatroom.storage.sqlite.history_words import words_of

_AT_ONCE = 1_000_000_000


def index(database: Database, rows: Sequence[MessageRow]) -> None:
    """Make entries known, in the order of their ids, inside a transaction."""
    database.execute_many(
        "INSERT INTO places (conversation_id, event, message_id, time_ms) VALUES (?, ?, ?, ?)",
        [(row.conversation_id, row.kind > LAST_MESSAGE_KIND, row.id, row.time_ms) for row in rows],
    )
    database.execute_many("INSERT INTO message_words (rowid, body) VALUES (?, ?)", _words(rows))
    skew = max([time_ms_of(row.id) - row.time_ms for row in rows], default=0)
    database.execute("UPDATE history_state SET value = ? WHERE name = 'skew' AND value < ?", (skew, skew))


def remove(database: Database, numbers: Sequence[int]) -> None:
    """Delete entries from everywhere, inside a transaction; at most some hundreds at a time."""
    among = f"id IN ({marks(numbers)})"
    rows = database.rows(f"SELECT {COLUMNS} FROM messages WHERE {among} AND id <= {INDEXED} ORDER BY id", numbers)
    known = [MessageRow._make(row) for row in rows]
    database.execute_many(
        "DELETE FROM places WHERE conversation_id = ? AND event = ? AND message_id = ?",
        [(row.conversation_id, row.kind > LAST_MESSAGE_KIND, row.id) for row in known],
    )
    # An index without a text of its own has to be told what to forget, exactly as it was told to know it.
    database.execute_many(
        "INSERT INTO message_words (message_words, rowid, body) VALUES ('delete', ?, ?)", _words(known)
    )
    database.execute(f"DELETE FROM messages WHERE {among}", numbers)
    # Numbers that were given out must not be given out again.
    database.execute(
        "UPDATE history_state SET value = max(value, ?) WHERE name = 'highest'", (max(numbers, default=0),)
    )


def _words(rows: Iterable[MessageRow]) -> list[tuple[int, str]]:
    """The rows of ``message_words`` for those of ``messages``: events have none."""
    return [
        (row.id, words_of(row.conversation_id, row.source, row.account, row.body))
        for row in rows
        if row.kind <= LAST_MESSAGE_KIND
    ]


def ask_for_scrub(database: Database) -> None:
    """Have the bytes of what was deleted removed from the files, too, and at once; inside a transaction."""
    record_pruned(database, _AT_ONCE)


def record_pruned(database: Database, count: int) -> None:
    """Remember that so many entries were deleted whose bytes may stay for a while; inside a transaction."""
    database.execute("UPDATE history_state SET value = value + ? WHERE name = 'scrub'", (count,))
