"""The hub: the one lock that rules run under, and a tick's way from lines to bytes.

Every I/O thread ticks. In a tick it takes ``Hub.lock``, calls ``begin``, runs its tasks and lines, calls ``end`` and
takes its ``pending`` writes. It then releases the lock, writes, and calls ``wake_writers`` for the other I/O threads
that have something to write. No other thread takes the lock: workers and timers post tasks to an I/O thread instead.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from chatroom.chat.ban_ends import lift_ended_bans
from chatroom.chat.delivery.answer_costs import answer_bytes, count_unread
from chatroom.chat.relief import relieve
from chatroom.chat.work_queue import Order
from chatroom.commands.context import Context
from chatroom.commands.dispatch import finish, resume, run_line
from chatroom.commands.talking.writing_history import RETRY_MS, report_commit
from chatroom.compiled_modules import mypyc_attr
from chatroom.errors import ChatroomError, Overloaded
from chatroom.irc import numerics
from chatroom.irc.framing import Malformed
from chatroom.server.clocks import read_clocks

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.work_queue import Then, WorkItem
    from chatroom.chat.world import World
    from chatroom.commands.pending import Pending
    from chatroom.server.connection import Connection
    from chatroom.server.inbox import Task
    from chatroom.server.operator_screen import Screen
    from chatroom.server.workers import Workers

log = logging.getLogger(__name__)

TASKS_S = 0.005
"""After so much time a tick takes no further outcome of a worker, and does no more of what was put off."""
_NEEDS_LOCK = "needs the hub lock"


class TickThread(Protocol):
    """What the hub needs of an I/O thread. Each method says which thread may call it."""

    pending: list[tuple[Session, bytes | None]]
    """Sessions with the bytes to write to each, in order; None closes the session's connection. Guarded by the hub
    lock: the hub appends, and the thread takes the list at the end of its tick."""

    @property
    def ident(self) -> int | None:
        """The thread's identifier, to be compared with ``threading.get_ident``."""
        ...

    def post(self, task: Task) -> None:
        """Have a task run in the thread's next tick, under the hub lock. From any thread."""
        ...

    def wake(self) -> None:
        """Make the thread tick: its present or next wait for sockets ends at once. From any thread."""
        ...

    def call_later(self, delay_s: float, task: Task) -> None:
        """Have a task run after a delay, without the hub lock. From this thread."""
        ...

    def answer_later(self, connection: Connection, go_on: Callable[[bool], None]) -> None:
        """Make the next piece of a long answer in a later tick. In a tick of this thread."""
        ...

    def wake_connection(self, connection: Connection) -> None:
        """Run a connection's waiting lines in this tick or the next. In a tick of this thread."""
        ...


