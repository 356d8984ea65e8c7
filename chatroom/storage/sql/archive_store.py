"""A whole database, read and written as it is: ``chatroom.chat.stored.archive_stores``.

Not here, because a new database makes its own: the indexes of the history (``places``, ``message_words``), the log of
changes, the list of migrations; and failed logins, tokens for a new password and what waits for hooks, which are of the
moment.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from chatroom.chat.stored.archive_records import (
    ArchivedConversation,
    ArchivedInvite,
    ArchivedKey,
    ArchivedMessage,
    ArchiveRecord,
    HighestIds,
    Section,
)
from chatroom.chat.stored.entries import Kind
from chatroom.chat.stored.records import Actor, AuditEntry, Ban, SpamFilter, StoredChannel
from chatroom.errors import InvalidTarget, InvalidValue
from chatroom.irc.names import casefold
from chatroom.storage.sql.archive_rows import (
    read_accounts,
    read_hooks,
    read_requests,
    write_accounts,
    write_hooks,
    write_requests,
)
from chatroom.storage.sql.ban_store import COLUMNS as BAN_COLUMNS
from chatroom.storage.sql.ban_store import key_of, to_ban
from chatroom.storage.sql.channel_store import SqlChannels
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.filter_store import COLUMNS as FILTER_COLUMNS
from chatroom.storage.sql.filter_store import to_filter
from chatroom.storage.sql.history_rows import COLUMNS as MESSAGE_COLUMNS
from chatroom.storage.sql.history_rows import INSERT, MessageRow, highest_message_id
from chatroom.storage.sql.timestamps import from_ms, from_ms_or_none, to_ms, to_ms_or_none

_PAGE = 500
"""Records that are in memory at once."""
_TABLES: dict[Section, str] = {
    "keys": "server_keys",
    "accounts": "accounts",
    "bans": "bans",
    "filters": "filters",
    "invites": "invites",
    "requests": "requests",
    "hooks": "hooks",
    "channels": "channels",
    "audit": "audit",
    "conversations": "conversations",
    "messages": "messages",
}
_MADE_BY_PEOPLE: tuple[Section, ...] = (
    "accounts",
    "bans",
    "filters",
    "invites",
    "requests",
    "hooks",
    "channels",
    "messages",
)
_IDS = {
    "accounts": "account",
    "bans": "ban",
    "filters": "filter",
    "invites": "invite",
    "requests": "request",
    "hooks": "hook",
    "audit": "audit",
    "conversations": "conversation",
}
"""The tables whose ids never come again, and their fields of ``HighestIds``."""
_CONVERSATION_COLUMNS = "id, name, low_id, high_id, guest, ended_ms"
_INVITE_COLUMNS = "id, token_hash, uses, used, channel, created_by, created_ms, until_ms, used_ms"
_AUDIT_COLUMNS = "id, at_ms, actor, origin, action, target, detail"
_ARCHIVER = Actor("", "")
"""Stands for the author of a write that is not audited."""
_KINDS = {int(kind): kind.name for kind in Kind}


class SqlArchive:
    """Implements ``chatroom.chat.stored.archive_stores.ArchiveStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_empty(self) -> bool:
        """True if nobody has put anything into the database."""
        return not any(
            self._database.number(f"SELECT EXISTS (SELECT 1 FROM {_TABLES[section]})") for section in _MADE_BY_PEOPLE
        )

    @contextlib.contextmanager
    def moment(self) -> Iterator[HighestIds]:
        """In the block, ``read`` shows the database at one moment."""
        with self._database.snapshot():
            given = self._database.given_ids()
            ids = {field: given.get(table, 0) for table, field in _IDS.items()}
            yield HighestIds(**ids, message=highest_message_id(self._database))

    def count(self, section: Section) -> int:
        """The number of records in a section."""
        return self._database.number(f"SELECT count(*) FROM {_TABLES[section]}")

    def read(self, section: Section) -> Iterator[ArchiveRecord]:
        """All records of a section, in the order of their ids."""
        if section == "accounts":
            return self._read_accounts()
        if section == "channels":
            return SqlChannels(self._database).load_all()
        if section == "requests":
            return iter(read_requests(self._database))
        if section == "hooks":
            return iter(read_hooks(self._database))
        if section == "keys":
            return (
                ArchivedKey(*row) for row in self._database.rows("SELECT name, value FROM server_keys ORDER BY name")
            )
        columns, made = _ROWS[section]
        return map(made, self._read_rows(f"SELECT {columns} FROM {_TABLES[section]} WHERE id > ? ORDER BY id LIMIT ?"))

    def read_messages(self, highest: HighestIds) -> Iterator[ArchiveRecord]:
        """The messages of a moment that has ended."""
        sql = (
            f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE id > ?1 AND id <= {int(highest.message)}"
            f" AND conversation_id <= {int(highest.conversation)} ORDER BY id LIMIT ?2"
        )
        return map(_message, self._read_rows(sql))

    def write(self, section: Section, records: Sequence[ArchiveRecord]) -> None:
        """Add records to an empty database."""
        database = self._database
        try:
            if section == "channels":
                channels = SqlChannels(database)
                with database.together():
                    for channel in cast(Sequence[StoredChannel], records):
                        if channels.find(channel.name) is not None:
                            raise InvalidValue(f"there is a channel {channel.name} already")
                        channels.save(channel, _ARCHIVER, "", "")
                return
            with database.transaction():
                _WRITERS[section](database, records)
        except InvalidTarget as error:
            raise InvalidValue(str(error)) from None
        except Exception as error:
            if database.is_misfit(error):
                raise InvalidValue(f"it does not fit: {error}") from None
            raise

    def finish(self, highest: HighestIds) -> None:
        """Have no id given out again that is at or below these."""
        database = self._database
        with database.transaction():
            for table, field in _IDS.items():
                database.raise_ids(table, getattr(highest, field))
            database.execute(
                "UPDATE history_state SET value = ?1 WHERE name = 'highest' AND value < ?1", (highest.message,)
            )

    def _read_accounts(self) -> Iterator[ArchiveRecord]:
        last = 0
        while page := read_accounts(self._database, last, _PAGE):
            yield from page
            last = page[-1].id

    def _read_rows(self, sql: str) -> Iterator[Row]:
        """The rows of a query that begins after an id and ends at a number of rows. Its first column is the id."""
        last = 0
        while page := self._database.rows(sql, (last, _PAGE)):
            yield from page
            last = page[-1][0]


