"""What the history needs of a full-text index. Each engine has its own kind (the table ``message_words``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chatroom.storage.sql.history_words import Term

Query = Sequence[Sequence[Term]]
"""Groups of terms. A message matches if it has one term of each group."""


class IndexedText(NamedTuple):
    """A message, and the text that the index has of it (``history_words.words_of``)."""

    message_id: int
    text: str


class Found(NamedTuple):
    """SQL for the messages that match a query, beside the table ``messages``, which is called ``m``."""

    join: str
    """A JOIN that follows ``messages AS m``."""
    condition: str
    """A condition that follows WHERE."""
    id: str
    """The column with the message id. A condition on it narrows the search in the index."""
    values: tuple[object, ...]
    """The parameters of the join and of the condition."""


class WordIndex(Protocol):
    """The full-text index of one database."""

    other_letters: str
    """The SQL condition that ``body`` has letters that are not ASCII."""

    def add(self, texts: Sequence[IndexedText]) -> None:
        """Index messages. Only in a transaction."""
        ...

    def remove(self, texts: Sequence[IndexedText]) -> None:
        """Take messages out, with the texts that were put in. Only in a transaction."""
        ...

    def clear(self) -> None:
        """Take all messages out. Only in a transaction."""
        ...

    def prepare(self) -> None:
        """Call it before a snapshot in which ``match_new`` is called."""
        ...

    def match(self, query: Query) -> Found:
        """The messages of the index that match."""
        ...

    def match_new(self, query: Query, texts: Sequence[IndexedText]) -> Found:
        """Which of these messages, none of which is in the index, match. Only in a snapshot, and once in it."""
        ...