@mypyc_attr(allow_interpreted_subclasses=True)
class Hub:
    """The lock, the world it guards, and the threads that tick. Each method says whether it needs the lock."""

    def __init__(self, world: World, workers: Workers, screen: Screen) -> None:
        self.lock = threading.Lock()
        """Guards ``world`` and everything reached from it, and each I/O thread's ``pending``."""
        self.world = world
        self.workers = workers
        self.screen = screen
        self.threads: Sequence[TickThread] = ()
        """All I/O threads. Set once, before the first tick: making a thread takes the hub."""
        self.told_seq = world.outbox.seq
        """All that ticks have told up to this sequence number is written, or in ``pending``. Guarded by the lock."""
        self._outcomes: deque[Task] = deque()
        """Tasks of the workers, oldest first. Their threads append; ticks take them out under the lock."""
        self._after_commit: list[Task] = []
        """What this tick's lines submit to the workers once it is committed. Guarded by the lock."""

    def post(self, thread: int, task: Task) -> None:
        """Have a task run in the next tick of the I/O thread with that index. From any thread; needs no lock."""
        self.threads[thread].post(task)

    def post_outcome(self, thread: int, task: Task) -> None:
        """Have a task of a worker run in the next tick of any thread, or soon after, and wake that thread for it.

        All such tasks run in the order in which they were posted. From any thread; needs no lock.
        """
        # One queue for all threads: in two threads' inboxes, lifting a ban could overtake the ban.
        self._outcomes.append(task)
        self.threads[thread].wake()

    @property
    def is_at_rest(self) -> bool:
        """True if nothing waits to be done, told or stored. Needs the lock, between two ticks."""
        assert self.lock.locked(), _NEEDS_LOCK
        world = self.world
        is_told = not (self._outcomes or self._after_commit or world.log_lines or world.outbox.closed)
        return is_told and world.work.is_empty and world.ledger.is_at_rest and self.workers.is_store_idle

    # -- the tick; under the lock -----------------------------------------------------------------

    def begin(self) -> None:
        """Begin a tick: read the clocks, run what is due and what the workers posted. Needs the lock."""
        assert self.lock.locked(), _NEEDS_LOCK
        self.world.begin_tick(*read_clocks())
        self._run_due()

    def _run_due(self) -> None:
        """Run what is due, and what the workers posted."""
        world = self.world
        work, next_end_ms, retries = world.work, world.next_ban_end_ms, world.retries
        if work.is_full:
            work.is_full = self.workers.is_full
        if next_end_ms and next_end_ms <= world.wall_ms:
            self.run_task(partial(lift_ended_bans, world))
        if retries.next_mono_ms and retries.next_mono_ms <= world.mono_ms:
            retries.try_again(world.mono_ms)
        # To show a user what it missed takes half a millisecond.
        if self._outcomes:
            self._run_some(self._outcomes)
        if work.put_off:
            self._run_some(work.put_off)

    def _run_some(self, tasks: deque[Task]) -> None:
        """Run tasks as far as the time goes. The rest runs in the next tick, in the same order."""
        end_s = time.monotonic() + TASKS_S
        while tasks:
            self.run_task(tasks.popleft())
            if time.monotonic() >= end_s:
                self.threads[0].wake()
                return

    def end(self) -> None:
        """End a tick: commit its history, give each thread the bytes to write, submit the work. Needs the lock."""
        assert self.lock.locked(), _NEEDS_LOCK
        world, threads = self.world, self.threads
        ledger, outbox = world.ledger, world.outbox
        self._commit()
        if len(threads) == 1:  # the usual case, without a look at each session
            threads[0].pending += self._drain()
        else:
            for item in self._drain():
                threads[item[0].thread].pending.append(item)
        self._note_told()
        if outbox.closed:
            # Behind the writes: a session gets its last lines before its connection is closed.
            for session in outbox.closed:
                threads[session.thread].pending.append((session, None))
            outbox.closed = []
        work = world.work
        if work.writes or work.checks or work.questions:
            # After the commit: a question of this tick finds what was said in it.
            self._submit_work(work.take(is_behind=ledger.is_behind, mono_ms=world.mono_ms))
            if work.questions:
                self._tick_again()
        if self._after_commit:
            for submit in self._after_commit:
                submit()
            self._after_commit = []
        if work.put_off:
            threads[0].wake()

    def _note_told(self) -> None:
        self.told_seq = self.world.outbox.seq

    def _commit(self) -> None:
        """Commit the tick's history, and the events for hooks."""
        world = self.world
        ledger = world.ledger
        if ledger.hooks.rows and ledger.journal is None:
            # Without a history there is no transaction: the store worker writes them a moment later.
            rows = ledger.hooks.take()
            world.work.write(lambda stores: stores.hooks.add_events(rows))
        ledger.catch_up()
        if ledger.is_open:
            # The durability point: what this tick said is committed before any thread gets bytes to send.
            not_written = ledger.commit_tick(world.outbox)
            if ledger.failure or ledger.told_failure:
                report_commit(world, not_written)

    def when_committed(self, task: Task) -> None:
        """Have a task run at the end of this tick, when it is known whether its messages are stored. In a tick."""
        self._after_commit.append(task)

    def _drain(self) -> list[tuple[Session, bytes]]:
        """Make the tick's lines into bytes. If that fails, the sessions that caused it are closed."""
        outbox = self.world.outbox
        while True:
            try:
                return outbox.drain()
            except Exception:
                log.exception("the lines of a tick could not be made")
            if not relieve(self.world):
                # Tried again, it would fail again, in every tick.
                return outbox.abandon()

    def take_log(self) -> list[str]:
        """Take the log lines of this tick, to be shown without the lock. Needs the lock."""
        lines = self.world.log_lines
        # A new list even if this one is empty: once the lock is released, another thread's tick appends to it.
        self.world.log_lines = []
        return lines

    def run_line(self, session: Session, line: str | Malformed) -> bool:
        """Run one line of a session. Needs the lock. A verb's bug is logged and costs the session one generic reply.

        Returns True for a plain message: it has no answer that could be long.
        """
        try:
            waiting = run_line(self.world, session, line)
        except Exception as error:
            self._report_bug(Context(self.world, session, ""), error)
            return False
        if waiting is None:
            return True
        if waiting:
            session.begin_wait()
            self._submit(session, *waiting)
        return False

    def run_task(self, task: Task) -> None:
        """Run a posted task and resume the sessions that it lets go on. Needs the lock. A bug is logged."""
        assert self.lock.locked(), _NEEDS_LOCK
        try:
            task()
        except Exception:
            log.exception("a task failed")
        resumed = self.world.work.resumed
        while resumed:
            self._wake(resumed.pop())

    def _report_bug(self, context: Context, error: Exception) -> None:
        log.exception("a line of %s failed", context.nick)
        if isinstance(error, MemoryError):
            relieve(self.world, context.session)
        if context.session.closing:
            return
        context.reply(numerics.ERR_UNKNOWNERROR, text="Something went wrong on the server; it was logged")
        finish(context)

    # -- waiting for workers ----------------------------------------------------------------------

    def _submit(self, session: Session, context: Context, pending: Pending) -> None:
        thread = session.thread

        def done(outcome: object) -> None:
            self._post_resume(context, pending, outcome)

        def submit() -> None:
            if pending.queue is None or pending.job is None:
                done(None)
            else:
                self.workers.submit(pending.queue, pending.job, done, session, pending.order)

        if pending.queue == "store":
            # What earlier lines wrote must be on the disk before this job runs.
            self._submit_work(self.world.work.take_writes())
        if pending.after_commit:
            self._after_commit.append(submit)
        elif pending.is_next_piece:
            go_on = partial(self._resume, context, pending)
            self._have_owner(session, lambda: self.threads[thread].answer_later(session.connection, go_on))
        elif pending.delay_ms:
            self._have_owner(session, lambda: self.threads[thread].call_later(pending.delay_ms / 1000, submit))
        else:
            submit()

    def _post_resume(self, context: Context, pending: Pending, outcome: object) -> None:
        """Have a verb go on in a later tick. From any thread."""
        self.post_outcome(context.session.thread, lambda: self._resume(context, pending, outcome))

    def _have_owner(self, session: Session, task: Task) -> None:
        """Run a task in the thread that owns the session's connection: at once if this is that thread."""
        owner = self.threads[session.thread]
        if threading.get_ident() == owner.ident:
            task()
        else:
            owner.post(task)

    def _tick_again(self) -> None:
        """Have this thread tick in a moment, and so ask again for the database's write lock."""
        for thread in self.threads:
            if thread.ident == threading.get_ident():
                thread.call_later(RETRY_MS / 1000, lambda: None)

    def _submit_work(self, items: list[WorkItem]) -> None:
        for queue, job, then, session, alone in items:
            # If no session waits for it, it is a write.
            order = Order.TOGETHER if queue == "store" and session is None and not alone else Order.PLAIN
            on_outcome = _log_failure if then is None else partial(self._answer, then)
            self.workers.submit(queue, job, on_outcome, session, order)
        self.world.work.is_full = self.workers.is_full

    def _answer(self, then: Then, outcome: object) -> None:
        """Take a job's outcome in a later tick. Called in the worker's thread."""
        # Those of one worker are told in the order of its jobs, like those of ``_submit``.
        self.post_outcome(0, lambda: then(_unless_bug(outcome)))

    def _resume(self, context: Context, pending: Pending, outcome: object) -> None:
        session, costs = context.session, self.world.costs
        following, before = None, count_unread(session)
        costs.work_bytes = 0
        try:
            if isinstance(outcome, Exception) and not isinstance(outcome, ChatroomError):
                raise outcome  # so that it is reported as a bug of this line, with its own traceback
            following = resume(context, pending, outcome)
        except Exception as error:
            self._report_bug(context, error)
        costs.pay(session, answer_bytes(session, before), self.world.mono_ms)
        if following is not None:
            self._submit(session, context, following)
            return
        if session.end_wait():
            self._wake(session)

    def _wake(self, session: Session) -> None:
        """Have a session's waiting lines run, in the next tick of the thread that owns its connection."""
        self._have_owner(session, lambda: self.threads[session.thread].wake_connection(session.connection))

    # -- after the tick; without the lock ---------------------------------------------------------

    def wake_writers(self, own: int) -> None:
        """Wake the other threads that have something to write. Call it without the lock."""
        for index, thread in enumerate(self.threads):
            # Read without the lock: a list that fills just now belongs to a later tick, which wakes its thread too.
            if index != own and thread.pending:
                thread.wake()


def _unless_bug(outcome: object) -> object:
    if isinstance(outcome, Exception) and not isinstance(outcome, ChatroomError):
        log.error("a question failed", exc_info=outcome)
        return ChatroomError("something went wrong")
    return outcome


def _log_failure(outcome: object) -> None:
    if isinstance(outcome, Overloaded):
        return  # a renewal of credentials: the next login does it
    if isinstance(outcome, ChatroomError):
        log.error("could not be stored: %s", outcome)
    elif isinstance(outcome, Exception):
        log.error("a job failed", exc_info=outcome)
