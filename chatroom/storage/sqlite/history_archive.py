"""The history as a whole, for the operator: reading through all of it, taking it in again, erasing, counting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from chatroom.chat.stored.entries import Conversation, Entry, Kind, first_message_id
from chatroom.chat.stored.records import Actor
from chatroom.errors import InvalidValue, NotFound
from chatroom.irc.names import casefold
from chatroom.storage.sqlite import audit_store, history_index
from chatroom.storage.sqlite.database import Database, Row
from chatroom.storage.sqlite.history_rows import (
    INDEXED,
    INSERT,
    LAST_MESSAGE_KIND,
    SELECT,
    MessageRow,
    marks,
    to_entry,
)
from chatroom.storage.sqlite.timestamps import from_ms_or_none

_PAGE = 500
_TRIES = 5000


class Archived(NamedTuple):
    """An entry with what it means outside of this database."""

    entry: Entry
    accounts: tuple[str | None, str | None] | None
    """For a direct message, whose conversation it is: names of accounts, None for one that was deleted."""
    ended_ms: int | None
    """When the channel it was said in came to its end, if a later one of its name is not that one."""


class HistoryStats(NamedTuple):
    """How much there is. Sizes are in bytes."""

    entries: int
    kinds: dict[str, int]
    channels: int
    direct_conversations: int
    oldest_at: datetime | None
    newest_at: datetime | None
    not_indexed: int
    size: int
    """Of the whole database, without what is free in it."""
    free: int
    log_size: int
    largest: tuple[tuple[str, int], ...]
    """The channels with the most entries, and how many."""


def read_all(
    database: Database,
    *,
    channel: str | None = None,
    account_ids: Sequence[int] | None = None,
    after_ms: int | None = None,
    before_ms: int | None = None,
) -> Iterator[Archived]:
    """Every entry, oldest first, in as many short reads as it takes; ended channels are part of it.

    Raises ``NotFound`` where there never was anything in ``channel``.
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
    where = " AND ".join(conditions)
    start = 0 if after_ms is None else first_message_id(after_ms + 1) - 1
    while True:
        with database.snapshot():
            rows = database.rows(f"{SELECT} WHERE {where} ORDER BY m.id LIMIT {_PAGE}", (start, *values))
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
    first, second = (_account_name(database, account_id) for account_id in entry.conversation)
    return Archived(entry, (first, second), None)


def _account_name(database: Database, account_id: int) -> str | None:
    row = database.row("SELECT name FROM accounts WHERE id = ?", (account_id,))
    return None if row is None else str(row[0])


def find_account(database: Database, name: str, time_ms: int) -> int | None:
    """The id of the account that had that name at that time: not of one that took the name later."""
    row = database.row(
        "SELECT id FROM accounts WHERE folded = ? AND created_ms <= ?",
        (casefold(name), time_ms),
    )
    return None if row is None else int(row[0])


def take_in(database: Database, entry: Entry, ended_ms: int | None = None) -> bool:
    """Add an entry of an archive, inside a transaction; False where it is there already.

    It keeps its number if that is free, and else gets the next one that its time allows. Raises ``InvalidValue`` for
    an entry of the future.
    """
    if entry.time_ms > database.now_ms():
        raise InvalidValue("this was said in the future")
    conversation_id = _conversation_for(database, entry.conversation, ended_ms)
    number = max(entry.message_id, first_message_id(entry.time_ms))
    if number >= first_message_id(database.now_ms()):
        number = first_message_id(entry.time_ms)
    if database.row("SELECT 1 FROM messages WHERE id = ?", (number,)) is not None:
        if _is_there(database, entry, conversation_id):
            return False
        number = _free_number(database, number)
    row = MessageRow(
        number,
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
    if number <= database.number(f"SELECT {INDEXED}"):
        history_index.index(database, [row])
    return True


def _conversation_for(database: Database, where: Conversation, ended_ms: int | None) -> int:
    if isinstance(where, str):
        found: tuple[object, ...] = (casefold(where), ended_ms)
        find = "folded = ? AND ended_ms IS ? AND name IS NOT NULL"
        columns, values = "name, folded, ended_ms", (where, *found)
    else:
        find, found, columns, values = "low_id = ? AND high_id = ? AND name IS NULL", where, "low_id, high_id", where
    row = database.row(f"SELECT id FROM conversations WHERE {find}", found)
    if row is not None:
        return int(row[0])
    added = database.execute(f"INSERT INTO conversations ({columns}) VALUES ({marks(values)})", values)
    return int(added.lastrowid or 0)


def _is_there(database: Database, entry: Entry, conversation_id: int) -> bool:
    row = database.row(
        "SELECT 1 FROM messages WHERE id IN ("
        "SELECT message_id FROM places WHERE conversation_id = ?1 AND event = ?2 AND time_ms = ?3"
        f" UNION ALL SELECT id FROM messages WHERE id > {INDEXED} AND id >= ?4 AND conversation_id = ?1"
        " AND time_ms = ?3) AND kind = ?5 AND source = ?6 AND body = ?7",
        (
            *(conversation_id, entry.kind > LAST_MESSAGE_KIND, entry.time_ms, first_message_id(entry.time_ms)),
            *(int(entry.kind), entry.source, entry.text),
        ),
    )
    return row is not None


def _free_number(database: Database, number: int) -> int:
    """The first number after ``number`` that nothing has."""
    taken = database.rows("SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT ?", (number, _TRIES))
    for (one,) in taken:
        number += 1
        if one != number:
            return number
    return number + 1


def find_authors(database: Database, name: str) -> list[int]:
    """Whose entries are meant by an account's name: those of the account, or of deleted ones that were called so.

    Raises ``NotFound`` where there is and was none.
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


def numbers_of(database: Database, account_ids: Sequence[int]) -> list[int]:
    """The numbers of all entries of these accounts."""
    found = database.rows(f"SELECT id FROM messages WHERE account_id IN ({marks(account_ids)})", account_ids)
    return [row[0] for row in found]


def audit_erasure(database: Database, by: Actor, action: str, target: str, detail: str) -> None:
    """Write the audit row of a removal that begins, and have the files cleared of it."""
    with database.transaction():
        history_index.ask_for_scrub(database)
        audit_store.add_row(database, by, action, target, detail)


def count_before(database: Database, before_ms: int) -> int:
    """How many entries are older than that."""
    return database.number("SELECT count(*) FROM messages WHERE time_ms < ?", (before_ms,))


def read_stats(database: Database) -> HistoryStats:
    """Count everything; takes some tenths of a second for a million entries."""
    with database.snapshot():
        kinds = database.rows("SELECT kind, count(*) FROM messages GROUP BY kind ORDER BY kind")
        ages = database.row("SELECT min(time_ms), max(time_ms) FROM messages") or (None, None)
        page = database.number("PRAGMA page_size")
        free = database.number("PRAGMA freelist_count")
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
            size=page * (database.number("PRAGMA page_count") - free),
            free=page * free,
            log_size=database.wal_size(),
            largest=tuple((name, count) for name, count in largest),
        )