def _message(row: Row) -> ArchivedMessage:
    message_id, time_ms, conversation_id, kind, source, account_id, account, target, text, tags, flags = row
    return ArchivedMessage(
        message_id, conversation_id, time_ms, _KINDS[kind], source, account_id, account, target, text, tags, flags
    )


def _conversation(row: Row) -> ArchivedConversation:
    conversation_id, channel, low_id, high_id, guest, ended_ms = row
    return ArchivedConversation(conversation_id, channel, low_id, high_id, guest, from_ms_or_none(ended_ms))


def _invite(row: Row) -> ArchivedInvite:
    moments = from_ms(row[6]), from_ms(row[7]), from_ms_or_none(row[8])
    return ArchivedInvite._make((*row[:6], *moments))


_ROWS: dict[Section, tuple[str, Callable[[Row], ArchiveRecord]]] = {
    "bans": (BAN_COLUMNS, to_ban),
    "filters": (FILTER_COLUMNS, to_filter),
    "invites": (_INVITE_COLUMNS, _invite),
    "audit": (_AUDIT_COLUMNS, lambda row: AuditEntry(row[0], from_ms(row[1]), *row[2:])),
    "conversations": (_CONVERSATION_COLUMNS, _conversation),
}
"""The sections whose records are rows of one table: its columns, and what makes the record of a row."""


def _write_keys(database: Database, keys: Sequence[ArchivedKey]) -> None:
    database.execute_many("INSERT INTO server_keys (name, value) VALUES (?, ?)", keys)


def _write_bans(database: Database, bans: Sequence[Ban]) -> None:
    database.execute_many(
        f"INSERT INTO bans ({BAN_COLUMNS}, folded, version, network, prefix)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *one[:5],
                *(to_ms(one.created_at), to_ms_or_none(one.until_at), to_ms_or_none(one.lifted_at), one.lifted_by),
                *key_of(one.kind, one.target),
            )
            for one in bans
        ],
    )


def _write_filters(database: Database, filters: Sequence[SpamFilter]) -> None:
    database.execute_many(
        f"INSERT INTO filters ({FILTER_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*one[:7], to_ms(one.created_at), one.hits, to_ms_or_none(one.hit_at)) for one in filters],
    )


def _write_invites(database: Database, invites: Sequence[ArchivedInvite]) -> None:
    database.execute_many(
        f"INSERT INTO invites ({_INVITE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*one[:6], to_ms(one.created_at), to_ms(one.until_at), to_ms_or_none(one.used_at)) for one in invites],
    )


def _write_audit(database: Database, entries: Sequence[AuditEntry]) -> None:
    database.execute_many(
        f"INSERT INTO audit ({_AUDIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(one.id, to_ms(one.at), *one[2:]) for one in entries],
    )


def _write_conversations(database: Database, conversations: Sequence[ArchivedConversation]) -> None:
    database.execute_many(
        f"INSERT INTO conversations ({_CONVERSATION_COLUMNS}, folded) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (*one[:-1], to_ms_or_none(one.ended_at), None if one.channel is None else casefold(one.channel))
            for one in conversations
        ],
    )


def _write_messages(database: Database, messages: Sequence[ArchivedMessage]) -> None:
    rows = []
    for one in messages:
        kind = Kind.__members__.get(one.kind)
        if kind is None:
            raise InvalidValue(f"kind must be one of {', '.join(Kind.__members__)}")
        message_id, conversation_id, time_ms, _, *values = one
        rows.append(MessageRow._make((message_id, time_ms, conversation_id, int(kind), *values)))
    known = len({one.conversation_id for one in messages})
    database.execute_many(INSERT, rows)
    # The table has no REFERENCES, because conversations outlive accounts.
    first, last = min(row.id for row in rows), max(row.id for row in rows)
    found = database.number(
        "SELECT count(DISTINCT m.conversation_id) FROM messages AS m JOIN conversations AS c"
        " ON c.id = m.conversation_id WHERE m.id BETWEEN ? AND ?",
        (first, last),
    )
    if found < known:
        raise InvalidValue("a message is in a conversation that is not there")


_WRITERS: dict[Section, Callable[[Database, Any], None]] = {
    "keys": _write_keys,
    "accounts": write_accounts,
    "bans": _write_bans,
    "filters": _write_filters,
    "invites": _write_invites,
    "requests": write_requests,
    "hooks": write_hooks,
    "audit": _write_audit,
    "conversations": _write_conversations,
    "messages": _write_messages,
}
