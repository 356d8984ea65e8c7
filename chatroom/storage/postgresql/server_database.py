"""A connection to the server: its statements, its transactions, and how it is made anew.

All writes of the stores stand in one line, as with SQLite: a transaction begins by taking an advisory lock. So what it
has read stays true until its end, the log of changes has the order of the commits, and ids have no gaps. The journal
takes no part in that.

A connection that was lost raises ``StorageError`` for the call that finds it out, and for the rest of its transaction;
the next call connects again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import psycopg
from psycopg import errors

from chatroom.database_address import ServerAddress
from chatroom.errors import StorageError
from chatroom.storage.postgresql import postgresql_errors
from chatroom.storage.postgresql.connecting import connect
from chatroom.storage.postgresql.server_words import ServerWords
from chatroom.storage.postgresql.statements import translate
from chatroom.storage.sql.contract import Parameters, Result, Row, Sizes
from chatroom.storage.sql.timestamps import Clock, to_ms

BUSY_TIMEOUT_S = 5.0
"""How long a transaction waits for a lock before it raises ``DatabaseBusy``."""
WRITE_LOCK = 0x63686174
"""The advisory lock of a transaction that writes: ``chat`` in ASCII."""
CHANNEL = "chatroom_commits"
"""Each commit notifies this channel. A connection hears of the commits of all others there."""

_BEGIN = f"BEGIN; SELECT pg_advisory_xact_lock({WRITE_LOCK})".encode()
_LISTEN = f"LISTEN {CHANNEL}".encode()
# In one message with the COMMIT, so that it costs no time of its own.
NOTIFY = f"NOTIFY {CHANNEL}"
_COMMIT = f"{NOTIFY}; COMMIT".encode()

_Answer = TypeVar("_Answer")


class PostgresqlDatabase:
    """Implements ``chatroom.storage.sql.contract.Database``. A fault in our SQL raises psycopg's own exception."""

    __slots__ = (
        "_busy_timeout_s",
        "_clock",
        "_connection",
        "_has_news",
        "_is_background",
        "_is_closed",
        "_is_inside",
        "_is_listening",
        "_is_together",
        "_patience_s",
        "address",
        "turn",
        "writer",
    )

    def __init__(
        self,
        address: ServerAddress,
        writer: str,
        clock: Clock,
        busy_timeout_s: float,
        *,
        is_background: bool = False,
        patience_s: float | None = None,
    ) -> None:
        """``is_background``: commits tell nobody, and a power cut may take the newest.

        ``patience_s``: after how long without an answer a call fails and the connection is lost; None for never. The
        server itself ends a statement, or a transaction without one, after that time, so that it keeps nobody waiting.

        Raises ``StorageError`` if the server cannot be reached or does not let us in.
        """
        self.address = address
        self.writer = writer
        self.turn = 0
        """As ``Database`` says."""
        self._clock = clock
        self._busy_timeout_s = busy_timeout_s
        self._is_background = is_background
        self._patience_s = patience_s
        self._is_closed = False
        self._is_inside = False
        """True in a transaction or a snapshot."""
        self._is_together = False
        """True in a ``together`` block."""
        self._is_listening = False
        """True since the first call of ``changed_elsewhere``. News for a connection that never asks would pile up, here
        and on the server."""
        self._has_news = False
        """True if another connection has committed, or may have while there was no connection."""
        self._connection: psycopg.Connection | None = self._connect()

    def now_ms(self) -> int:
        """The wall clock in Unix milliseconds."""
        return to_ms(self._clock())

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Result:
        """Run one statement."""
        return self._execute(sql, parameters)

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of parameters."""
        text, listed = translate(sql).text, list(rows)
        if len(listed) < 2:  # the mode of many statements costs several answers of the server
            for row in listed:
                self._execute(sql, row)
            return

        def run(connection: psycopg.Connection) -> None:
            with connection.cursor() as cursor:
                cursor.executemany(text, listed)

        self._ask(run)

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of the result, or None."""
        return self._execute(sql, parameters).fetchone()

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of the result."""
        return self._execute(sql, parameters).fetchall()

    def number(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """The number in the first column of the first row; 0 if there is no row or it is NULL."""
        row = self.row(sql, parameters)
        return 0 if row is None or row[0] is None else int(row[0])

    def run_script(self, script: str) -> None:
        """Run the statements of a script, which have no parameters."""
        self._command(script.encode())

    @contextlib.contextmanager
    def transaction(self, *, minor: bool = False) -> Iterator[None]:
        """Take the write lock; commit at the end of the block, or roll back on any exception.

        ``minor`` changes nothing: the disk is the server's. Raises ``DatabaseBusy``, ``DiskFull``, ``StorageError``.
        """
        if self._is_together:
            with self._part():
                yield
            return
        if self._is_inside:
            raise RuntimeError("transactions do not nest")
        with self._block(_BEGIN):
            yield
            self._command(b"COMMIT" if self._is_background else _COMMIT)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Make all transactions in the block one: it is committed at the end, with one wait for the disk.

        A transaction in the block that fails is rolled back alone. Raises why nothing could be committed: then none of
        them has happened.
        """
        with self.transaction():
            self._is_together = True
            try:
                yield
            finally:
                self._is_together = False

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """In the block, all reads show the database at one moment. Other connections can write meanwhile."""
        if self._is_inside:
            yield  # what a transaction reads, only itself can change
            return
        with self._block(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            yield

    @contextlib.contextmanager
    def _block(self, begin: bytes) -> Iterator[None]:
        """A transaction, which is rolled back unless the block has committed it."""
        try:
            try:
                self._command(begin)
            except StorageError:
                if self._connection is not None:
                    raise
                self._command(begin)  # nothing is lost with the connection yet, so a new one is as good
            self._is_inside = True
            yield
        finally:
            self._is_inside = False
            self._roll_back()

    @contextlib.contextmanager
    def _part(self) -> Iterator[None]:
        self._command(b"SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self._connection is not None:
                self._command(b"ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            raise
        self._command(b"RELEASE SAVEPOINT part")

    def _roll_back(self) -> None:
        connection = self._connection
        if connection is None or connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return
        try:
            connection.execute(b"ROLLBACK")
        except psycopg.Error:
            self._drop()

    def make_durable(self) -> None:
        """Nothing is left to do: a commit returns when the server's disk has it."""

    def changed_elsewhere(self) -> bool:
        """True if another connection has committed since the last call, or since this one was opened."""
        if self._is_listening:
            self._command(b"SELECT 1")  # the server tells of commits before it answers a query
        else:
            self._is_listening = self._has_news = True
            self._command(_LISTEN)
        found, self._has_news = self._has_news, False
        return found

    def next_ids(self, table: str, count: int) -> int:
        """The first of ``count`` ids that no row of the table ever had. Only in a transaction that uses them."""
        last = self.number(
            "INSERT INTO given_ids (name, highest) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET highest = given_ids.highest + excluded.highest RETURNING highest",
            (table, count),
        )
        return last - count + 1

    def given_ids(self) -> dict[str, int]:
        """The highest id that was ever given to a row, by table. A table that never had a row may be missing."""
        return dict(self.rows("SELECT name, highest FROM given_ids"))

    def raise_ids(self, table: str, at_least: int) -> None:
        """Have no id given out again that is at or below ``at_least``. Only in a transaction."""
        self.execute(
            "INSERT INTO given_ids (name, highest) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
            " SET highest = greatest(given_ids.highest, excluded.highest)",
            (table, at_least),
        )

    def same_name(self, column: str) -> str:
        """The SQL condition that a column has the name in the next parameter, which is casefolded."""
        return same_name(column)

    def numbers_of(self, mark: str) -> str:
        """A query for the numbers of a JSON array in the parameter ``mark``; its one column is ``value``."""
        return f"SELECT CAST(value AS BIGINT) AS value FROM ({self.texts_of(mark)}) AS listed"

    def texts_of(self, mark: str) -> str:
        """A query for the texts of a JSON array in the parameter ``mark``; its one column is ``value``."""
        return f"SELECT value FROM json_array_elements_text(CAST({mark} AS json)) AS each (value)"

    def sizes(self) -> Sizes:
        """What the database takes on the server, with the rows that are not in use any more."""
        return Sizes(self.number("SELECT pg_database_size(current_database())"), 0, 0)

    def words(self) -> ServerWords:
        """The full-text index of the history."""
        return ServerWords(self)

    def is_misfit(self, error: Exception) -> bool:
        """True if the server refused a row because it breaks a rule of its table."""
        return isinstance(error, errors.IntegrityError)

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._is_closed = True
        self._drop()

    def _execute(self, sql: str, parameters: Parameters) -> psycopg.Cursor[Row]:
        statement = translate(sql)
        return self._ask(lambda connection: connection.execute(statement.text, statement.arrange(parameters)))

    def _command(self, text: bytes) -> None:
        """Run statements without parameters, several at a time if there are semicolons between them."""
        self._ask(lambda connection: connection.execute(text))

    def _ask(self, question: Callable[[psycopg.Connection], _Answer]) -> _Answer:
        """Do something with the connection, which is made anew first if it was lost."""
        if self._connection is None:
            if self._is_closed:
                raise RuntimeError("the connection is closed")
            if self._is_inside:
                raise postgresql_errors.lost(self.address)
            self._connection = self._connect()
            self._has_news = True
        try:
            return question(self._connection)
        except postgresql_errors.ERRORS as error:
            if self._connection.closed or postgresql_errors.is_of_the_session(error):
                self._drop()
            raise postgresql_errors.from_postgresql(self.address, error) from error

    def _connect(self) -> psycopg.Connection:
        connection = connect(self.address, patience_s=self._patience_s)
        try:
            # Waiting for the write lock ends by itself.
            settings = [f"SET lock_timeout = {round(self._busy_timeout_s * 1000)}"]
            if self._is_background:
                settings.append("SET synchronous_commit = off")
            if self._patience_s is not None:
                limit_ms = round(self._patience_s * 1000)
                settings.append(f"SET statement_timeout = {limit_ms}")
                settings.append(f"SET idle_in_transaction_session_timeout = {limit_ms}")
            connection.execute("; ".join(settings).encode())
            own_pid = connection.info.backend_pid
            connection.add_notify_handler(lambda notify: self._hear(notify.pid == own_pid))
            if self._is_listening:
                connection.execute(_LISTEN)
        except psycopg.Error as error:
            connection.close()
            raise postgresql_errors.from_postgresql(self.address, error) from error
        return connection

    def _hear(self, is_own: bool) -> None:
        self._has_news = self._has_news or not is_own

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()


def same_name(column: str) -> str:
    """The SQL condition that a column has the name in the next parameter, which is casefolded."""
    return f"lower({column}) = ?"  # by an index on that expression
