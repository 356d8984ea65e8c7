from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.new_database import make_database

from chatroom.chat.people.session import Session
from chatroom.chat.stored.stores import Stores
from chatroom.errors import ChatroomError, NotFound, Overloaded, StorageError
from chatroom.server.job_queue import MOST_WAITING
from chatroom.server.turnstile import Turnstile
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

CAP_S = 30.0


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """An empty database."""
    path = tmp_path / "chat.db"
    make_database(path)
    return path


@pytest.fixture
def looks() -> queue.SimpleQueue[Stores]:
    """Has the stores of each look for changes of other processes."""
    return queue.SimpleQueue()


@pytest.fixture
def workers(database: Path, looks: queue.SimpleQueue[Stores]) -> Iterator[Workers]:
    """Running workers."""
    made = Workers(lambda: open_stores(database))
    made.start(looks.put)
    yield made
    made.stop(CAP_S)


def test_the_store_runs_its_jobs_in_order(workers: Workers) -> None:
    """One thread runs all jobs of the store."""
    done: queue.SimpleQueue[object] = queue.SimpleQueue()
    for number in range(200):
        workers.submit("store", lambda stores, number=number: (number, threading.get_ident()), done.put)  # type: ignore[misc]
    outcomes = [done.get(timeout=CAP_S) for _ in range(200)]
    assert [outcome[0] for outcome in outcomes if isinstance(outcome, tuple)] == list(range(200))
    assert len({outcome[1] for outcome in outcomes if isinstance(outcome, tuple)}) == 1


def test_what_a_job_raises_is_its_outcome(workers: Workers) -> None:
    """Refusals and bugs are passed to ``done``, and the worker goes on."""
    done: queue.SimpleQueue[object] = queue.SimpleQueue()

    def bug(stores: Stores) -> object:
        raise ZeroDivisionError

    workers.submit("store", lambda stores: stores.accounts.get("nobody"), done.put)
    workers.submit("store", bug, done.put)
    workers.submit("store", lambda stores: stores.accounts.list_all(), done.put)
    assert isinstance(done.get(timeout=CAP_S), NotFound)
    assert isinstance(done.get(timeout=CAP_S), ZeroDivisionError)
    assert done.get(timeout=CAP_S) == []


def test_passwords_do_not_wait_for_the_disk(workers: Workers) -> None:
    """Password jobs run while the store worker is busy."""
    held, checked = threading.Event(), threading.Event()
    workers.submit("store", lambda stores: held.wait(CAP_S), lambda outcome: None)
    workers.submit("password", lambda stores: None, lambda outcome: checked.set())
    assert checked.wait(CAP_S)
    assert not held.is_set()
    held.set()


def test_two_passwords_at_once(workers: Workers) -> None:
    """Two checks run side by side: each waits until the other has begun."""
    both = threading.Barrier(2)
    done: queue.SimpleQueue[object] = queue.SimpleQueue()
    for _ in range(2):
        workers.submit("password", lambda stores: both.wait(CAP_S), done.put)
    assert sorted(int(str(done.get(timeout=CAP_S))) for _ in range(2)) == [0, 1]


def test_the_store_worker_looks_again_and_again(workers: Workers, looks: queue.SimpleQueue[Stores]) -> None:
    """The store worker looks for changes without being asked."""
    first = looks.get(timeout=CAP_S)
    assert looks.get(timeout=CAP_S) is first


def test_stopping_finishes_what_was_submitted(database: Path) -> None:
    """Every job from before the stop is done when it returns."""
    workers = Workers(lambda: open_stores(database))
    done: list[object] = []
    workers.start()
    for number in range(100):
        workers.submit("store", lambda stores, number=number: number, done.append)  # type: ignore[misc]
    assert workers.stop(CAP_S)
    assert done == list(range(100))


def test_stopping_leaves_a_busy_worker_behind(database: Path) -> None:
    """Stop gives up on a job that takes too long, and returns False."""
    workers = Workers(lambda: open_stores(database))
    begun, free = threading.Event(), threading.Event()

    def long(stores: Stores) -> None:
        begun.set()
        free.wait(CAP_S)

    workers.start()
    workers.submit("password", long, lambda outcome: None)
    assert begun.wait(CAP_S)
    assert not workers.stop(0.0)
    free.set()
    assert workers.stop(CAP_S)


def test_a_database_that_was_away_is_opened_with_the_next_job(database: Path, tmp_path: Path) -> None:
    """If a worker cannot open the database, the job fails and the next one tries again."""
    away = tmp_path / "away.db"
    database.rename(away)
    workers = Workers(lambda: open_stores(database))
    done: queue.SimpleQueue[object] = queue.SimpleQueue()
    workers.start()
    workers.submit("password", lambda stores: "there", done.put)
    assert isinstance(done.get(timeout=CAP_S), StorageError)
    away.rename(database)
    workers.submit("password", lambda stores: "there", done.put)
    assert done.get(timeout=CAP_S) == "there"
    assert workers.stop(CAP_S)


