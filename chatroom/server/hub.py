"""The hub: the one lock that rules run under, and the tick's way from lines to bytes.

An I/O thread's tick: ``with hub.lock``: ``begin``, its lines and tasks, ``end``; then, the lock released, it writes
what it has pending and ``wake_writers`` wakes those that have something pending too. Every I/O
thread ticks; nobody else takes the lock. Workers, the listener and timers post tasks to an I/O thread instead.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from chatroom.commands.context import Context
from chatroom.commands.dispatch import finish, resume, run_line
from chatroom.commands.talking.writing_history import report_commit
from chatroom.errors import ChatroomError
from chatroom.irc import numerics
from chatroom.irc.framing import Malformed

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.work_queue import Then, WorkItem
    from chatroom.chat.world import World
    from chatroom.commands.pending import Pending
    from chatroom.server.connection import Connection
    from chatroom.server.operator_screen import Screen
    from chatroom.server.workers import Workers

log = logging.getLogger(__name__)

Task = Callable[[], None]
"""Something to be done in a tick, under the hub lock."""

_NEEDS_LOCK = "needs the hub lock"


class TickThread(Protocol):
    """What the hub needs of an I/O thread. Each method says from where it may be called."""

    pending: list[tuple[Session, bytes | None]]
    """The bytes to write to each session, or None to close it, in order. Guarded by the hub lock: the hub appends, and
    the thread takes the list at the end of its tick and writes without the lock."""

    @property
    def ident(self) -> int | None:
        """The thread's identifier, to be compared with ``threading.get_ident``."""
        ...

    def post(self, task: Task) -> None:
        """Have a task run in the thread's next tick. From any thread."""
        ...

    def wake(self) -> None:
        """End the thread's present or next wait for its sockets. From any thread."""
        ...

    def call_later(self, delay_s: float, task: Task) -> None:
        """Have a task run after a delay, without the hub lock. From this thread."""
        ...

    def wake_connection(self, connection: Connection) -> None:
        """Run a connection's waiting lines in the next tick. From this thread, under the hub lock."""
        ...


