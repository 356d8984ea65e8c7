from __future__ import annotations

import queue
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from harness.journal import FakeJournal
from harness.runtime import make_world

from chatroom.chat.delivery.ledger import Ledger
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import AccountEntry, Role
from chatroom.chat.work_queue import Job, Order, Queue
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.config import Settings
from chatroom.config.chatting import History, Limits
from chatroom.server import hub as hub_module
from chatroom.server.clocks import read_clocks
from chatroom.server.entrance import Entrance
from chatroom.server.hub import Hub
from chatroom.server.io_thread import IoThread
from chatroom.server.job_queue import Done
from chatroom.server.operator_screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores


class HeldWorkers(Workers):
    """Workers whose jobs are done when the test says so."""

    def __init__(self) -> None:
        super().__init__(lambda: open_stores(Path("/nowhere")))
        self.held: list[tuple[Queue, Job, Done]] = []
        self.orders: list[Order] = []

    def submit(
        self, name: Queue, job: Job, done: Done, session: Session | None = None, order: Order = Order.PLAIN
    ) -> None:
        """Add the job to ``held``."""
        self.held.append((name, job, done))
        self.orders.append(order)


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with two running I/O threads."""
    world = make_world(Settings(limits=Limits(enabled=False)), read_clocks()[0])
    world.accounts.put(AccountEntry(1, "ada", Role.ADMIN, False))
    hub = Hub(world, HeldWorkers(), Screen())
    threads = [IoThread(index, hub, lambda session: None) for index in range(2)]
    hub.threads = threads
    for thread in threads:
        thread.start()
    yield hub
    for thread in threads:
        thread.stop(0.0)
        thread.join()


def test_tasks_of_the_store_worker_keep_their_order(hub: Hub) -> None:
    """The world takes in changes in the order in which they were stored, also if they wake different threads."""
    seen: list[int] = []
    with hub.lock:
        for thread in (0, 1, 1, 0):
            hub.post_outcome(thread, partial(seen.append, thread))
        hub.begin()
        hub.end()
    assert seen == [0, 1, 1, 0]


def test_a_tick_takes_as_many_outcomes_as_it_has_time_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one. A thread is woken for the rest, which keep their order."""
    monkeypatch.setattr(hub_module, "TASKS_S", 0.0)
    seen: queue.SimpleQueue[int] = queue.SimpleQueue()
    with hub.lock:
        for number in range(4):
            hub._outcomes.append(partial(seen.put, number))  # without waking a thread
        hub.begin()
        hub.end()
        assert seen.qsize() == 1
    assert [seen.get(timeout=30) for _ in range(4)] == [0, 1, 2, 3]


