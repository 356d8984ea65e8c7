"""The full-text index of the history: FTS5."""

from __future__ import annotations

from collections.abc import Sequence

from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.history_words import Term
from chatroom.storage.sql.word_index import Found, IndexedText, Query

# The tokenizer is that of ``message_words``, so that both find the same words.
_NEW_WORDS = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.new_words USING fts5 ("
    """body, content = '', columnsize = 0, tokenize = "unicode61 remove_diacritics 2")"""
)


class SqliteWords:
    """Implements ``chatroom.storage.sql.word_index.WordIndex``."""

    __slots__ = ("_database", "other_letters")

    def __init__(self, database: Database) -> None:
        self._database = database
        self.other_letters = "length(body) < length(CAST(body AS BLOB))"
        """The SQL condition that ``body`` has letters that are not ASCII: it has more bytes than characters."""

    def add(self, texts: Sequence[IndexedText]) -> None:
        """Index messages. Only in a transaction."""
        self._database.execute_many("INSERT INTO message_words (rowid, body) VALUES (?, ?)", texts)

    def remove(self, texts: Sequence[IndexedText]) -> None:
        """Take messages out, with the texts that were put in. Only in a transaction."""
        # The index keeps no text of its own. To delete an entry it needs the text that was indexed, to the letter.
        self._database.execute_many(
            "INSERT INTO message_words (message_words, rowid, body) VALUES ('delete', ?, ?)", texts
        )

    def clear(self) -> None:
        """Take all messages out. Only in a transaction."""
        self._database.execute("INSERT INTO message_words (message_words) VALUES ('delete-all')")

    def prepare(self) -> None:
        """Call it before a snapshot in which ``match_new`` is called."""
        # The table is to stay. What is put into it is rolled back with the snapshot.
        self._database.execute(_NEW_WORDS)

    def match(self, query: Query) -> Found:
        """The messages of the index that match."""
        return _match("message_words", query)

    def match_new(self, query: Query, texts: Sequence[IndexedText]) -> Found:
        """Which of these messages, none of which is in the index, match. Only in a snapshot, and once in it."""
        self._database.execute_many("INSERT INTO temp.new_words (rowid, body) VALUES (?, ?)", texts)
        return _match("new_words", query)


def _match(table: str, query: Query) -> Found:
    terms = " AND ".join(f"({' OR '.join(map(_term, group))})" for group in query)
    return Found(f"JOIN {table} AS w ON w.rowid = m.id", f"w.{table} MATCH ?", "w.rowid", (terms,))


def _term(term: Term) -> str:
    # In quotes, so that FTS5 finds no operator in it. A term holds no quote.
    return f'"{term.text}" *' if term.is_prefix else f'"{term.text}"'
