"""The one writer of history: what was said is here before anybody reads it.

A row of ``messages`` is all that is written while people wait; what makes reading quick follows in the background
(``history_upkeep``).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from chatroom.chat.stored.entries import Conversation, EntryRow
from chatroom.errors import DatabaseBusy, StorageError
from chatroom.irc.names import casefold
from chatroom.storage.sqlite import sqlite_errors
from chatroom.storage.sqlite.database import WAL_LIMIT
from chatroom.storage.sqlite.history_rows import INSERTS, MOST_AT_ONCE, highest_number
from chatroom.storage.sqlite.timestamps import Clock, to_ms, utc_now

_MOST_KNOWN = 20_000
"""How many conversations' ids are remembered."""


class SqliteJournal:
    """Implements ``chatroom.chat.stored.history_stores.Journal``.

    Made by one thread and used by others, one at a time: whoever has the hub lock. That is what a connection of a
    SQLite built with the usual serialised or multi-thread mode allows, and why Python's own check is off here.
    """

    __slots__ = ("_clock", "_connection", "_known", "_new", "_path")

    def __init__(self, path: Path, connection: sqlite3.Connection, clock: Clock) -> None:
        self._path = path
        self._connection = connection
        self._clock = clock
        self._known: dict[Conversation, int] = {}
        self._new = False
        """Whether ``_known`` has conversations that are not committed yet."""

    def last_message_id(self) -> int:
        """The highest number that was ever written; ask once, before the first entry."""
        try:
            return highest_number(self._connection)
        except sqlite_errors.ERRORS as error:
            raise self._fault(error) from error

    def begin(self) -> bool:
        """Take the write lock. False where somebody else has it: try again later. Raises ``StorageError``."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite_errors.ERRORS as error:
            fault = self._fault(error)
            if isinstance(fault, DatabaseBusy):
                return False
            raise fault from error
        return True

    def write(self, entries: Sequence[EntryRow]) -> None:
        """Add entries, in the order of their numbers. Raises ``StorageError`` (a full disk): rolled back then."""
        known, execute = self._known, self._connection.execute
        try:
            for start in range(0, len(entries), MOST_AT_ONCE):
                some = entries[start : start + MOST_AT_ONCE]
                values: list[object] = []
                # A row is the entry's values with two of them replaced: the conversation by its id, and the target by
                # "" if it repeats the conversation. Plain numbers instead of names or unpacking save 3 % of each write.
                for entry in some:
                    conversation = entry[2]
                    values += entry
                    values[-9] = known.get(conversation) or self._find_or_add(conversation)
                    if entry[7] == conversation:
                        values[-4] = ""
                execute(INSERTS[len(some)], values)
        except sqlite_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error

    def end_channel(self, name: str) -> None:
        """The channel is no more: what was said in it is not part of a later channel of that name. Within ``begin``.

        Takes effect from the next entry on. Raises ``StorageError``: rolled back then.
        """
        try:
            self._connection.execute(
                "UPDATE conversations SET ended_ms = ? WHERE folded = ? AND name IS NOT NULL AND ended_ms IS NULL",
                (to_ms(self._clock()), casefold(name)),
            )
        except sqlite_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error
        # Under whatever spellings of its name it is known.
        self._known.clear()

    def rename_channel(self, name: str, new_name: str) -> None:
        """The channel has another name from the next entry on, and all of its history with it. Within ``begin``.

        Raises ``StorageError``: rolled back then.
        """
        if casefold(name) != casefold(new_name):
            self.end_channel(new_name)  # what was said under that name was said in another channel
        try:
            self._connection.execute(
                "UPDATE conversations SET name = ?, folded = ? WHERE folded = ? AND name IS NOT NULL"
                " AND ended_ms IS NULL",
                (new_name, casefold(new_name), casefold(name)),
            )
        except sqlite_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error
        self._known.clear()

    def commit(self) -> None:
        """Keep what was written. Raises ``StorageError``: rolled back then."""
        try:
            self._connection.execute("COMMIT")
        except sqlite_errors.ERRORS as error:
            self.rollback()
            raise self._fault(error) from error
        self._new = False

    def rollback(self) -> None:
        """Give up what was written. Idempotent."""
        if self._new:
            self._known.clear()
            self._new = False
        # SQLite has done it by itself after some errors, a full disk among them.
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection; what was not committed is given up. Idempotent."""
        with contextlib.suppress(sqlite3.ProgrammingError):
            self.rollback()
        self._connection.close()

    def _find_or_add(self, where: Conversation) -> int:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        found, added = find_or_add(self._connection, where)
        self._new = self._new or added
        self._known[where] = found
        return found

    def _fault(self, error: Exception) -> StorageError:
        """What to raise: nothing that goes wrong here is the fault of who said something."""
        fault = sqlite_errors.from_sqlite(self._path, error)
        return fault if isinstance(fault, StorageError) else StorageError(f"{self._path}: {error}")


def find_or_add(connection: sqlite3.Connection, where: Conversation) -> tuple[int, bool]:
    """The id of a conversation as of now, and whether it was added, inside a transaction."""
    if isinstance(where, str):
        values: tuple[object, ...] = (where, casefold(where))
        row = connection.execute(
            "SELECT id FROM conversations WHERE folded = ? AND name IS NOT NULL AND ended_ms IS NULL", values[1:]
        ).fetchone()
        insert = "INSERT INTO conversations (name, folded) VALUES (?, ?)"
    else:
        values = where
        row = connection.execute(
            "SELECT id FROM conversations WHERE low_id = ? AND high_id = ? AND name IS NULL", values
        ).fetchone()
        insert = "INSERT INTO conversations (low_id, high_id) VALUES (?, ?)"
    if row is not None:
        return int(row[0]), False
    return int(connection.execute(insert, values).lastrowid or 0), True


def open_journal(path: Path, *, full: bool = False, clock: Clock = utc_now) -> SqliteJournal:
    """Connect to the database at ``path``, which ``open_stores`` has brought up. Raises ``StorageError``."""
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"
    try:
        # No waiting at all: the tick answers other things while somebody else writes.
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0, check_same_thread=False)
    except sqlite3.Error as error:
        raise sqlite_errors.from_sqlite(path, error) from error
    journal = SqliteJournal(path, connection, clock)
    try:
        # Those of ``open_database`` that writing needs, for its reasons; a checkpoint must never fall into a tick.
        for pragma in (
            "secure_delete=ON",
            "trusted_schema=OFF",
            "wal_autocheckpoint=0",
            f"journal_size_limit={WAL_LIMIT}",
            f"synchronous={'FULL' if full else 'NORMAL'}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        journal.last_message_id()
    except BaseException:
        journal.close()
        raise
    return journal
