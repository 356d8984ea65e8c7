"""The daemon's writer of history, on a server.

As with SQLite, it writes one row for each entry and nothing else; the upkeep thread adds the indexes later. It takes no
part in the write lock of the stores, which never wait for it, nor it for them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import psycopg
from psycopg import pq

from chatroom.chat.stored.entries import Conversation, EntryRow
from chatroom.chat.stored.hook_records import HookEventRow
from chatroom.database_address import ServerAddress
from chatroom.errors import StorageError
from chatroom.irc.names import casefold
from chatroom.storage.postgresql import postgresql_errors
from chatroom.storage.postgresql.connecting import PATIENCE_S, NoAnswer, connect
from chatroom.storage.postgresql.server_database import NOTIFY, same_name
from chatroom.storage.postgresql.server_lock import LOCKS, locks_of
from chatroom.storage.postgresql.statements import translate
from chatroom.storage.sql.contract import Row
from chatroom.storage.sql.history_rows import (
    INSERTS,
    LAST_MESSAGE_KIND,
    MOST_AT_ONCE,
    columns_of,
    condition_of,
    highest_message_id,
    marks,
    values_of,
)
from chatroom.storage.sql.hook_rows import insert_events
from chatroom.storage.sql.rename_notes import note_in_history
from chatroom.storage.sql.timestamps import Clock, to_ms, utc_now

_MOST_KNOWN = 20_000
"""The most conversations whose ids are kept in memory."""
_RETRY_S = 1.0
"""How long after a failed connection the next one is tried: a tick must not wait for each of them."""
_LOCK_TIMEOUT_MS = 1000
"""How long a statement waits for a row that another connection changes, such as the hook of an event."""
_IS_THERE = "SELECT 1 FROM messages WHERE id IN ({}) LIMIT 1"
_MARK = (
    "INSERT INTO history_state (name, value) VALUES ('journal.mark', ?) ON CONFLICT (name)"
    " DO UPDATE SET value = excluded.value"
)
_HAS_MARK = "SELECT 1 FROM history_state WHERE name = 'journal.mark' AND value = ?"
_TAKE_BACK = (
    "DELETE FROM places AS p USING messages AS m WHERE m.id IN ({}) AND p.conversation_id = m.conversation_id"
    f" AND p.event = CASE WHEN m.kind > {LAST_MESSAGE_KIND} THEN 1 ELSE 0 END AND p.message_id = m.id",
    "DELETE FROM message_words WHERE message_id IN ({})",
    "DELETE FROM hook_events WHERE message_id IN ({})",
    "DELETE FROM messages WHERE id IN ({})",
)
_LIMITS = (
    f"SET lock_timeout = {_LOCK_TIMEOUT_MS};"
    # If the machine of this daemon is gone, or its process stands still: nobody waits for its transaction for long.
    # The first is longer than the connection itself waits, so that it only counts when nobody waits for the answer.
    f" SET statement_timeout = {round(2 * PATIENCE_S * 1000)};"
    f" SET idle_in_transaction_session_timeout = {round(PATIENCE_S * 1000)}"
)
"""How long the server lets a statement, and a transaction without one, take."""


class ServerJournal:
    """Implements ``chatroom.chat.stored.history_stores.Journal``.

    Guarded by the hub lock: the thread that holds it uses the connection. A lost connection is made anew by ``begin``.
    """

    __slots__ = (
        *("_address", "_clock", "_connection", "_is_closed", "_known", "_new"),
        *("_retry_at_s", "_setup", "_tells", "_why", "connection_number"),
    )

    def __init__(self, address: ServerAddress, clock: Clock, *, full: bool, setup: str = "") -> None:
        """``setup``: what each connection begins with too. Raises ``StorageError`` if the server cannot be used."""
        self._address = address
        self._clock = clock
        # Off: a commit does not wait for the server's disk. A crash of the server can take the last half second.
        self.connection_number = number = secrets.randbelow(2**31 - 2) + 2
        # The lock of this journal: a new connection ends the one before, if the server still has it, and gets the lock
        # when that has ended. Only then is it certain whether a commit without an answer was made.
        self._setup = (
            f"{_LIMITS}; SET synchronous_commit = {'on' if full else 'off'};"
            f" SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {locks_of(LOCKS, f'= {number}')};"
            f" SELECT pg_advisory_lock({LOCKS}, {number}){setup}"
        ).encode()
        self._known: dict[Conversation, int] = {}
        """Ids of conversations, by every spelling of a channel's name that was used."""
        self._new = False
        """True if ``_known`` has conversations that are not committed yet."""
        self._tells = False
        """True if the commit should tell other connections: there are events for hooks in it."""
        self._is_closed = False
        self._retry_at_s = 0.0
        self._why = ""
        """Why there is no connection: until the next try, that is told again."""
        self._connection: psycopg.Connection | None = None
        self._connect()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> psycopg.Cursor[Row]:
        """Run one statement. If it fails, the transaction is rolled back."""
        connection, statement = self._connection, translate(sql)
        if connection is None:
            raise postgresql_errors.lost(self._address)
        try:
            return connection.execute(statement.text, statement.arrange(parameters))
        except postgresql_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error

    def last_message_id(self) -> int:
        """The highest message id ever written."""
        return highest_message_id(self)

    def open_channels(self) -> list[str]:
        """The casefolded names of the channels whose conversations have not ended."""
        rows = self.execute("SELECT folded FROM conversations WHERE name IS NOT NULL AND ended_ms IS NULL").fetchall()
        return [row[0] for row in rows]

    def begin(self) -> bool:
        """Begin a transaction. Always True: no other connection keeps this one from writing.

        Raises ``StorageError`` if the server cannot be reached.
        """
        if self._connection is not None and self._begin_on(self._connection):
            return True
        # Nothing is lost with the connection, so a new one is as good.
        if not self._begin_on(self._connect()):
            raise postgresql_errors.lost(self._address)
        return True

    def _begin_on(self, connection: psycopg.Connection) -> bool:
        """Begin a transaction there. False if the connection was lost: it is dropped then."""
        try:
            self._send_begin(connection)
            return True
        except psycopg.Error as error:
            self.rollback()
            # Those who wait have waited long enough: a server that hangs is asked again by the next transaction.
            if isinstance(error, NoAnswer) or not connection.closed:
                raise self._fault(error) from error
            self._drop()
            return False

    def _send_begin(self, connection: psycopg.Connection) -> None:
        connection.execute(b"BEGIN")

    def write(self, entries: Sequence[EntryRow]) -> None:
        """Add entries in the order of their message ids."""
        for start in range(0, len(entries), MOST_AT_ONCE):
            some = entries[start : start + MOST_AT_ONCE]
            self.execute(INSERTS[len(some)], values_of(some, self._known, self._find_or_add))

    def end_channel(self, name: str) -> None:
        """End the channel's conversation, so that a later channel of that name has another one."""
        self.execute(
            "UPDATE conversations SET ended_ms = ? WHERE folded = ? AND name IS NOT NULL AND ended_ms IS NULL",
            (to_ms(self._clock()), casefold(name)),
        )
        # All of it, because the channel may be in it under several spellings.
        self._known.clear()

    def rename_channel(self, name: str, new_name: str) -> None:
        """Give the channel's conversation, with all its entries, another name."""
        self._note_rename(name, new_name)
        if casefold(name) != casefold(new_name):
            # What was said under the new name belongs to an earlier channel.
            self.end_channel(new_name)
        self.execute(
            "UPDATE conversations SET name = ?, folded = ? WHERE folded = ? AND name IS NOT NULL AND ended_ms IS NULL",
            (new_name, casefold(new_name), casefold(name)),
        )
        self._known.clear()

    def _note_rename(self, name: str, new_name: str) -> None:
        note_in_history(self.execute, name, new_name)

    def add_hook_events(self, rows: Sequence[HookEventRow]) -> None:
        """Have events wait for their hooks."""
        insert_events(self.execute, rows)
        self._tells = True

    def commit(self) -> None:
        """Make the transaction permanent."""
        if self._tells:
            self.execute(NOTIFY)
        self.execute("COMMIT")
        self._new = self._tells = False

    def mark(self, number: int) -> None:
        """Leave a number in the transaction."""
        self.execute(_MARK, (number,))

    def is_made(self, entries: Sequence[int], mark: int = 0) -> bool:
        """True if a transaction was made that has some entries, or else that mark."""
        # Not by the highest message id: the worker of the stores may have written a higher one meanwhile.
        for start in range(0, len(entries), MOST_AT_ONCE):
            some = entries[start : start + MOST_AT_ONCE]
            if self.execute(_IS_THERE.format(marks(some)), some).fetchone() is not None:
                return True
        return mark != 0 and self.execute(_HAS_MARK, (mark,)).fetchone() is not None

    def end_connection(self, number: int) -> None:
        """End what a journal of an earlier run may still have under way, and wait for it."""
        others = f"{locks_of(LOCKS, f'= {number}')} AND pid != pg_backend_pid()"  # one may have several doubts
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {others}")
        self.execute(f"SELECT pg_advisory_xact_lock({LOCKS}, {number})")

    def take_back(self, messages: Sequence[int]) -> None:
        """Delete messages."""
        for start in range(0, len(messages), MOST_AT_ONCE):
            some = messages[start : start + MOST_AT_ONCE]
            for statement in _TAKE_BACK:
                self.execute(statement.format(marks(some)), some)

    def rollback(self) -> None:
        """Discard the transaction. Idempotent."""
        self._tells = False
        if self._new:
            # Some of these ids were rolled back, and may be given to other conversations.
            self._known.clear()
            self._new = False
        connection = self._connection
        if connection is None:
            return
        try:
            if connection.info.transaction_status != pq.TransactionStatus.IDLE:
                connection.execute(b"ROLLBACK")
        except psycopg.Error:
            self._drop()

    def close(self) -> None:
        """Close the connection and discard what was not committed. Idempotent."""
        self._is_closed = True
        self._drop()

    def _find_or_add(self, conversation: Conversation) -> int:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        condition, values = condition_of(conversation, same_name)
        columns, added = columns_of(conversation)
        select = f"SELECT id FROM conversations WHERE {condition}"
        row = self.execute(select, values).fetchone()
        if row is None:
            self._new = True
            insert = f"INSERT INTO conversations ({columns}) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id"
            # No row is added if another connection adds the same one now: then that one is there after it.
            row = self.execute(insert, added).fetchone() or self.execute(select, values).fetchone()
            assert row is not None
        self._known[conversation] = int(row[0])
        return int(row[0])

    def _connect(self) -> psycopg.Connection:
        now_s = time.monotonic()
        if self._is_closed:
            raise postgresql_errors.lost(self._address)
        if now_s < self._retry_at_s:
            raise StorageError(self._why)
        try:
            self._connection = connection = connect(self._address, patience_s=PATIENCE_S)
            connection.execute(self._setup)
        except StorageError as error:
            self._retry_at_s, self._why = now_s + _RETRY_S, str(error)
            raise
        except psycopg.Error as error:
            self._drop()
            fault = self._fault(error)
            self._retry_at_s, self._why = now_s + _RETRY_S, str(fault)
            raise fault from error
        # Another program may have been at the database meanwhile.
        self._known.clear()
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._known.clear()
        self._new = self._tells = False
        if connection is not None:
            connection.close()

    def _fault(self, error: Exception) -> StorageError:
        if postgresql_errors.is_of_the_session(error):
            self._drop()
        # No error here is the sender's fault, so a refusal of a value becomes a StorageError too.
        fault = postgresql_errors.from_postgresql(self._address, error)
        return fault if isinstance(fault, StorageError) else StorageError(f"{self._address}: {error}")


def open_journal(address: ServerAddress, *, full: bool = False, clock: Clock = utc_now) -> ServerJournal:
    """Open a journal on the database at ``address``, which ``open_stores`` has migrated. Raises ``StorageError``.

    ``full``: a commit waits until the server's disk has it, so that it survives a power cut.
    """
    return ServerJournal(address, clock, full=full)
