"""What the stores need of a database. The engines, ``chatroom.storage.sqlite`` and ``.postgresql``, implement it.

The SQL of the stores is read by all engines, so it keeps to what they have in common:

* A parameter is ``?``. ``?1`` and ``:name`` are for one that stands in several places.
* A truth value is stored as the number 0 or 1 and compared as a number: ``disabled = 0``, not ``NOT disabled``.
* A new row's id comes from ``RETURNING id``; ids that are chosen come from ``next_ids``.
* An upsert is ``ON CONFLICT (column) DO UPDATE``, with the table's name before each column of the old row.
* ``lower`` changes ASCII letters only, as names are compared; ``same_name`` compares a column that way.
* Text is sorted by its code points. NULL has no order: a column that may be NULL is not sorted by as it is.
* ``coalesce`` and ``CASE``, and not ``ifnull``, ``max(a, b)``, ``GLOB``, ``IS ?``, ``LIMIT -1`` or ``instr``.
* The type of a parameter is clear from its place. If it stands alone, it is cast: ``CAST(? AS BIGINT)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from chatroom.storage.sql.word_index import WordIndex

Row = tuple[Any, ...]
Parameters = Sequence[object] | Mapping[str, object]
NO_LIMIT = 2**63 - 1
"""A ``LIMIT`` that is none."""


class Result(Protocol):
    """What a statement has answered."""

    @property
    def description(self) -> Any:
        """For each column, a sequence that begins with its name. Only of a query."""
        ...

    @property
    def rowcount(self) -> int:
        """The rows that were added, changed or deleted."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...


class Sizes(NamedTuple):
    """What a database takes, in bytes."""

    used: int
    free: int
    """What the next entries will use."""
    log: int
    """What is committed and not in its place yet."""


class Database(Protocol):
    """A connection, for the thread that opened it. Raises the errors of ``chatroom.errors``.

    A fault in our SQL raises the engine's own exception.
    """

    writer: str
    """Stored with each logged change: ``cli``, or one word for all connections of a daemon."""
    turn: int
    """The turn of a cluster whose changes are written; 0 for those that no turn has made."""

    def now_ms(self) -> int:
        """The wall clock in Unix milliseconds."""
        ...

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Result:
        """Run one statement."""
        ...

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of parameters."""
        ...

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of the result, or None."""
        ...

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of the result."""
        ...

    def number(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """The number in the first column of the first row; 0 if there is no row or it is NULL."""
        ...

    def transaction(self, *, minor: bool = False) -> AbstractContextManager[None]:
        """Take the write lock; commit at the end of the block, or roll back on any exception.

        One transaction at a time has it, of all connections to the database: what it reads stays true until its end.
        When this returns, the writes survive a power cut, except in a ``together`` block. Transactions do not nest.
        ``minor``: on a full disk the write is refused rather than given the room that is kept for bans and accounts.
        Raises ``DatabaseBusy`` if another connection keeps the lock for too long.
        """
        ...

    def together(self) -> AbstractContextManager[None]:
        """Make all transactions in the block one. One that fails is rolled back alone."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """In the block, all reads show the database at one moment. Other connections can write meanwhile."""
        ...

    def make_durable(self) -> None:
        """Wait until the disk has what was committed on any connection. Not in a transaction of one's own."""
        ...

    def changed_elsewhere(self) -> bool:
        """True if another connection has committed since the last call, or since this one was opened.

        The first call may return True without one.
        """
        ...

    def next_ids(self, table: str, count: int) -> int:
        """The first of ``count`` ids in a row that no row of the table ever had. Only in a transaction that uses them.

        For rows that are added with their ids. Without one, a row gets the next id by itself.
        """
        ...

    def given_ids(self) -> dict[str, int]:
        """The highest id that was ever given to a row, by table. A table that never had a row may be missing."""
        ...

    def raise_ids(self, table: str, at_least: int) -> None:
        """Have no id given out again that is at or below ``at_least``. Only in a transaction."""
        ...

    def same_name(self, column: str) -> str:
        """The SQL condition that a column has the name in the next parameter, which is casefolded."""
        ...

    def numbers_of(self, mark: str) -> str:
        """A query for the numbers of a JSON array in the parameter ``mark``; its one column is ``value``."""
        ...

    def texts_of(self, mark: str) -> str:
        """A query for the texts of a JSON array in the parameter ``mark``; its one column is ``value``."""
        ...

    def sizes(self) -> Sizes:
        """What the database takes."""
        ...

    def words(self) -> WordIndex:
        """The full-text index of the history."""
        ...

    def is_misfit(self, error: Exception) -> bool:
        """True if the database refused a row because it breaks a rule of its table."""
        ...

    def close(self) -> None:
        """Close the connection. Idempotent."""
        ...