class Hub:
    """The lock, the world it guards, and the threads that tick. Methods say whether they need the lock."""

    def __init__(self, world: World, workers: Workers, screen: Screen) -> None:
        self.lock = threading.Lock()
        """Guards ``world`` and everything reached from it, and each I/O thread's ``pending``."""
        self.world = world
        self.workers = workers
        self.screen = screen
        self.threads: Sequence[TickThread] = ()
        """All I/O threads. They know the hub, so they are set after it is made, and stay from the first tick on."""
        self._news: deque[Task] = deque()
        """What the store worker has for the world, oldest first. Appended to by it, taken from under the lock."""

    def post(self, thread: int, task: Task) -> None:
        """Have a task run in one of that thread's next ticks. From any thread, without the lock."""
        self.threads[thread].post(task)

    def post_news(self, thread: int, task: Task) -> None:
        """Have a task of the store worker run in the next tick, whoever's that is; that thread is woken for it.

        Two threads' inboxes would not do: a ban and its lifting could change places between them.
        """
        self._news.append(task)
        self.threads[thread].wake()

    # -- the tick; under the lock -----------------------------------------------------------------

    def begin(self) -> None:
        """Begin a tick, with what the store worker has for it. Needs the lock."""
        assert self.lock.locked(), _NEEDS_LOCK
        self.world.begin_tick(time.time_ns() // 1_000_000)
        while self._news:
            self.run_task(self._news.popleft())

    def end(self) -> None:
        """End a tick: commit what is kept, sort what was said to the threads that will write it. Needs the lock."""
        assert self.lock.locked(), _NEEDS_LOCK
        world, threads = self.world, self.threads
        ledger, outbox = world.ledger, world.outbox
        ledger.catch_up()
        if ledger.is_open:
            # The durability point: what this tick said is committed before any thread gets bytes to send.
            failure_before = ledger.failure
            not_written = ledger.commit_tick(outbox)
            if ledger.failure or failure_before:
                report_commit(world, not_written, failure_before)
        if len(threads) == 1:
            threads[0].pending += outbox.drain()
        else:
            for item in outbox.drain():
                threads[item[0].thread].pending.append(item)
        if outbox.closed:
            for session in outbox.closed:
                threads[session.thread].pending.append((session, None))
            outbox.closed = []
        work = world.work
        if work.writes or work.others:  # after the commit: a question of this tick finds what was said in it
            self._submit_work(work.take())

    def take_log(self) -> list[str]:
        """The lines for the operator's screen, to be written without the lock. Needs the lock."""
        lines = self.world.log_lines
        self.world.log_lines = []  # a new list each time: other threads append to it once the lock is released
        return lines

    def run_line(self, session: Session, line: str | Malformed) -> None:
        """Run one line of a session. Needs the lock. A bug in a verb costs its caller one line, and nobody else."""
        try:
            waiting = run_line(self.world, session, line)
        except Exception:
            self._report_bug(Context(self.world, session, ""))
            return
        if waiting is not None:
            session.waiting = True
            self._submit(session, *waiting)

    def run_task(self, task: Task) -> None:
        """Run a posted task. Needs the lock."""
        assert self.lock.locked(), _NEEDS_LOCK
        try:
            task()
        except Exception:
            log.exception("a task failed")
        resumed = self.world.work.resumed
        while resumed:
            self._wake(resumed.pop())

    def _report_bug(self, context: Context) -> None:
        log.exception("a line of %s failed", context.nick)
        context.reply(numerics.ERR_UNKNOWNERROR, text="Something went wrong on the server; it was logged")
        finish(context)

    # -- waiting for workers ----------------------------------------------------------------------

    def _submit(self, session: Session, context: Context, pending: Pending) -> None:
        thread = session.thread
        post = self.post_news if pending.queue == "store" else self.post

        def done(outcome: object) -> None:
            post(thread, lambda: self._resume(context, pending, outcome))

        def submit() -> None:
            if pending.queue is None or pending.job is None:
                done(None)
            else:
                self.workers.submit(pending.queue, pending.job, done)

        if pending.queue == "store":
            # What earlier lines have written is on the disk before this job runs, and this job's writes come after.
            self._submit_work(self.world.work.take_writes())
        if pending.delay_ms:
            self._have_owner(session, lambda: self.threads[thread].call_later(pending.delay_ms / 1000, submit))
        else:
            submit()

    def _have_owner(self, session: Session, task: Task) -> None:
        """Have the thread that owns a session's connection do something: at once where this is it."""
        owner = self.threads[session.thread]
        if threading.get_ident() == owner.ident:
            task()
        else:
            owner.post(task)

    def _submit_work(self, items: list[WorkItem]) -> None:
        for queue, job, then in items:
            self.workers.submit(queue, job, _log_failure if then is None else partial(self._answer, then))

    def _answer(self, then: Then, outcome: object) -> None:
        """Have a question's outcome taken in a later tick. In the worker's thread."""
        self.post(0, lambda: then(_unless_bug(outcome)))

    def _resume(self, context: Context, pending: Pending, outcome: object) -> None:
        session = context.session
        following = None
        try:
            if isinstance(outcome, Exception) and not isinstance(outcome, ChatroomError):
                raise outcome
            following = resume(context, pending, outcome)
        except Exception:
            self._report_bug(context)
        if following is not None:
            self._submit(session, context, following)
            return
        session.waiting = False
        self._wake(session)

    def _wake(self, session: Session) -> None:
        """Have the lines run that waited for a session to be waiting no longer."""
        self._have_owner(session, lambda: self.threads[session.thread].wake_connection(session.connection))

    # -- after the tick; without the lock ---------------------------------------------------------

    def wake_writers(self, own: int) -> None:
        """Wake the other threads that have something to write. Without the lock."""
        for index, thread in enumerate(self.threads):
            if index != own and thread.pending:
                thread.wake()


def _unless_bug(outcome: object) -> object:
    if isinstance(outcome, Exception) and not isinstance(outcome, ChatroomError):
        log.error("a question failed", exc_info=outcome)
        return ChatroomError("something went wrong")
    return outcome


def _log_failure(outcome: object) -> None:
    if isinstance(outcome, ChatroomError):
        log.error("could not be stored: %s", outcome)
    elif isinstance(outcome, Exception):
        log.error("a job failed", exc_info=outcome)
