"""The history as a whole, for ``chatroomctl history``: export, import, removal and statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from chatroom.chat.stored.entries import Conversation, Entry, Kind, first_message_id
from chatroom.chat.stored.records import Actor
from chatroom.errors import InvalidValue, NotFound
from chatroom.irc.names import casefold
from chatroom.storage.sql import audit_store, history_index
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.history_rows import (
    INDEXED,
    INSERT,
    LAST_MESSAGE_KIND,
    SELECT,
    MessageRow,
    columns_of,
    condition_of,
    marks,
    to_entry,
)
from chatroom.storage.sql.timestamps import from_ms_or_none

_PAGE = 500
"""Entries that one read transaction of an export takes: a long one would keep the write-ahead log from being reset."""
_TRIES = 5000
"""Message ids that are looked at once to find a free one."""


class Archived(NamedTuple):
    """An entry with the facts that identify its conversation in another database."""

    entry: Entry
    accounts: tuple[str | None, str | None] | None
    """The names of the two accounts of a direct conversation, None for a deleted account or a guest. Or None, for a
    channel."""
    ended_ms: int | None
    """When the channel's conversation ended, in Unix milliseconds. None if it has not, or is a direct one."""


class HistoryStats(NamedTuple):
    """What the history holds, and the sizes of the database in bytes."""

    entries: int
    kinds: dict[str, int]
    """Entries by the name of their kind."""
    channels: int
    """Channels, with those that have ended."""
    direct_conversations: int
    oldest_at: datetime | None
    """The time of the oldest entry; None without entries."""
    newest_at: datetime | None
    not_indexed: int
    """Entries that wait to be indexed."""
    size: int
    """The database without its free pages."""
    free: int
    """The free pages."""
    log_size: int
    """The write-ahead log."""
    largest: tuple[tuple[str, int], ...]
    """The ten channels with the most indexed entries, and their number."""


def read_all(
    database: Database,
    *,
    channel: str | None = None,
    account_ids: Sequence[int] | None = None,
    after_ms: int | None = None,
    before_ms: int | None = None,
) -> Iterator[Archived]:
    """All entries that meet the conditions, with those of ended channels, in the order of message ids.

    ``channel``: entries of the channels that have had this name. ``account_ids``: entries by these accounts.
    Raises ``NotFound`` if nothing was ever written for ``channel``.
    """
    conditions, values = ["m.id > ?"], list[object]()
    if channel is not None:
        ids = [row[0] for row in database.rows("SELECT id FROM conversations WHERE folded = ?", (casefold(channel),))]
        if not ids:
            raise NotFound(f"nothing of {channel} is kept")
        conditions.append(f"m.conversation_id IN ({marks(ids)})")
        values += ids
    if account_ids is not None:
        conditions.append(f"m.account_id IN ({marks(account_ids)})")
        values += account_ids
    for condition, bound in (("m.time_ms > ?", after_ms), ("m.time_ms < ?", before_ms)):
        if bound is not None:
            conditions.append(condition)
            values.append(bound)
    # Constants of this module only: all values are parameters.
    sql = f"{SELECT} WHERE {' AND '.join(conditions)} ORDER BY m.id LIMIT {_PAGE}"
    # A message id is never behind its entry's time, so the pages can begin here.
    start = 0 if after_ms is None else first_message_id(after_ms + 1) - 1
    while True:
        with database.snapshot():
            rows = database.rows(sql, (start, *values))
            found = [_archived(database, row) for row in rows]
        yield from found
        if len(rows) < _PAGE:
            return
        start = rows[-1][0]


def _archived(database: Database, row: Row) -> Archived:
    entry = to_entry(row)
    if isinstance(entry.conversation, str):
        ended = database.row(
            "SELECT c.ended_ms FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id WHERE m.id = ?",
            (entry.message_id,),
        )
        return Archived(entry, None, None if ended is None else ended[0])
    first, second = (_account_name(database, one) for one in entry.conversation)
    return Archived(entry, (first, second), None)


def _account_name(database: Database, account_id: int | str) -> str | None:
    if isinstance(account_id, str):
        return None  # a guest's nick
    row = database.row("SELECT name FROM accounts WHERE id = ?", (account_id,))
    return None if row is None else str(row[0])


def find_account(database: Database, name: str, time_ms: int) -> int | None:
    """The id of the account called ``name``; None if there is none, or if it was created after ``time_ms``.

    Before it was created, the name may have been a deleted account's. The account that had the name at that time and
    has another one now is meant, too.
    """
    row = database.row(
        "SELECT a.id FROM former_names AS f JOIN accounts AS a ON a.id = f.account_id"
        " WHERE f.folded = ?1 AND a.created_ms <= ?2 AND ?2 < f.at_ms"
        " UNION ALL SELECT id FROM accounts WHERE folded = ?1 AND created_ms <= ?2",
        (casefold(name), time_ms),
    )
    return None if row is None else int(row[0])


def require_past(database: Database, entry: Entry) -> None:
    """Raise ``InvalidValue`` for an entry of the future."""
    if entry.time_ms > database.now_ms():
        raise InvalidValue("this was said in the future")


