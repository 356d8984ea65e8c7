"""One connection to the database file: how it is opened, its transactions, its checkpoints.

Settings that are a connection's own are made on every one of them; those that are the file's are made once, when it is
created, in the order that SQLite wants them: ``auto_vacuum`` before WAL and before the first table.

A connection belongs to the thread that opened it. Nothing in a process that has a connection may open and close the
database file in any other way: closing any descriptor of it drops SQLite's own locks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chatroom.errors import DatabaseBusy, DatabaseMissing, StorageError
from chatroom.storage import file_errors
from chatroom.storage.sqlite import sqlite_errors
from chatroom.storage.sqlite.timestamps import Clock, to_ms, utc_now

MINIMUM_SQLITE = (3, 37, 0)
"""STRICT tables came with it."""
APPLICATION_ID = 0x63686174
"""``chat``, in the file's header: tells our databases from all others."""
BUSY_TIMEOUT_S = 5.0
"""How long a transaction waits for another one to end."""
WAL_LIMIT = 4 * 1024 * 1024
"""Bytes of write-ahead log that are all right; the file is cut down to them when it begins anew."""
_PAUSE_S = (0.0005, 0.003)
"""Between two tries for the write lock: at random, so that nobody keeps step with the writer who has it."""

Row = tuple[Any, ...]