class Death(BaseException):
    """Ends a thread, as nothing that a job raises may."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_died_goes_on(workers: Workers) -> None:
    """The session that waits for the job that killed it reads a refusal; the jobs behind it are done."""
    done: queue.SimpleQueue[object] = queue.SimpleQueue()

    def die(stores: Stores) -> object:
        raise Death

    workers.submit("store", lambda stores: 1, done.put)
    workers.submit("store", die, done.put)
    workers.submit("store", lambda stores: stores.accounts.list_all(), done.put)
    assert done.get(timeout=CAP_S) == 1
    store = workers.threads[0]
    store.join(CAP_S)
    assert not store.is_alive()
    store.start()
    assert isinstance(done.get(timeout=CAP_S), ChatroomError)
    assert done.get(timeout=CAP_S) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_keeps_no_lock(workers: Workers, database: Path) -> None:
    """Its connection is closed at once: the write lock that it had is free before it is started again."""

    def die(stores: Stores) -> object:
        assert isinstance(stores, SqliteStores)
        stores.database.execute("BEGIN IMMEDIATE")
        raise Death

    workers.submit("store", die, lambda outcome: None)
    store = workers.threads[0]
    store.join(CAP_S)
    assert not store.is_alive()
    with contextlib.closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
    store.start()


def test_a_worker_outlives_a_fault_in_telling(workers: Workers) -> None:
    """A ``done`` that fails is logged, and the next job runs."""
    done: queue.SimpleQueue[object] = queue.SimpleQueue()

    def fail(outcome: object) -> None:
        raise ZeroDivisionError

    workers.submit("history", lambda stores: 1, fail)
    workers.submit("history", lambda stores: 2, done.put)
    assert done.get(timeout=CAP_S) == 2


def test_jobs_that_nobody_waits_for_are_dropped(workers: Workers) -> None:
    """A password of a session that is gone is not checked. What the store was to write is written."""
    done: queue.SimpleQueue[object] = queue.SimpleQueue()
    session = Session(1, "10.0.0.1", 4, 1, "host", 0)
    session.closing = True
    workers.submit("password", lambda stores: "checked", done.put, session)
    assert isinstance(done.get(timeout=CAP_S), Overloaded)
    workers.submit("store", lambda stores: "written", done.put, session)
    assert done.get(timeout=CAP_S) == "written"


def test_password_workers_write_nothing_while_the_turnstile_is_closed(database: Path) -> None:
    """A renewal of credentials is left out, and waited for if it is under way; who waits for a check gets it."""
    turnstile = Turnstile()
    workers = Workers(lambda: open_stores(database), turnstile=turnstile)
    workers.start()
    done: queue.SimpleQueue[object] = queue.SimpleQueue()
    try:
        workers.submit("password", lambda stores: turnstile.close(0.0), done.put)
        assert done.get(timeout=CAP_S) is False
        assert turnstile.close(CAP_S)
        workers.submit("password", lambda stores: "written", done.put)
        assert isinstance(done.get(timeout=CAP_S), Overloaded)
        session = Session(1, "127.0.0.1", 4, 0, "host", 0)
        workers.submit("password", lambda stores: "checked", done.put, session)
        assert done.get(timeout=CAP_S) == "checked"
        turnstile.open()
        workers.submit("password", lambda stores: "written", done.put)
        assert done.get(timeout=CAP_S) == "written"
    finally:
        workers.stop(CAP_S)


def test_too_many_jobs_are_refused_at_once(workers: Workers) -> None:
    """The queue is bounded. Whoever is refused need not wait for it."""
    begun, held = threading.Event(), threading.Event()
    done: queue.SimpleQueue[object] = queue.SimpleQueue()

    def wait(stores: Stores) -> bool:
        begun.set()
        return held.wait(CAP_S)

    workers.submit("history", wait, done.put)
    assert begun.wait(CAP_S)
    for _ in range(MOST_WAITING + 2):
        workers.submit("history", wait, done.put)
    for _ in range(2):
        assert isinstance(done.get(timeout=CAP_S), Overloaded)
    held.set()
    assert sum(done.get(timeout=CAP_S) is True for _ in range(MOST_WAITING + 1)) == MOST_WAITING + 1


def test_threads_for_blocklists_begin_with_the_first_question(database: Path) -> None:
    """Most daemons ask none. The questions run beside each other."""
    workers = Workers(lambda: open_stores(database))
    workers.start()
    asking = [thread for thread in workers.threads if thread.name.startswith("dns-")]
    assert not any(thread.is_started for thread in asking)
    assert all(thread.is_alive() for thread in workers.threads if thread not in asking)
    together = threading.Barrier(len(asking), timeout=CAP_S)
    outcomes: queue.SimpleQueue[object] = queue.SimpleQueue()
    for _ in asking:
        workers.submit("dns", lambda stores: together.wait() >= 0, outcomes.put)
    assert [outcomes.get(timeout=CAP_S) for _ in asking] == [True] * len(asking)
    assert all(thread.is_alive() for thread in asking)
    assert workers.stop(CAP_S)
