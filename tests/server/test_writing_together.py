"""Many small writes are one transaction of the store worker: one wait for the disk."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from harness.new_database import make_database

from chatroom.chat.stored.records import Actor
from chatroom.chat.stored.stores import Stores
from chatroom.chat.work_queue import Order
from chatroom.errors import DatabaseBusy, NotFound, StorageError
from chatroom.server.workers import MOST_TOGETHER, MOST_WRITES, Workers
from chatroom.storage.sqlite.database import SqliteDatabase
from chatroom.storage.sqlite.sqlite_stores import open_stores

CAP_S = 30.0
SHELL = Actor("root", "cli")


class Held:
    """A store worker whose first job waits until the others are submitted, and what the jobs came to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.workers = Workers(lambda: open_stores(path))
        self.workers.start()
        self.done: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.open = threading.Event()
        begun = threading.Event()

        def hold(stores: Stores) -> object:
            begun.set()
            return self.open.wait(CAP_S)

        self.workers.submit("store", hold, lambda outcome: None)
        assert begun.wait(CAP_S)

    def audit(self, word: str, order: Order = Order.TOGETHER) -> None:
        """Have an audit row written."""
        job = partial(add_row, word)
        self.workers.submit("store", job, lambda outcome: self.done.put(outcome or word), None, order)

    def outcomes(self, count: int) -> list[object]:
        """Let the worker go on, and return what that many jobs came to, in the order in which it was told."""
        self.open.set()
        return [self.done.get(timeout=CAP_S) for _ in range(count)]

    def rows(self) -> list[str]:
        """Return the words of the audit rows, in order."""
        with open_stores(self.path) as stores:
            return [entry.target for entry in stores.audit.list_entries()]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    """A held worker on an empty database."""
    path = tmp_path / "chat.db"
    make_database(path)
    made = Held(path)
    yield made
    made.open.set()
    made.workers.stop(CAP_S)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commits of all connections."""
    found: list[str] = []
    execute = SqliteDatabase.execute

    def count(database: SqliteDatabase, sql: str, parameters: object = ()) -> object:
        if sql == "COMMIT":
            found.append(sql)
        return execute(database, sql, parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(SqliteDatabase, "execute", count)
    return found


def add_row(word: str, stores: Stores) -> None:
    """Write an audit row; ``bad`` is refused, after it was written."""
    stores.audit.add(SHELL, "test", word, "")
    if word == "bad":
        stores.accounts.delete(0, SHELL)


def test_many_writes_are_one_commit_in_order(held: Held, commits: list[str]) -> None:
    """They are told when they are on the disk, in the order in which they were submitted."""
    words = [f"word{number}" for number in range(MOST_TOGETHER)]
    for word in words:
        held.audit(word)
    assert held.outcomes(len(words)) == words
    assert held.rows() == words
    assert len(commits) < len(words) / 4


def test_a_write_that_fails_is_undone_alone(held: Held) -> None:
    """Its neighbours in the transaction are kept."""
    for word in ("one", "bad", "two"):
        held.audit(word)
    first, second, third = held.outcomes(3)
    assert (first, third) == ("one", "two")
    assert isinstance(second, NotFound)
    assert held.rows() == ["one", "bad", "two"]  # the row of "bad" is a write of its own, which was good


def test_an_urgent_write_overtakes_and_ends_what_is_done_together(held: Held) -> None:
    """A ban waits for at most one transaction of others."""
    for number in range(10):
        held.audit(f"word{number}")
    held.audit("ban", Order.URGENT)
    assert held.outcomes(11)[0] == "ban"


def test_a_transaction_that_cannot_be_committed_is_done_one_by_one(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit on the disk must not take its neighbours with it. Nothing is written twice."""
    # Each of the three asks once whether there is a transaction, and then the block that they are in.
    monkeypatch.setattr(SqliteDatabase, "_require_transaction", _refuse_once(4))
    for word in ("one", "two", "three"):
        held.audit(word)
    assert held.outcomes(3) == ["one", "two", "three"]
    assert held.rows() == ["one", "two", "three"]


def _refuse_once(at_call: int) -> Callable[[SqliteDatabase], None]:
    calls: list[int] = []

    def refuse(database: SqliteDatabase) -> None:
        calls.append(1)
        if len(calls) == at_call:
            raise StorageError("the disk is full")

    return refuse


def test_a_taken_lock_refuses_all_of_them_at_once(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alone would wait as long again."""

    def refuse(database: SqliteDatabase) -> None:
        raise DatabaseBusy("locked")

    monkeypatch.setattr(SqliteDatabase, "_begin", refuse)
    held.audit("one")
    held.audit("two")
    assert [type(outcome) for outcome in held.outcomes(2)] == [DatabaseBusy, DatabaseBusy]


def test_the_worker_says_when_it_has_too_much_to_write(held: Held) -> None:
    """Then verbs that add to it wait."""
    for number in range(MOST_WRITES + 1):
        assert not held.workers.is_full
        held.audit(f"word{number}")
    was_full = held.workers.is_full
    assert len(held.outcomes(MOST_WRITES + 1)) == MOST_WRITES + 1
    assert (was_full, held.workers.is_full) == (True, False)
