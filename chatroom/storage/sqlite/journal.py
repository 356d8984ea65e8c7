"""The daemon's writer of history.

What was said is committed before any client is sent it. People wait for that, so the journal writes one row for
each entry and nothing else. The upkeep thread adds the indexes later (``history_upkeep``).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from chatroom.chat.stored.entries import Conversation, EntryRow
from chatroom.chat.stored.hook_records import HookEventRow
from chatroom.errors import DatabaseBusy, StorageError
from chatroom.irc.names import casefold
from chatroom.storage.sql.history_rows import (
    COLUMNS,
    INSERTS,
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
from chatroom.storage.sqlite import sqlite_errors
from chatroom.storage.sqlite.database import WAL_LIMIT, same_name
from chatroom.storage.write_guard import WriteGuard

_MOST_KNOWN = 20_000
"""The most conversations whose ids are kept in memory."""
_LEAST_ALIKE = 8
"""So many entries of one sender and conversation, one after the other, are worth a statement of their own."""


def _insert_alike(count: int) -> str:
    """The statement that adds so many rows of one sender and conversation, which differ in id, time and body only.

    SQLite takes half of a row's time to bind its values. So those that all rows have are bound once, as the parameters
    1 to 8.
    """
    rows = [f"(?{at}, ?{at + 1}, ?1, ?2, ?3, ?4, ?5, ?6, ?{at + 2}, ?7, ?8)" for at in range(9, 9 + 3 * count, 3)]
    return f"INSERT INTO messages ({COLUMNS}) VALUES {', '.join(rows)}"


_INSERTS_ALIKE = {count: _insert_alike(count) for count in range(_LEAST_ALIKE, MOST_AT_ONCE + 1)}


class SqliteJournal:
    """Implements ``chatroom.chat.stored.history_stores.Journal``.

    Guarded by the hub lock: the thread that holds it uses the connection; or used by the journal thread alone.
    """

    __slots__ = ("_clock", "_connection", "_guard", "_known", "_new", "_path")

    def __init__(self, path: Path, connection: sqlite3.Connection, clock: Clock, guard: WriteGuard) -> None:
        self._path = path
        self._guard = guard
        self._connection = connection
        self._clock = clock
        self._known: dict[Conversation, int] = {}
        """Ids of conversations, by every spelling of a channel's name that was used."""
        self._new = False
        """True if ``_known`` has conversations that are not committed yet."""

    def last_message_id(self) -> int:
        """The highest message id ever written."""
        try:
            return highest_message_id(self._connection)
        except sqlite_errors.ERRORS as error:
            raise self._fault(error) from error

    def open_channels(self) -> list[str]:
        """The casefolded names of the channels whose conversations have not ended."""
        try:
            rows = self._connection.execute(
                "SELECT folded FROM conversations WHERE name IS NOT NULL AND ended_ms IS NULL"
            ).fetchall()
        except sqlite_errors.ERRORS as error:
            raise self._fault(error) from error
        return [row[0] for row in rows]

    def begin(self) -> bool:
        """Take the write lock; False if another connection has it.

        Raises ``StorageError`` if the disk has no room for messages, or the file was removed or replaced.
        """
        self._guard.require_room_for_messages()
        try:
            # A plain BEGIN takes the lock at the first write only, and that one would fail instead of this.
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite_errors.ERRORS as error:
            fault = self._fault(error)
            if isinstance(fault, DatabaseBusy):
                return False
            raise fault from error
        return True

    def write(self, entries: Sequence[EntryRow]) -> None:
        """Add entries in the order of their message ids."""
        known, execute = self._known, self._connection.execute
        start = 0
        try:
            while start < len(entries):
                some = entries[start : start + MOST_AT_ONCE]
                alike = _count_alike(some)
                if alike:
                    self._write_alike(some[:alike])
                else:
                    execute(INSERTS[len(some)], values_of(some, known, self._find_or_add))
                start += alike or len(some)
        except sqlite_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error

    def _write_alike(self, entries: Sequence[EntryRow]) -> None:
        """Add entries that differ in id, time and text only, at least ``_LEAST_ALIKE``."""
        _, _, conversation, kind, source, account_id, account, target, _, client_tags, flags = entries[0]
        conversation_id = self._known.get(conversation) or self._find_or_add(conversation)
        if target == conversation:
            target = ""
        values = [conversation_id, kind, source, account_id, account, target, client_tags, flags]
        for entry in entries:
            values += entry[0], entry[1], entry[8]
        self._connection.execute(_INSERTS_ALIKE[len(entries)], values)

    def end_channel(self, name: str) -> None:
        """End the channel's conversation, so that a later channel of that name has another one."""
        try:
            self._connection.execute(
                "UPDATE conversations SET ended_ms = ? WHERE folded = ? AND name IS NOT NULL AND ended_ms IS NULL",
                (to_ms(self._clock()), casefold(name)),
            )
        except sqlite_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error
        # All of it, because the channel may be in it under several spellings.
        self._known.clear()

    def rename_channel(self, name: str, new_name: str) -> None:
        """Give the channel's conversation, with all its entries, another name."""
        if casefold(name) != casefold(new_name):
            # What was said under the new name belongs to an earlier channel.
            self.end_channel(new_name)
        try:
            note_in_history(self._connection.execute, name, new_name)
            self._connection.execute(
                "UPDATE conversations SET name = ?, folded = ? WHERE folded = ? AND name IS NOT NULL"
                " AND ended_ms IS NULL",
                (new_name, casefold(new_name), casefold(name)),
            )
        except sqlite_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error
        self._known.clear()

    def add_hook_events(self, rows: Sequence[HookEventRow]) -> None:
        """Have events wait for their hooks."""
        try:
            insert_events(self._connection.execute, rows)
        except sqlite_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error

    def commit(self) -> None:
        """Make the transaction permanent."""
        try:
            self._connection.execute("COMMIT")
        except sqlite_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error
        self._new = False

    def mark(self, number: int) -> None:
        """Do nothing: SQLite rolls back what it cannot commit, so there is no doubt about it."""

    def is_made(self, entries: Sequence[int], mark: int = 0) -> bool:
        """True if a transaction was made that has some entries."""
        try:
            for start in range(0, len(entries), MOST_AT_ONCE):
                some = entries[start : start + MOST_AT_ONCE]
                found = self._connection.execute(f"SELECT 1 FROM messages WHERE id IN ({marks(some)}) LIMIT 1", some)
                if found.fetchone() is not None:
                    return True
        except sqlite_errors.ERRORS as error:
            raise self._fault(error) from error
        return False

    @property
    def connection_number(self) -> int:
        """As ``Journal``: no process is left that could end something later."""
        return 0

    def end_connection(self, number: int) -> None:
        """Do nothing, as ``mark``."""

    def take_back(self, messages: Sequence[int]) -> None:
        """Do nothing, as ``mark``: a transaction whose commit has failed is not there."""

    def rollback(self) -> None:
        """Discard the transaction. Idempotent."""
        if self._new:
            # Some of these ids were rolled back, and SQLite may give them to other conversations.
            self._known.clear()
            self._new = False
        # After some errors, such as a full disk, SQLite has rolled back by itself.
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection and discard what was not committed. Idempotent."""
        # ProgrammingError: the connection is closed already.
        with contextlib.suppress(sqlite3.ProgrammingError):
            self.rollback()
        self._connection.close()

    def _find_or_add(self, conversation: Conversation) -> int:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        conversation_id, is_new = find_or_add(self._connection, conversation)
        self._new = self._new or is_new
        self._known[conversation] = conversation_id
        return conversation_id

    def _fault(self, error: Exception) -> StorageError:
        # No error here is the sender's fault, so a refusal of a value becomes a StorageError too.
        fault = sqlite_errors.from_sqlite(self._path, error)
        return fault if isinstance(fault, StorageError) else StorageError(f"{self._path}: {error}")


def _count_alike(entries: Sequence[EntryRow]) -> int:
    """How many entries at the beginning differ in id, time and text only; 0 if they are fewer than ``_LEAST_ALIKE``."""
    # Mostly several senders take turns, and one look at their sources shows it.
    if len(entries) < _LEAST_ALIKE or entries[_LEAST_ALIKE - 1][4] != entries[0][4]:
        return 0
    shared, tags = entries[0][2:8], entries[0][9:]
    count = 0
    for entry in entries:
        if entry[2:8] != shared or entry[9:] != tags:
            break
        count += 1
    return count if count >= _LEAST_ALIKE else 0


def find_or_add(connection: sqlite3.Connection, conversation: Conversation) -> tuple[int, bool]:
    """The id of a present conversation, and True if it was added by this call. Only in a transaction."""
    condition, values = condition_of(conversation, same_name)
    row = connection.execute(f"SELECT id FROM conversations WHERE {condition}", values).fetchone()
    if row is not None:
        return int(row[0]), False
    columns, values = columns_of(conversation)
    insert = f"INSERT INTO conversations ({columns}) VALUES (?, ?)"
    return int(connection.execute(insert, values).lastrowid or 0), True


def open_journal(
    path: Path, *, full: bool = False, clock: Clock = utc_now, guard: WriteGuard | None = None
) -> SqliteJournal:
    """Open a journal on the database at ``path``, which ``open_stores`` has migrated. Raises ``StorageError``.

    ``full``: a commit waits until the disk has it, so that it survives a power cut. ``guard`` is the daemon's.
    """
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"
    try:
        # timeout=0: SQLite does not wait for the write lock, because the tick has other lines to run meanwhile.
        # check_same_thread=False: one thread at a time uses the connection, under the hub lock or as the only one.
        # SQLite asks no more, unless it was built single-threaded.
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0, check_same_thread=False)
    except sqlite3.Error as error:
        raise sqlite_errors.from_sqlite(path, error) from error
    journal = SqliteJournal(path, connection, clock, guard or WriteGuard(path))
    try:
        # The pragmas of ``open_database`` that a writer needs, for the reasons given there.
        for pragma in (
            "secure_delete=ON",
            "trusted_schema=OFF",
            "wal_autocheckpoint=0",
            f"journal_size_limit={WAL_LIMIT}",
            # In WAL mode, NORMAL makes a commit without waiting for the disk. It survives a crash of the process.
            f"synchronous={'FULL' if full else 'NORMAL'}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        # The first read finds a file that is not a database.
        journal.last_message_id()
    except BaseException:
        journal.close()
        raise
    return journal