def take_in(database: Database, entry: Entry, ended_ms: int | None = None) -> int | None:
    """Add an entry of an archive. Returns its message id; None if it is there already. Only in a transaction.

    ``ended_ms``: when the conversation of its channel ended, if it has. The entry keeps its message id if that is free
    and fits its time, and otherwise gets the next free one. Raises ``InvalidValue`` for an entry of the future.
    """
    require_past(database, entry)
    conversation_id = _conversation_for(database, entry.conversation, ended_ms)
    message_id = max(entry.message_id, first_message_id(entry.time_ms))
    # One that is ahead of the clock would push up the message ids of all that is said from now on.
    if message_id >= first_message_id(database.now_ms()):
        message_id = first_message_id(entry.time_ms)
    # If it is free, the entry is not there: an earlier import would have used it.
    if database.row("SELECT 1 FROM messages WHERE id = ?", (message_id,)) is not None:
        if _is_there(database, entry, conversation_id):
            return None
        message_id = _free_message_id(database, message_id)
    row = MessageRow(
        message_id,
        entry.time_ms,
        conversation_id,
        int(entry.kind),
        entry.source,
        entry.account_id,
        entry.account,
        "" if entry.target == entry.conversation else entry.target,
        entry.text,
        entry.client_tags,
        entry.flags,
    )
    database.execute(INSERT, row)
    # The upkeep thread indexes what is above this; it has passed the older ones.
    if message_id <= database.number(f"SELECT {INDEXED}"):
        history_index.index(database, [row])
    return message_id


def _conversation_for(database: Database, conversation: Conversation, ended_ms: int | None) -> int:
    """The id of a conversation, which is added if there is none. A channel's ended ones are told apart by when."""
    condition, key = condition_of(conversation, database.same_name)
    columns, values = columns_of(conversation)
    if isinstance(conversation, str):
        if ended_ms is not None:
            condition, key = "folded = ? AND ended_ms = ? AND name IS NOT NULL", (casefold(conversation), ended_ms)
        columns, values = f"{columns}, ended_ms", (*values, ended_ms)
    row = database.row(f"SELECT id FROM conversations WHERE {condition}", key)
    if row is not None:
        return int(row[0])
    return database.number(f"INSERT INTO conversations ({columns}) VALUES ({marks(values)}) RETURNING id", values)


def _is_there(database: Database, entry: Entry, conversation_id: int) -> bool:
    """True if the conversation has an entry of the same time, kind, sender and text, with any message id."""
    row = database.row(
        "SELECT 1 FROM messages WHERE id IN ("
        "SELECT message_id FROM places WHERE conversation_id = ?1 AND event = ?2 AND time_ms = ?3"
        f" UNION ALL SELECT id FROM messages WHERE id > {INDEXED} AND id >= ?4 AND conversation_id = ?1"
        " AND time_ms = ?3) AND kind = ?5 AND source = ?6 AND body = ?7",
        (
            *(conversation_id, int(entry.kind > LAST_MESSAGE_KIND), entry.time_ms, first_message_id(entry.time_ms)),
            *(int(entry.kind), entry.source, entry.text),
        ),
    )
    return row is not None


def _free_message_id(database: Database, message_id: int) -> int:
    """The first message id after ``message_id`` that is free."""
    taken = database.rows("SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT ?", (message_id, _TRIES))
    for (one,) in taken:
        message_id += 1
        if one != message_id:
            return message_id
    return message_id + 1


def find_authors(database: Database, name: str) -> list[int]:
    """The ids of the accounts that a name stands for: the account of that name, or else the deleted ones that had it.

    Raises ``NotFound`` if there is no account and no entry of one.
    """
    row = database.row("SELECT id FROM accounts WHERE folded = ?", (casefold(name),))
    if row is not None:
        return [row[0]]
    rows = database.rows(
        "SELECT DISTINCT account_id FROM messages WHERE lower(account) = ? AND account_id IS NOT NULL"
        " AND account_id NOT IN (SELECT id FROM accounts)",
        (casefold(name),),
    )
    if not rows:
        raise NotFound(f"there is no account called {name}, and nothing is kept of one")
    return [row[0] for row in rows]


def list_message_ids(database: Database, account_ids: Sequence[int]) -> list[int]:
    """The message ids of all entries by these accounts."""
    found = database.rows(f"SELECT id FROM messages WHERE account_id IN ({marks(account_ids)})", account_ids)
    return [row[0] for row in found]


def audit_erasure(database: Database, by: Actor, action: str, target: str, detail: str) -> None:
    """Audit a removal that is about to begin, and make the upkeep thread scrub the files afterwards."""
    with database.transaction():
        history_index.ask_for_scrub(database)
        audit_store.add_row(database, by, action, target, detail)


def count_before(database: Database, before_ms: int) -> int:
    """The number of entries with a time before ``before_ms`` (Unix milliseconds)."""
    return database.number("SELECT count(*) FROM messages WHERE time_ms < ?", (before_ms,))


def read_stats(database: Database) -> HistoryStats:
    """Count the history. Takes some tenths of a second for a million entries."""
    with database.snapshot():
        kinds = database.rows("SELECT kind, count(*) FROM messages GROUP BY kind ORDER BY kind")
        ages = database.row("SELECT min(time_ms), max(time_ms) FROM messages") or (None, None)
        sizes = database.sizes()
        largest = database.rows(
            "SELECT c.name, count(*) FROM places AS p JOIN conversations AS c ON c.id = p.conversation_id"
            " WHERE c.name IS NOT NULL GROUP BY c.id ORDER BY 2 DESC, c.folded LIMIT 10"
        )
        return HistoryStats(
            entries=sum(count for _, count in kinds),
            kinds={Kind(kind).name: count for kind, count in kinds},
            channels=database.number("SELECT count(*) FROM conversations WHERE name IS NOT NULL"),
            direct_conversations=database.number("SELECT count(*) FROM conversations WHERE name IS NULL"),
            oldest_at=from_ms_or_none(ages[0]),
            newest_at=from_ms_or_none(ages[1]),
            not_indexed=database.number(f"SELECT count(*) FROM messages WHERE id > {INDEXED}"),
            size=sizes.used,
            free=sizes.free,
            log_size=sizes.log,
            largest=tuple((name, count) for name, count in largest),
        )
