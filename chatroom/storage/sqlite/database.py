"""A connection to the database file: its transactions and its checkpoints. ``file_opening`` makes it.

A connection belongs to the thread that opened it. While a process has a connection, it must not open and close the
database file in another way: closing any descriptor of a file drops the locks (POSIX) that SQLite has on it.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.errors import DatabaseBusy, DiskFull, StorageError
from chatroom.storage.sql.contract import Parameters, Row, Sizes
from chatroom.storage.sql.timestamps import Clock, to_ms
from chatroom.storage.sqlite import sqlite_errors
from chatroom.storage.sqlite.log_sync import sync_log
from chatroom.storage.write_guard import WriteGuard

if TYPE_CHECKING:
    from chatroom.storage.sqlite.sqlite_words import SqliteWords

BUSY_TIMEOUT_S = 5.0
"""How long a transaction waits for the write lock before it raises ``DatabaseBusy``."""
WAL_LIMIT = 4 * 1024 * 1024
"""Bytes of write-ahead log above which a commit is followed by a checkpoint."""
_PAUSE_S = (0.0005, 0.003)
"""The shortest and longest pause between two tries for the write lock. The length is random, because a fixed one could
keep step with a writer and always find the lock taken.
"""


class SqliteDatabase:
    """Implements ``chatroom.storage.sql.contract.Database``. A fault in our SQL raises sqlite3's own exception.

    ``writer`` is stored with each logged change: ``cli``, or one word for all connections of a daemon.
    """

    __slots__ = (
        "_busy_timeout_s",
        "_clock",
        "_connection",
        "_data_version",
        "_is_together",
        "_wal",
        "_wrote",
        "guard",
        "log_limit",
        "path",
        "syncs_log",
        "turn",
        "writer",
    )

    def __init__(
        self, path: Path, connection: sqlite3.Connection, writer: str, clock: Clock, busy_timeout_s: float
    ) -> None:
        self.path = path
        self.writer = writer
        self.turn = 0
        """As ``Database`` says."""
        self.log_limit = WAL_LIMIT
        """Bytes of write-ahead log above which a commit on this connection is followed by a checkpoint."""
        self.guard: WriteGuard | None = None
        """Asked before each transaction; None for a connection that has no claim to the last room of the disk."""
        self.syncs_log = False
        """True if a transaction that has changed something waits for the disk when it is committed, without the write
        lock (``log_sync``)."""
        self._connection = connection
        self._clock = clock
        self._busy_timeout_s = busy_timeout_s
        # SQLite has the log beside the file itself, not beside a link to it.
        self._wal = Path(f"{os.path.realpath(path)}-wal")
        self._is_together = False
        """True in a ``together`` block."""
        self._data_version: int | None = None
        """What ``PRAGMA data_version`` was at the last look for commits of others; None before ``note_commits``."""
        self._wrote = False
        """True if ``close`` should make a checkpoint."""

    def now_ms(self) -> int:
        """The wall clock in Unix milliseconds."""
        return to_ms(self._clock())

    @property
    def total_changes(self) -> int:
        """The rows that this connection has added, changed and deleted since it was opened."""
        return self._connection.total_changes

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        try:
            return self._connection.execute(sql, parameters)
        except sqlite_errors.ERRORS as error:
            raise sqlite_errors.from_sqlite(self.path, error) from error

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of parameters."""
        try:
            self._connection.executemany(sql, rows)
        except sqlite_errors.ERRORS as error:
            raise sqlite_errors.from_sqlite(self.path, error) from error

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of the result, or None."""
        try:
            row: Row | None = self._connection.execute(sql, parameters).fetchone()
        except sqlite_errors.ERRORS as error:
            raise sqlite_errors.from_sqlite(self.path, error) from error
        return row

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of the result."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite_errors.ERRORS as error:
            raise sqlite_errors.from_sqlite(self.path, error) from error

    def number(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """The number in the first column of the first row; 0 if there is no row or it is NULL."""
        row = self.row(sql, parameters)
        return 0 if row is None or row[0] is None else int(row[0])

    @contextlib.contextmanager
    def transaction(self, *, minor: bool = False) -> Iterator[None]:
        """Take the write lock; commit at the end of the block, or roll back on any exception.

        Returns when the disk has it (``syncs_log``), except in a ``together`` block.
        Transactions do not nest: each method of a store is one. ``minor``: on a full disk the write is refused rather
        than given the room that is kept for bans and accounts. Raises ``DatabaseBusy``, ``DiskFull`` and, if the file
        is no longer the one that was opened, ``StorageError``.
        """
        guard = self.guard
        if self._connection.in_transaction and not self._is_together:
            raise RuntimeError("transactions do not nest")
        if guard is not None:
            guard.require_room(minor=minor)
        if self._is_together:
            with self._part():
                yield
            return
        self._begin()
        changes = self.total_changes
        try:
            yield
            self.execute("COMMIT")
        except DiskFull:
            self._roll_back()
            if guard is not None and not minor:
                guard.reserve.give_up()  # by a quota it was full before: the next try has the room
            raise
        except BaseException:
            self._roll_back()
            raise
        self._wrote = True
        if self.total_changes != changes:
            self.make_durable()
        if self.wal_size() > self.log_limit:
            self.checkpoint()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Make all transactions in the block one: it is committed at the end, with one wait for the disk.

        A transaction in the block that fails is rolled back alone. Raises why nothing could be committed: then none of
        them has happened.
        """
        with self.transaction(minor=True):
            self._is_together = True
            try:
                yield
            finally:
                self._is_together = False
            self._require_transaction()

    @contextlib.contextmanager
    def _part(self) -> Iterator[None]:
        self._require_transaction()
        self.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK TO part")
                self.execute("RELEASE part")
            raise
        self.execute("RELEASE part")

    def _require_transaction(self) -> None:
        """Raise ``StorageError`` if SQLite has rolled the transaction back by itself, as on a full disk."""
        if not self._connection.in_transaction:
            raise StorageError(f"{self.path}: the changes were rolled back")

    def _begin(self) -> None:
        # SQLite itself would try ten times a second and miss the gaps that a busy writer leaves between transactions.
        give_up_at = time.monotonic() + self._busy_timeout_s
        with self.without_waiting():
            while True:
                try:
                    # A plain BEGIN takes the lock at the first write only. That fails, without waiting, if another
                    # connection has written since the first read.
                    self._connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.Error as error:
                    fault = sqlite_errors.from_sqlite(self.path, error)
                    if not isinstance(fault, DatabaseBusy) or time.monotonic() >= give_up_at:
                        raise fault from error
                time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311 - no secret

    @contextlib.contextmanager
    def without_waiting(self) -> Iterator[None]:
        """In the block, a statement that would wait for another connection raises ``DatabaseBusy`` instead."""
        self.execute("PRAGMA busy_timeout=0")
        try:
            yield
        finally:
            self.execute(f"PRAGMA busy_timeout={round(self._busy_timeout_s * 1000)}")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """In the block, all reads show the database at one moment. Other connections can write meanwhile."""
        if self._connection.in_transaction:
            yield  # that of the outer block
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        # After some errors, such as a full disk, SQLite has rolled back by itself.
        if self._connection.in_transaction:
            self.execute("ROLLBACK")

    def changed_elsewhere(self) -> bool:
        """True if another connection has committed since the last call, or since ``note_commits``."""
        before = self._data_version
        return self.note_commits() != before

    def note_commits(self) -> int:
        """Have ``changed_elsewhere`` tell of later commits only."""
        # SQLite changes it when another connection commits, and answers without reading the file's pages.
        self._data_version = self.number("PRAGMA data_version")
        return self._data_version

    def next_ids(self, table: str, count: int) -> int:
        """The first of ``count`` ids that no row of the table ever had. Only in a transaction that uses them."""
        # AUTOINCREMENT gives the numbers that follow the highest one ever given, and counts those that are chosen too.
        return 1 + self.number("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))

    def given_ids(self) -> dict[str, int]:
        """The highest id that was ever given to a row, by table. A table that never had a row may be missing."""
        return dict(self.rows("SELECT name, seq FROM sqlite_sequence"))

    def raise_ids(self, table: str, at_least: int) -> None:
        """Have no id given out again that is at or below ``at_least``. Only in a transaction."""
        self.execute(
            "INSERT INTO sqlite_sequence (seq, name)"
            " SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?2)",
            (at_least, table),
        )
        self.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (at_least, table))

    def same_name(self, column: str) -> str:
        """The SQL condition that a column has the name in the next parameter, which is casefolded."""
        return same_name(column)

    def numbers_of(self, mark: str) -> str:
        """A query for the numbers of a JSON array in the parameter ``mark``; its one column is ``value``."""
        return f"SELECT value FROM json_each({mark})"

    texts_of = numbers_of
    """As ``numbers_of``, for texts: SQLite knows the type of each value."""

    def sizes(self) -> Sizes:
        """What the files take."""
        page, free = self.number("PRAGMA page_size"), self.number("PRAGMA freelist_count")
        return Sizes(page * (self.number("PRAGMA page_count") - free), page * free, self.wal_size())

    def words(self) -> SqliteWords:
        """The full-text index of the history."""
        from chatroom.storage.sqlite.sqlite_words import SqliteWords  # few commands need it

        return SqliteWords(self)

    def is_misfit(self, error: Exception) -> bool:
        """True if SQLite refused a row because it breaks a rule of its table."""
        return isinstance(error, sqlite3.IntegrityError)

    def wal_size(self) -> int:
        """Bytes in the write-ahead log."""
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    def make_durable(self) -> None:
        """Wait until the disk has what was committed on any connection. Not in a transaction of one's own."""
        # The checkpoint copies the change into the database file, and syncs that.
        if self.syncs_log and not sync_log(self._wal):
            self.checkpoint()

    def write_first_page(self) -> None:
        """Write page 1 as it is. Its change counter goes up, and the log has a page 1 (see ``write_ahead_log``)."""
        with self.transaction():
            # A pragma takes no parameters.
            self.execute(f"PRAGMA user_version = {self.number('PRAGMA user_version')}")

    def checkpoint(self) -> None:
        """Copy the write-ahead log into the file, as far as that is possible without making another connection wait.

        It replaces automatic checkpoints, which are off on every connection because one could fall into a tick. Errors
        are ignored: what was committed is safe in the log, and a later checkpoint copies it.
        """
        if not self.has_room_for_checkpoint():
            return
        # DatabaseError and not OperationalError, which a damaged page of the log does not raise.
        with contextlib.suppress(sqlite3.DatabaseError):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def has_room_for_checkpoint(self) -> bool:
        """True if the file can grow by what a checkpoint adds to it, and as much again.

        On a full disk a checkpoint would otherwise take the room that is kept for bans, and not be completed.
        """
        try:
            found = os.statvfs(self._wal.parent)
            size = self.path.stat().st_size
        except OSError:
            return True  # the checkpoint itself shows what is wrong
        free = found.f_bavail * found.f_frsize
        if free > self.wal_size() * 2:
            return True
        grows = self.number("PRAGMA page_count") * self.number("PRAGMA page_size") - size
        return grows <= free // 2

    def backup_to(
        self, target: sqlite3.Connection, *, pages: int, progress: Callable[[int, int, int], None] | None
    ) -> None:
        """Copy the database, as it is at one moment, into ``target``. ``progress`` is that of ``Connection.backup``."""
        # Without a snapshot SQLite would start over whenever another connection writes. The snapshot begins at the
        # first read, hence the query.
        with self.snapshot():
            self.number("SELECT count(*) FROM sqlite_schema")
            try:
                self._connection.backup(target, pages=pages, progress=progress, sleep=0.0)
            except sqlite3.Error as error:
                raise sqlite_errors.from_sqlite(self.path, error) from error

    @contextlib.contextmanager
    def watched(self, look: Callable[[], object], instructions: int) -> Iterator[None]:
        """In the block, ``look`` is called each time a statement has run so many of SQLite's instructions."""
        self._connection.set_progress_handler(lambda: look() is True, instructions)
        try:
            yield
        finally:
            self._connection.set_progress_handler(None, 0)

    def close(self) -> None:
        """Close the connection, after a checkpoint if it has written. Idempotent."""
        if self._wrote:
            self.checkpoint()
            self._wrote = False
        self._connection.close()


def same_name(column: str) -> str:
    """The SQL condition that a column has the name in the next parameter."""
    return f"{column} = ? COLLATE NOCASE"  # by the index of a column that is declared so
