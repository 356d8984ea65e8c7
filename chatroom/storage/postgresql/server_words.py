"""The full-text index of the history: a text search vector for each message, with an index of its words."""

from __future__ import annotations

from collections.abc import Sequence

from chatroom.storage.postgresql.word_splitting import split
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.history_words import Term
from chatroom.storage.sql.word_index import Found, IndexedText, Query

_LAST_PLACE = 16_383
"""The last place of a word that a vector can name. Later words are found, but in no phrase.

Of one word it has 256 places at most: PostgreSQL drops the others.
"""


class ServerWords:
    """Implements ``chatroom.storage.sql.word_index.WordIndex``."""

    __slots__ = ("_database", "other_letters")

    def __init__(self, database: Database) -> None:
        self._database = database
        self.other_letters = "length(body) < octet_length(body)"
        """The SQL condition that ``body`` has letters that are not ASCII: it has more bytes than characters."""

    def add(self, texts: Sequence[IndexedText]) -> None:
        """Index messages. Only in a transaction."""
        self._database.execute_many(
            "INSERT INTO message_words (message_id, words) VALUES (?, CAST(? AS tsvector))",
            [(one.message_id, to_vector(one.text)) for one in texts],
        )

    def remove(self, texts: Sequence[IndexedText]) -> None:
        """Take messages out, with the texts that were put in. Only in a transaction."""
        self._database.execute_many(
            "DELETE FROM message_words WHERE message_id = ?", [(one.message_id,) for one in texts]
        )

    def clear(self) -> None:
        """Take all messages out. Only in a transaction."""
        self._database.execute("DELETE FROM message_words")

    def prepare(self) -> None:
        """Nothing is needed before a snapshot."""

    def match(self, query: Query) -> Found:
        """The messages of the index that match."""
        return Found("JOIN message_words AS w ON w.message_id = m.id", _CONDITION, "w.message_id", (to_query(query),))

    def match_new(self, query: Query, texts: Sequence[IndexedText]) -> Found:
        """Which of these messages, none of which is in the index, match."""
        return Found(
            "JOIN (SELECT message_id, CAST(vector AS tsvector) AS words"
            " FROM unnest(CAST(? AS BIGINT[]), CAST(? AS TEXT[])) AS given (message_id, vector)) AS w"
            " ON w.message_id = m.id",
            _CONDITION,
            "w.message_id",
            ([one.message_id for one in texts], [to_vector(one.text) for one in texts], to_query(query)),
        )


_CONDITION = "w.words @@ CAST(? AS tsquery)"


def to_vector(text: str) -> str:
    """The text search vector of a text, as PostgreSQL reads it. No word has a character that would need an escape."""
    places: dict[str, list[str]] = {}
    for place, word in enumerate(split(text), 1):
        places.setdefault(word, []).append(str(min(place, _LAST_PLACE)))
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())


def to_query(query: Query) -> str:
    """The text search query for a message that has one term of each group, as PostgreSQL reads it."""
    groups = [[found for term in group if (found := _phrase(term))] for group in query]
    return " & ".join(f"({' | '.join(found)})" for found in groups if found)


def _phrase(term: Term) -> str:
    words = split(term.text)
    found = " <-> ".join(f"'{word}'" for word in words)
    return f"({found}:*)" if found and term.is_prefix else f"({found})" if found else ""
