"""A hub without sockets whose clock and commits the test controls. It commits in the tick, or has a gate."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.invariants import check_invariants, check_lines
from harness.journal import FakeJournal
from harness.runtime import FakeRuntime
from harness.world import make_settings

from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.delivery.batches import Batch, Settled, write_batches
from chatroom.chat.delivery.gated_ledger import GatedLedger
from chatroom.chat.delivery.ledger import Ledger
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import AccountEntry, Role
from chatroom.chat.work_queue import Job, Order, Queue
from chatroom.chat.world import World
from chatroom.errors import ChatroomError, StorageError
from chatroom.server.gated_hub import GatedHub
from chatroom.server.hub import Hub
from chatroom.server.inbox import Task
from chatroom.server.job_queue import Done
from chatroom.server.operator_screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores

START_MS = 1_900_000_000_000
STEP_MS = 100


class FakeCommitter:
    """Implements ``Committer``: the test says when a batch is settled, and how."""

    def __init__(self, journal: FakeJournal) -> None:
        self.journal = journal
        self.given: deque[Batch] = deque()
        self.settled: list[Settled] = []
        self.is_busy = False
        self.is_behind = False

    @property
    def is_idle(self) -> bool:
        return not (self.given or self.settled)

    def give(self, batch: Batch) -> None:
        self.given.append(batch)

    def take_settled(self) -> list[Settled]:
        settled, self.settled = self.settled, []
        return settled

    def settle(self, failure: str = "", *, is_busy: bool = False) -> None:
        """Settle the next batch: it is stored, or there is a failure."""
        batch = self.given.popleft()
        if not failure:
            try:
                write_batches(self.journal, [batch])
                self.journal.commit()
            except StorageError as error:
                failure = str(error)
        self.settled.append(Settled(batch.number, failure, is_busy))


class StagedThread:
    """Implements ``TickThread``. Its tasks run in the next tick, its timers when a tick is as late."""

    def __init__(self) -> None:
        self.pending: list[tuple[Session, bytes | None]] = []
        self.tasks: deque[Task] = deque()
        self.ident = threading.get_ident()

    def post(self, task: Task) -> None:
        self.tasks.append(task)

    def wake(self) -> None:
        pass

    def call_later(self, delay_s: float, task: Task) -> None:
        self.tasks.append(task)

    def answer_later(self, connection: Any, go_on: Callable[[bool], None]) -> None:
        self.tasks.append(lambda: go_on(False))

    def wake_connection(self, connection: Any) -> None:
        self.tasks.append(connection.run_parked)


class StagedWorkers(Workers):
    """Workers whose jobs are done when the test says so."""

    def __init__(self) -> None:
        super().__init__(lambda: open_stores(Path("/nowhere")))
        self.held: deque[tuple[Queue, Job, Done]] = deque()

    def submit(
        self, name: Queue, job: Job, done: Done, session: Session | None = None, order: Order = Order.PLAIN
    ) -> None:
        self.held.append((name, job, done))


class StagedConnection:
    """What was sent to a session, and the lines of it that wait."""

    def __init__(self, hub: Hub, session: Session) -> None:
        self.hub = hub
        self.session = session
        self.got = b""
        self.closed = 0
        """How often the connection was closed."""
        self.dropped = ""
        self.parked: deque[str] = deque()

    @property
    def is_lost(self) -> bool:
        return bool(self.dropped)

    def drop(self, why: str) -> None:
        self.dropped = why

    def run_parked(self) -> None:
        while self.parked and not self.session.waiting and not self.session.closing:
            self.hub.run_line(self.session, self.parked.popleft())


class HubStage:
    """A hub with sessions of guests and accounts. ``gated`` says which of the two hubs it is."""

    def __init__(self, *, gated: bool, threads: int = 1, sendq_bytes: int = 1_000_000, joins: bool = False) -> None:
        settings = make_settings(
            channels={"autojoin": ()}, limits={"sendq_bytes": sendq_bytes}, history={"joins": joins}
        )
        self.journal = FakeJournal()
        self.committer = FakeCommitter(self.journal)
        self.mono_ms = 1_000
        history = settings.history
        ledger = GatedLedger(self.journal, self.committer, history) if gated else Ledger(self.journal, history)
        self.world = World(settings, FakeRuntime(settings), Cloak(b"key"), START_MS, self.mono_ms, None, ledger)
        self.workers = StagedWorkers()
        self.hub = (GatedHub if gated else Hub)(self.world, self.workers, Screen())
        self.threads = [StagedThread() for _ in range(threads)]
        self.hub.threads = self.threads
        self.connections: list[StagedConnection] = []
        self.log: list[str] = []

    def find_leaks(self) -> list[bytes]:
        """Return the lines that were read though they are not stored. Each message's text must end in its own way."""
        read = b"".join([connection.got for connection in self.connections]).splitlines()
        waiting = [(batch.message_ids, entry) for batch in self.committer.given for entry in batch.entries]
        said = [(f" {entry[7]} :".encode(), entry[8][-9:].encode()) for ids, entry in waiting if entry[0] in ids]
        return [line for line in read for target, end in said if target in line and line.endswith(end)]

    def come(self, nick: str, capabilities: int = 0, account: str = "") -> StagedConnection:
        """Add a user."""
        number = len(self.connections) + 1
        session = Session(number, "10.0.0.1", 4, 1, "h.x", START_MS)
        session.registration = None
        session.thread = number % len(self.threads)
        session.set_capabilities(capabilities)
        session.connection = connection = StagedConnection(self.hub, session)
        self.connections.append(connection)
        self.world.sessions[number] = session
        user = User(nick, "u", "U", "h.x", session, START_MS, self.mono_ms)
        self.world.add_user(user)
        if account:
            self.world.accounts.put(AccountEntry(number, account, Role.USER, False))
            self.world.set_account(user, self.world.accounts.find(account))
        return connection

    def tick(self, *lines: tuple[StagedConnection, str], passes: bool = True) -> None:
        """Run lines in a tick, with the tasks that wait, and write. ``passes``: time goes on before it."""
        if passes:
            self.mono_ms += STEP_MS
        hub = self.hub
        with hub.lock:
            self._begin()
            for connection, line in lines:
                connection.parked.append(line)
                connection.run_parked()
            hub.end()
            self.log += hub.take_log()
            for thread in self.threads:
                pending, thread.pending = thread.pending, []
                self._write(pending)
            check_invariants(self.world)

    def _begin(self) -> None:
        hub, world = self.hub, self.world
        world.begin_tick(START_MS + self.mono_ms, self.mono_ms)
        hub._run_some(hub._outcomes)
        for thread in self.threads:
            for _ in range(len(thread.tasks)):
                hub.run_task(thread.tasks.popleft())

    def _write(self, pending: Sequence[tuple[Session, bytes | None]]) -> None:
        for session, data in pending:
            connection = session.connection
            assert not connection.closed, "nothing comes behind the end"
            if data is None:
                connection.closed += 1
            else:
                check_lines(data)
                connection.got += data

    def answer(self, outcome: object = None) -> None:
        """Do the jobs that wait for workers: each has this outcome."""
        while self.workers.held:
            _, _, done = self.workers.held.popleft()
            done(outcome if outcome is not None else ChatroomError("not here"))

    def is_at_rest(self) -> bool:
        """True if nothing waits, for a handover."""
        self.workers._given = self.workers._store.told  # as if the store worker had done its jobs
        with self.hub.lock:
            return self.hub.is_at_rest

    def settle_all(self) -> None:
        """Settle everything, and have it told."""
        while self.committer.given:
            self.committer.settle()
        self.tick(passes=False)