def test_what_is_put_off_runs_in_later_ticks(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else wakes a thread for it."""
    monkeypatch.setattr(hub_module, "TASKS_S", 0.0)
    seen: queue.SimpleQueue[int] = queue.SimpleQueue()
    with hub.lock:
        hub.begin()
        for number in range(4):
            hub.world.work.put_off.append(partial(seen.put, number))
        hub.end()
        assert seen.empty()
    assert [seen.get(timeout=30) for _ in range(4)] == [0, 1, 2, 3]


def test_a_session_goes_on_in_its_own_thread_after_a_task_in_another(hub: Hub) -> None:
    """Lines behind a stored change run in their connection's thread, whichever thread takes the change in."""
    workers = hub.workers
    assert isinstance(workers, HeldWorkers)
    near, far = socket.socketpair()
    near.setblocking(False)
    far.settimeout(30)
    owner = hub.threads[1]
    assert isinstance(owner, IoThread)
    owner.adopt([(near, Session(1, "10.0.0.1", 4, 0x0A000001, "host", 0), Entrance(near))])
    with far, far.makefile("rb") as lines:
        far.sendall(b"NICK ada1\r\nUSER u 0 * :U\r\nPING here\r\n")
        assert any(line.endswith(b":here\r\n") for line in lines)
        with hub.lock:
            user = hub.world.find_user("ada1")
            assert user is not None
            hub.world.set_account(user, hub.world.accounts.find("ada"))
        far.sendall(b"TOPIC #lobby :new\r\nPING behind\r\nPING last\r\n")
        while not any(name == "store" for name, _, _ in workers.held):
            with hub.lock:
                pass
        with hub.lock:
            for _, _, done in workers.held:
                done(None)
            hub.begin()
            hub.end()
        hub.wake_writers(0)
        told = [lines.readline().split()[1] for _ in range(3)]
    assert told == [b"TOPIC", b"PONG", b"PONG"]


def test_a_write_that_finds_nothing_to_do_is_done_alone(hub: Hub) -> None:
    """Others are done together: then the first of them takes the write lock for all."""
    assert isinstance(hub.workers, HeldWorkers)
    with hub.lock:
        hub.begin()
        hub.world.work.write(lambda stores: None)
        hub.world.work.write(lambda stores: None, alone=True)
        hub.end()
    assert hub.workers.orders == [Order.TOGETHER, Order.PLAIN]


def test_a_tick_submits_its_work_in_order_and_once(hub: Hub) -> None:
    """Writes go first, questions last. The answer comes in a later tick; a failed write is only logged."""
    workers = hub.workers
    assert isinstance(workers, HeldWorkers)
    jobs: dict[str, Job] = {name: partial(_answer, name) for name in ("question", "write", "check")}
    answers: queue.SimpleQueue[object] = queue.SimpleQueue()
    with hub.lock:
        hub.begin()
        work = hub.world.work
        work.ask("history", jobs["question"], answers.put)
        work.write(jobs["write"])
        work.check(jobs["check"])
        assert workers.held == []
        hub.end()
        hub.begin()
        hub.end()
    assert [(name, job) for name, job, _ in workers.held] == [
        ("store", jobs["write"]),
        ("password", jobs["check"]),
        ("history", jobs["question"]),
    ]
    workers.held[0][2](None)
    workers.held[2][2]("found")
    assert answers.get(timeout=30) == "found"


def test_a_job_that_reads_this_tick_is_submitted_after_the_commit(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """CHATHISTORY finds what the lines before it have said. A job that does not ask for it is submitted at once."""
    workers, journal = hub.workers, FakeJournal()
    assert isinstance(workers, HeldWorkers)
    held_at_commit: list[int] = []
    monkeypatch.setattr(journal, "rollback", lambda: held_at_commit.append(len(workers.held)))
    session = Session(1, "10.0.0.1", 4, 0x0A000001, "host", 0)
    with hub.lock:
        hub.world.ledger = Ledger(journal, History())
        hub.begin()
        hub.world.add_user(User("una", "u", "U", "host", session, 0, 0))
        assert hub.world.ledger.ready()
        hub.run_line(session, "CHATHISTORY LATEST una * 10")
        pending = Pending("history", partial(_answer, "x"), lambda context, found: None)
        hub._submit(session, Context(hub.world, session, "X"), pending)
        hub.end()
        hub.begin()
        hub.end()
    assert held_at_commit == [1] and len(workers.held) == 2


def _answer(name: str, stores: object) -> str:
    return name


def test_a_log_line_is_taken_by_one_thread_only() -> None:
    """The list that one thread has taken does not grow when another thread's tick logs a line."""
    world = make_world(Settings())
    hub = Hub(world, HeldWorkers(), Screen())
    first = hub.take_log()
    world.log_line("joined: alice")
    second = hub.take_log()
    assert (first, second, hub.take_log()) == ([], ["joined: alice"], [])


def test_a_tick_needs_the_hub_lock() -> None:
    """Beginning or ending a tick, or running a task, without the lock is an assertion error."""
    hub = Hub(make_world(Settings()), HeldWorkers(), Screen())
    for step in (hub.begin, hub.end, lambda: hub.run_task(hub.begin)):
        with pytest.raises(AssertionError, match="hub lock"):
            step()
