"""Entries of the history as rows: columns, conversations, and the numbers that were given out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chatroom.chat.stored.entries import Conversation, Entry, Kind
from chatroom.irc.names import casefold
from chatroom.storage.sqlite.database import Database, Row

_INSERT = (
    "INSERT INTO messages (id, conversation_id, time_ms, kind, flags, source, account_id, account, target, body,"
    " client_tags) VALUES "
)
_VALUES = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT = _INSERT + _VALUES
MOST_AT_ONCE = 16
"""How many rows a statement of ``INSERTS`` adds at most."""
INSERTS = ["", *[_INSERT + ", ".join([_VALUES] * count) for count in range(1, MOST_AT_ONCE + 1)]]
"""``INSERT`` for so many rows: one statement for several costs a third less."""
SELECT = (
    "SELECT m.id, m.time_ms, c.name, c.low_id, c.high_id, m.kind, m.source, m.account_id, m.account, m.target, m.body,"
    " m.client_tags, m.flags FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id"
)
"""To be followed by a WHERE; ``to_entry`` takes its rows."""
LAST_MESSAGE_KIND = int(Kind.NOTICE)
"""Kinds above it are events."""
INDEXED = "(SELECT value FROM history_state WHERE name = 'indexed')"
"""The last id that ``places`` and ``message_words`` know."""

_KINDS = {int(kind): kind for kind in Kind}


def to_entry(row: Row) -> Entry:
    """The entry of a row of ``SELECT``."""
    number, time_ms, name, low_id, high_id, kind, source, account_id, account, target, text, tags, flags = row
    where: Conversation = (low_id, high_id) if name is None else name
    return Entry(
        number, time_ms, where, _KINDS[kind], source, account_id, account, target or name or "", text, tags, flags
    )


def highest_number(execute: Callable[[str], Any]) -> int:
    """The highest number that was ever given out, as far as the file tells."""
    written = execute("SELECT max(id) FROM messages").fetchone()[0] or 0
    deleted = execute("SELECT value FROM history_state WHERE name = 'highest'").fetchone()[0]
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
