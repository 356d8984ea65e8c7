"""Adds entries to the two indexes of the history, ``places`` and ``message_words``, and deletes entries everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chatroom.chat.stored.entries import time_ms_of
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.history_rows import COLUMNS, INDEXED, LAST_MESSAGE_KIND, MessageRow, marks
from chatroom.storage.sql.history_words import words_of
from chatroom.storage.sql.word_index import IndexedText

_AT_ONCE = 1_000_000_000
"""More entries than are ever pruned: a count that makes the upkeep thread scrub at its next step."""


def index(database: Database, rows: Sequence[MessageRow]) -> None:
    """Add entries to the indexes, in the order of their message ids. Only in a transaction."""
    database.execute_many(
        "INSERT INTO places (conversation_id, event, message_id, time_ms) VALUES (?, ?, ?, ?)",
        [(row.conversation_id, int(row.kind > LAST_MESSAGE_KIND), row.id, row.time_ms) for row in rows],
    )
    database.words().add(_words(rows))
    # How far message ids are ahead of times, because the clock was set back. A search by time needs it to turn a time
    # into a range of message ids.
    skew = max([time_ms_of(row.id) - row.time_ms for row in rows], default=0)
    database.execute("UPDATE history_state SET value = ? WHERE name = 'skew' AND value < ?", (skew, skew))


def remove(database: Database, message_ids: Sequence[int]) -> None:
    """Delete entries and all that the indexes have of them; some hundreds at most. Only in a transaction."""
    among = f"id IN ({marks(message_ids)})"
    rows = database.rows(f"SELECT {COLUMNS} FROM messages WHERE {among} AND id <= {INDEXED} ORDER BY id", message_ids)
    indexed = [MessageRow._make(row) for row in rows]
    database.execute_many(
        "DELETE FROM places WHERE conversation_id = ? AND event = ? AND message_id = ?",
        [(row.conversation_id, int(row.kind > LAST_MESSAGE_KIND), row.id) for row in indexed],
    )
    database.words().remove(_words(indexed))
    database.execute(f"DELETE FROM messages WHERE {among}", message_ids)
    # What is deleted is not delivered any more either.
    database.execute(f"DELETE FROM hook_events WHERE message_id IN ({marks(message_ids)})", message_ids)
    # See ``highest_message_id``: a message id is not given out twice, also if the newest entry was deleted.
    database.execute(
        "UPDATE history_state SET value = ?1 WHERE name = 'highest' AND value < ?1", (max(message_ids, default=0),)
    )


def clear(database: Database) -> None:
    """Empty both indexes: the upkeep fills them again. Only in a transaction."""
    if database.number(f"SELECT {INDEXED}"):
        database.execute("DELETE FROM places")
        database.words().clear()
        database.execute("UPDATE history_state SET value = 0 WHERE name IN ('indexed', 'skew')")


def _words(rows: Iterable[MessageRow]) -> list[IndexedText]:
    """What ``message_words`` has of these rows. Events have none."""
    return [
        IndexedText(row.id, words_of(row.conversation_id, row.source, row.account, row.body))
        for row in rows
        if row.kind <= LAST_MESSAGE_KIND
    ]


def ask_for_scrub(database: Database) -> None:
    """Make the upkeep thread remove the bytes of deleted entries from the files soon. Only in a transaction."""
    record_pruned(database, _AT_ONCE)


def record_pruned(database: Database, count: int) -> None:
    """Count deleted entries that need no quick scrub. Only in a transaction."""
    database.execute("UPDATE history_state SET value = value + ? WHERE name = 'scrub'", (count,))