class Database:
    """A connection whose errors are those of ``chatroom.errors``. Belongs to the thread that made it.

    ``writer`` marks the ``changes`` rows written here: ``cli``, or one word for all connections of a daemon.
    """

    __slots__ = ("_busy_timeout_s", "_clock", "_connection", "_wal", "_wrote", "log_limit", "path", "writer")

    def __init__(
        self, path: Path, connection: sqlite3.Connection, writer: str, clock: Clock, busy_timeout_s: float
    ) -> None:
        self.path = path
        self.writer = writer
        self.log_limit = WAL_LIMIT
        """Bytes of write-ahead log above which a commit here is followed by a checkpoint."""
        self._connection = connection
        self._clock = clock
        self._busy_timeout_s = busy_timeout_s
        # SQLite keeps the log beside the file itself, not beside a link to it.
        self._wal = Path(f"{os.path.realpath(path)}-wal")
        self._wrote = False

    def now_ms(self) -> int:
        """The wall clock in Unix milliseconds."""
        return to_ms(self._clock())

    @property
    def total_changes(self) -> int:
        """How many rows this connection has added, altered and deleted since it was opened."""
        return self._connection.total_changes

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        try:
            return self._connection.execute(sql, parameters)
        except sqlite_errors.ERRORS as error:
            raise sqlite_errors.from_sqlite(self.path, error) from error

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each of the rows."""
        try:
            self._connection.executemany(sql, rows)
        except sqlite_errors.ERRORS as error:
            raise sqlite_errors.from_sqlite(self.path, error) from error

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of the answer, or None."""
        try:
            row: Row | None = self._connection.execute(sql, parameters).fetchone()
        except sqlite_errors.ERRORS as error:
            raise sqlite_errors.from_sqlite(self.path, error) from error
        return row

    def rows(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        """All rows of the answer."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite_errors.ERRORS as error:
            raise sqlite_errors.from_sqlite(self.path, error) from error

    def number(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """The single number that the statement answers with, 0 where it has none."""
        row = self.row(sql, parameters)
        return 0 if row is None or row[0] is None else int(row[0])

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Take the write lock, and commit at the end or roll back on any exception. Raises ``DatabaseBusy``.

        Transactions do not nest: a store's method is a whole transaction.
        """
        if self._connection.in_transaction:
            raise RuntimeError("transactions do not nest")
        self._begin()
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self._wrote = True
        if self.wal_size() > self.log_limit:
            self.checkpoint()

    def _begin(self) -> None:
        """Take the write lock, asking often: SQLite itself asks ten times a second, and misses the gaps that a busy
        writer leaves between its transactions.
        """
        give_up_at = time.monotonic() + self._busy_timeout_s
        with self.without_waiting():
            while True:
                try:
                    # Not a plain BEGIN: one that writes later fails at once when somebody else wrote in between.
                    self._connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.Error as error:
                    fault = sqlite_errors.from_sqlite(self.path, error)
                    if not isinstance(fault, DatabaseBusy) or time.monotonic() >= give_up_at:
                        raise fault from error
                time.sleep(random.uniform(*_PAUSE_S))

    @contextlib.contextmanager
    def without_waiting(self) -> Iterator[None]:
        """Inside the block, SQLite does not wait for a lock of another connection but raises ``DatabaseBusy``."""
        self._connection.execute("PRAGMA busy_timeout=0")
        try:
            yield
        finally:
            self._connection.execute(f"PRAGMA busy_timeout={round(self._busy_timeout_s * 1000)}")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside is of one moment; writers are not held up."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        # SQLite has done it by itself after some errors, a full disk among them.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def wal_size(self) -> int:
        """Bytes in the write-ahead log."""
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    def checkpoint(self) -> None:
        """Bring what the write-ahead log holds into the file, as far as nobody has to wait for it.

        Every connection has automatic checkpoints off, so that none falls into a tick of the daemon; this is what keeps
        the log small instead. A failure is not told: what was committed is safe in the log.
        """
        with contextlib.suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def backup_to(
        self, target: sqlite3.Connection, *, pages: int, progress: Callable[[int, int, int], None] | None
    ) -> None:
        """Copy all of the database into ``target``, as of one moment; ``progress`` as for ``Connection.backup``."""
        # With the snapshot open SQLite does not start over each time somebody else writes.
        with self.snapshot():
            self.number("SELECT count(*) FROM sqlite_schema")
            try:
                self._connection.backup(target, pages=pages, progress=progress, sleep=0.0)
            except sqlite3.Error as error:
                raise sqlite_errors.from_sqlite(self.path, error) from error

    def close(self) -> None:
        """Close the connection. Idempotent."""
        if self._wrote:
            self.checkpoint()
            self._wrote = False
        self._connection.close()


def require_sqlite() -> None:
    """Raise ``StorageError`` where Python's SQLite is too old for our tables."""
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        wanted = ".".join(str(part) for part in MINIMUM_SQLITE)
        raise StorageError(f"SQLite {wanted} or newer is needed, and this Python has {sqlite3.sqlite_version}")


def open_database(
    path: Path,
    *,
    create: bool = False,
    writer: str = "cli",
    clock: Clock = utc_now,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Database:
    """Connect to the file at ``path``, whatever it holds; with ``create``, make it (0600) and its directories (0700).

    Raises ``DatabaseMissing``, and ``StorageError`` with one line that names the path where it is not to be used.
    """
    require_sqlite()
    if create:
        _make_file(path)
    _require_usable(path)
    # mode=rw: never let SQLite make a file, it would get the umask's permissions.
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=busy_timeout_s)
    except sqlite3.Error as error:
        raise sqlite_errors.from_sqlite(path, error) from error
    database = Database(path, connection, writer, clock, busy_timeout_s)
    try:
        for pragma in (
            "foreign_keys=ON",  # off by default
            "secure_delete=ON",  # deleted text is overwritten with zeros, so a redaction is one
            "trusted_schema=OFF",  # no SQL function runs because a manipulated file's schema says so
            "temp_store=MEMORY",  # a search copies messages to a temporary table: they must not reach another file
            "synchronous=FULL",
            "wal_autocheckpoint=0",  # see ``checkpoint``
            f"journal_size_limit={WAL_LIMIT}",  # otherwise the log's file keeps the largest size it ever had
        ):
            database.execute(f"PRAGMA {pragma}").fetchall()
        # The first statement that reads: here a file that is not a database is found out.
        database.number("SELECT count(*) FROM sqlite_schema")
    except BaseException:
        connection.close()
        raise
    return database


def enter_wal(database: Database) -> None:
    """Put the file into WAL mode, if it is not: a restored copy may have left it. Only for files that are ours."""
    mode = database.row("PRAGMA journal_mode=WAL")
    if mode != ("wal",):
        raise StorageError(f"{database.path}: this file system does not carry a database in WAL mode")


def prepare_empty(database: Database) -> None:
    """What has to be set before the first table, and cannot be set later."""
    database.execute("PRAGMA auto_vacuum=INCREMENTAL").fetchall()
    enter_wal(database)


def _make_file(path: Path) -> None:
    try:
        for directory in reversed(path.absolute().parents):
            if not directory.is_dir():
                if directory.exists():
                    raise StorageError(f"{path}: cannot create the database: {directory} is not a directory")
                directory.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        if error.errno == errno.EEXIST and path.exists():
            return
        raise file_errors.from_os(path, "create the database", error) from error


def _require_usable(path: Path) -> None:
    """SQLite says "unable to open database file" for all of these; say which it is."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise DatabaseMissing(
            f"{path}: there is no database; chatroomctl serve, user create or db migrate makes one"
        ) from None
    except OSError as error:
        raise file_errors.from_os(path, "open the database", error) from error
    if not path.is_file():
        raise StorageError(f"{path}: not a file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise StorageError(f"{path}: cannot write to the database: {os.strerror(errno.EACCES)}")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise StorageError(f"{path}: cannot write to its directory, and SQLite keeps its log there")
