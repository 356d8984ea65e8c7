"""A world whose ticks and jobs a test runs: lines are run, what they tell is delivered, and workers' jobs are done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from harness.held_work import HeldItem, HeldPending
from harness.invariants import check_invariants, check_lines
from harness.session_client import Client

from chatroom.chat.ban_ends import lift_ended_bans
from chatroom.chat.delivery.ledger import NotWritten
from chatroom.chat.people.session import Session
from chatroom.chat.world import World
from chatroom.commands.context import Context
from chatroom.commands.dispatch import resume, run_line
from chatroom.commands.pending import Pending
from chatroom.commands.talking.writing_history import report_commit
from chatroom.irc.framing import Malformed
from chatroom.storage.sqlite.sqlite_stores import SqliteStores


class TickingWorld:
    """The part of ``harness.world.Here`` that is about ticks and jobs."""

    check = staticmethod(check_invariants)
    world: World
    stores: SqliteStores

    def __init__(self, start: datetime) -> None:
        self.now = start
        """The wall clock."""
        self.mono_ms = 1_000_000
        """The monotonic clock."""
        self.clients: dict[int, Client] = {}
        self.writes: list[tuple[Session, bytes]] = []
        """The bytes that the last tick sent to each session."""
        self.delays_ms: list[int] = []
        """The ``delay_ms`` of each job that had one."""
        self.holding = False
        """True if jobs wait until the test calls ``release``."""
        self.held: deque[HeldItem | HeldPending] = deque()
        """The jobs that are not done yet, in order."""
        self._in_tick = False

    @property
    def now_ms(self) -> int:
        """The wall clock in Unix milliseconds."""
        return int(self.now.timestamp() * 1000)

    # -- ticks ------------------------------------------------------------------------------------

    @contextmanager
    def tick(self) -> Iterator[None]:
        """Run the body in one tick. At its end, lines are sent and jobs are done. A nested one is part of the outer."""
        if self._in_tick:
            yield
            return
        self._begin()
        yield
        self._end()
        if not self.holding:
            self.release()

    def run(self, client: Client, line: str | Malformed) -> None:
        """Run a line of a session, or park it behind an earlier one that waits."""
        with self.tick():
            client.parked.append(line)
            self._run_parked(client)

    def release(self, count: int = 1_000) -> None:
        """Do the held jobs and the jobs that follow from them, or only that many."""
        while self.held and count:
            self.held.popleft().do()
            count -= 1

    def go_on(self, context: Context, pending: Pending, outcome: object) -> None:
        """Resume a verb with its job's outcome, in the present tick or its own."""
        session = context.session
        begun = not self._in_tick
        if begun:
            self._begin()
        following = resume(context, pending, outcome)
        if following is not None:
            self._hold(context, following)
        elif session.end_wait():
            self._run_parked(self.clients[session.id])
        if begun:
            self._end()

    def _begin(self) -> None:
        self._in_tick = True
        self.world.begin_tick(self.now_ms, self.mono_ms)
        lift_ended_bans(self.world)
        if self.world.retries.next_mono_ms and self.world.retries.next_mono_ms <= self.mono_ms:
            self.world.retries.try_again(self.mono_ms)
        self.world.whereabouts.confirm_replays()
        if self.world.work.put_off:
            self.world.work.put_off.popleft()()

    def _end(self) -> None:
        ledger, outbox = self.world.ledger, self.world.outbox
        if ledger.hooks.rows and ledger.journal is None:
            self.stores.hooks.add_events(ledger.hooks.take())
        ledger.catch_up()
        self._commit()
        self.writes = outbox.drain()
        written = [session.id for session, _ in self.writes]
        assert len(written) == len(set(written)), "a session is written to once a tick"
        for session, data in self.writes:
            check_lines(data)
            self.clients[session.id].deliver(data)
        for session in outbox.closed:
            self.clients[session.id].closed = True
            assert not self.world.monitors.nicks(session)
        outbox.closed = []
        self.check(self.world)
        self._in_tick = False
        work = self.world.work.take(is_behind=ledger.is_behind, mono_ms=self.mono_ms)
        self.held.extend(HeldItem(self, item) for item in work)

    def _commit(self) -> list[NotWritten]:
        not_written: list[NotWritten] = []
        if self.world.ledger.is_open:
            not_written = self.world.ledger.commit_tick(self.world.outbox)
            report_commit(self.world, not_written)
        return not_written

    def _hold(self, context: Context, pending: Pending) -> None:
        if pending.queue == "store":
            self.held.extend(HeldItem(self, item) for item in self.world.work.take_writes())
        self.held.append(HeldPending(self, context, pending))

    def run_resumed(self) -> None:
        """Run the lines of sessions that wait no longer."""
        resumed = self.world.work.resumed
        while resumed:
            self._run_parked(self.clients[resumed.pop().id])

    def _run_parked(self, client: Client) -> None:
        session = client.session
        while client.parked and not session.waiting and not session.closing:
            waiting = run_line(self.world, session, client.parked.popleft())
            if waiting:
                session.begin_wait()
                self._hold(*waiting)
