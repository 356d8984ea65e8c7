"""Entries of the history as rows: columns, conversations, and the numbers that were given out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from chatroom.chat.stored.entries import Conversation, Entry, Kind
from chatroom.irc.names import casefold
from chatroom.storage.sqlite.database import Database, Row


class MessageRow(NamedTuple):
    """A row of ``messages``: the fields are the columns, in the order that ``Entry`` has.

    The table itself has them in another order, so every statement names them.
    """

    id: int
    time_ms: int
    conversation_id: int
    kind: int
    source: str
    account_id: int | None
    account: str
    target: str
    """Empty for a message to a channel: the name of the conversation says it."""
    body: str
    client_tags: str
    flags: int


COLUMNS = ", ".join(MessageRow._fields)
_INSERT = f"INSERT INTO messages ({COLUMNS}) VALUES "
_VALUES = f"({', '.join('?' * len(MessageRow._fields))})"
INSERT = _INSERT + _VALUES
MOST_AT_ONCE = 16
"""How many rows a statement of ``INSERTS`` adds at most."""
INSERTS = ["", *[_INSERT + ", ".join([_VALUES] * count) for count in range(1, MOST_AT_ONCE + 1)]]
"""``INSERT`` for so many rows: one statement for several costs a third less."""
SELECT = (
    f"SELECT {', '.join(f'm.{column}' for column in MessageRow._fields)}, c.name, c.low_id, c.high_id"
    " FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id"
)
"""A message's columns and its conversation's name or accounts. A WHERE follows; ``to_entry`` takes the rows."""
LAST_MESSAGE_KIND = int(Kind.NOTICE)
"""Kinds above it are events."""
INDEXED = "(SELECT value FROM history_state WHERE name = 'indexed')"
"""The last id that ``places`` and ``message_words`` know."""
# A part of each statement rather than a value read before: both sides of a UNION then agree on it.

# Quicker than ``Kind(number)``, which every entry that is read would pay.
_KINDS = {int(kind): kind for kind in Kind}


def to_entry(row: Row) -> Entry:
    """The entry of a row of ``SELECT``."""
    # fmt: off
    (
        message_id, time_ms, _, kind, source, account_id, account, target, text, client_tags, flags,
        channel, low_id, high_id,
    ) = row
    conversation: Conversation = (low_id, high_id) if channel is None else channel
    return Entry(
        message_id, time_ms, conversation, _KINDS[kind], source, account_id, account, target or channel or "", text,
        client_tags, flags,
    )
    # fmt: on


def highest_number(connection: sqlite3.Connection) -> int:
    """The highest number that was ever given out, as far as the file tells."""
    # Deleted entries count: a client that still has one must not take another message for it.
    written = connection.execute("SELECT max(id) FROM messages").fetchone()[0] or 0
    deleted = connection.execute("SELECT value FROM history_state WHERE name = 'highest'").fetchone()[0]
    return int(max(written, deleted))


def find_conversation(database: Database, where: Conversation) -> int | None:
    """The id of a conversation: of a channel, the present one of that name."""
    if isinstance(where, str):
        row = database.row(
            "SELECT id FROM conversations WHERE folded = ? AND name IS NOT NULL AND ended_ms IS NULL",
            (casefold(where),),
        )
    else:
        row = database.row("SELECT id FROM conversations WHERE low_id = ? AND high_id = ? AND name IS NULL", where)
    return None if row is None else int(row[0])


def direct_conversations(database: Database, account_id: int) -> list[int]:
    """The ids of an account's direct conversations."""
    rows = database.rows(
        "SELECT id FROM conversations WHERE low_id = ?1 AND name IS NULL"
        " UNION SELECT id FROM conversations WHERE high_id = ?1 AND name IS NULL",
        (account_id,),
    )
    return [row[0] for row in rows]


def marks(values: Sequence[object]) -> str:
    """As many question marks as there are values."""
    return ", ".join("?" * len(values))
