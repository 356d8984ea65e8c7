"""What the modules of the history share: the columns of an entry, and its conversation.

Four tables hold the history:

* ``messages`` has a row for each entry. The journal writes nothing else, because people wait for it.
* ``conversations`` has a row for each channel and each pair of accounts.
* ``places`` is the index of ``messages`` by conversation and time.
* ``message_words`` is the full-text index of ``messages``.

The upkeep thread fills the last two, in the order of message ids. So each query looks into the index for the entries up
to a certain message id (``INDEXED``) and reads through the few rows behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from chatroom.chat.stored.entries import Conversation, Entry, EntryRow, Kind
from chatroom.irc.names import casefold
from chatroom.storage.sql.contract import Database, Result, Row


class Reader(Protocol):
    """A connection that runs statements, such as the journal's own."""

    def execute(self, sql: str, /) -> Result:
        """Run one statement."""
        ...


class MessageRow(NamedTuple):
    """A row of ``messages``. The fields are its columns, in the order of ``Entry``.

    The table itself has another order, so every statement names the columns.
    """

    id: int
    time_ms: int
    conversation_id: int
    kind: int
    source: str
    account_id: int | None
    account: str
    target: str
    """Empty if it is the name of the channel that the entry belongs to."""
    body: str
    client_tags: str
    flags: int


COLUMNS = ", ".join(MessageRow._fields)
_INSERT = f"INSERT INTO messages ({COLUMNS}) VALUES "
_VALUES = f"({', '.join('?' * len(MessageRow._fields))})"
INSERT = _INSERT + _VALUES
MOST_AT_ONCE = 32
"""The most rows that a statement of ``INSERTS`` adds."""
# A statement for several rows costs a third less than one for each. All of these take SQLite less than a megabyte.
INSERTS = ["", *[_INSERT + ", ".join([_VALUES] * count) for count in range(1, MOST_AT_ONCE + 1)]]
"""The statement that adds so many rows, by their number."""
ACCOUNT = "coalesce((SELECT name FROM accounts WHERE id = m.account_id), m.account)"
"""SQL for the name of the account that sent a message: its present one, or the one in the row if it was deleted."""
_SELECTED = ", ".join(ACCOUNT if column == "account" else f"m.{column}" for column in MessageRow._fields)
SELECT = (
    f"SELECT {_SELECTED}, c.name, c.low_id, c.high_id, c.guest"
    " FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id"
)
"""The columns of a message, then those that name its conversation. A WHERE follows. ``to_entry`` turns
the rows into entries.
"""
LAST_MESSAGE_KIND = int(Kind.NOTICE)
"""The highest kind of a message. Those above it are events."""
INDEXED = "(SELECT value FROM history_state WHERE name = 'indexed')"
"""SQL for the highest message id that is in ``places`` and ``message_words``."""
# It is a part of each statement, and not a value that is read before, so that both sides of a UNION agree on it.

# Quicker than ``Kind(number)``, which every entry that is read would pay.
_KINDS = {int(kind): kind for kind in Kind}


def values_of(
    entries: Sequence[EntryRow], known: Mapping[Conversation, int], find_or_add: Callable[[Conversation], int]
) -> list[object]:
    """The parameters of the statement of ``INSERTS`` for so many entries. ``known``: ids of conversations."""
    values: list[object] = []
    # A row is the entry's values with two of them replaced: the conversation by its id, and the target by "" if it
    # repeats the conversation. Plain numbers instead of names or unpacking save 3 % of each write.
    for entry in entries:
        conversation = entry[2]
        values += entry
        # Ids of rows begin at 1, so ``or`` is right here.
        values[-9] = known.get(conversation) or find_or_add(conversation)
        if entry[7] == conversation:
            values[-4] = ""
    return values


def to_entry(row: Row) -> Entry:
    """The entry of a row of ``SELECT``."""
    # fmt: off
    (
        message_id, time_ms, _, kind, source, account_id, account, target, text, client_tags, flags,
        *named,
    ) = row
    channel = named[0]
    return Entry(
        message_id, time_ms, to_conversation(*named), _KINDS[kind], source, account_id, account,
        target or channel or "", text, client_tags, flags,
    )
    # fmt: on


def to_conversation(channel: str | None, low_id: int, high_id: int, guest: str | None) -> Conversation:
    """The conversation of the columns ``name``, ``low_id``, ``high_id`` and ``guest`` of a row of ``conversations``."""
    if channel is not None:
        return channel
    return (low_id, high_id) if guest is None else (low_id, guest)


def condition_of(conversation: Conversation, same_name: Callable[[str], str]) -> tuple[str, tuple[object, ...]]:
    """The SQL condition for the row of a conversation, and its parameters. Not for the channels that have ended.

    ``same_name`` is that of the database.
    """
    if isinstance(conversation, str):
        return "folded = ? AND name IS NOT NULL AND ended_ms IS NULL", (casefold(conversation),)
    if isinstance(conversation[1], str):
        return f"low_id = ? AND {same_name('guest')}", (conversation[0], casefold(conversation[1]))
    return "low_id = ? AND high_id = ? AND name IS NULL", conversation


def columns_of(conversation: Conversation) -> tuple[str, tuple[object, ...]]:
    """The columns of the row of a conversation, for an INSERT, and their values."""
    if isinstance(conversation, str):
        return "name, folded", (conversation, casefold(conversation))
    return ("low_id, guest" if isinstance(conversation[1], str) else "low_id, high_id"), conversation


def highest_message_id(connection: Reader) -> int:
    """The highest message id that was ever written; 0 if there is none."""
    # Deleted entries count: a client that still has one must not take a later message for it. So does where an account
    # left, which can be a line that was not stored: what is said from now on has been missed there.
    written = connection.execute("SELECT max(id) FROM messages").fetchone()[0] or 0
    deleted = connection.execute("SELECT value FROM history_state WHERE name = 'highest'").fetchone()[0]
    left = connection.execute("SELECT max(left_number) FROM presence").fetchone()[0] or 0
    return int(max(written, deleted, left))


def find_conversation(database: Database, conversation: Conversation) -> int | None:
    """The id of a conversation, or None. A channel's is that of the present channel, not of an ended one."""
    condition, values = condition_of(conversation, database.same_name)
    row = database.row(f"SELECT id FROM conversations WHERE {condition}", values)
    return None if row is None else int(row[0])


def direct_conversations(database: Database, account_id: int) -> list[int]:
    """The ids of an account's direct conversations, those with guests too."""
    # Each column has its own index, hence two queries. UNION drops the double of a conversation with oneself.
    rows = database.rows(
        "SELECT id FROM conversations WHERE low_id = ?1 AND name IS NULL"
        " UNION SELECT id FROM conversations WHERE high_id = ?1 AND name IS NULL",
        (account_id,),
    )
    return [row[0] for row in rows]


def marks(values: Sequence[object]) -> str:
    """As many question marks as there are values, for a list of parameters."""
    return ", ".join("?" * len(values))
