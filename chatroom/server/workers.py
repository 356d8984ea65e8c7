"""The worker threads: slow work runs here and never under the hub lock.

``store`` is one thread that runs its jobs in order and looks for other processes' changes between them. The hub
therefore learns of every change in the order in which the database got it. ``history`` is one thread that reads
messages. The ``password`` threads run bcrypt, and the ``dns`` threads ask blocklists.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chatroom.chat.work_queue import Order
from chatroom.errors import ChatroomError, DatabaseBusy, Overloaded
from chatroom.server.job_queue import Done, JobQueue, JobsInTurns, OrderedJobs, QueuedJob
from chatroom.server.loop_thread import LoopThread

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.work_queue import Job, Queue
    from chatroom.server.turnstile import Turnstile

log = logging.getLogger(__name__)

_WATCH_EVERY_S = 0.2
MOST_TOGETHER = 64
"""How many jobs the store worker does in one transaction."""
TOGETHER_S = 0.005
"""How long it takes in further ones: meanwhile it has the write lock, and messages wait."""
DNS_THREADS = 4
"""How many questions to blocklists can be under way. A list that is down is left out, so few of them wait long."""
MOST_WRITES = 2000
"""With more jobs than this for the store worker, verbs that add to them wait."""


class Workers:
    """All worker threads. Each calls ``open_stores`` once, for a database connection that no other thread uses."""

    def __init__(
        self, open_stores: Callable[[], Stores], password_threads: int = 2, turnstile: Turnstile | None = None
    ) -> None:
        """``turnstile`` is passed by what the password workers write; while it is closed, they leave that out."""
        self._queues: dict[Queue, JobQueue] = {
            "store": OrderedJobs(),
            "history": JobsInTurns(),
            "password": JobsInTurns(),
            "dns": JobsInTurns(),
        }
        self._store = _Worker("store", self._queues["store"], open_stores)
        self.threads: Sequence[LoopThread] = [
            self._store,
            _Worker("history", self._queues["history"], open_stores),
            *(
                _Worker(f"password-{number}", self._queues["password"], open_stores, turnstile)
                for number in range(password_threads)
            ),
            *(_Worker(f"dns-{number}", self._queues["dns"], open_stores) for number in range(DNS_THREADS)),
        ]
        self._given = 0
        """How many jobs the store worker was given. Guarded by the hub lock: only ticks submit such jobs."""
        self._late = [thread for thread in self.threads if thread.name.startswith("dns-")]
        """Threads that begin when the first job comes for them: most daemons ask no blocklist."""

    def start(self, watch: Callable[[Stores], None] | None = None) -> None:
        """Start the threads. The store worker calls ``watch`` at once, then five times a second between its jobs."""
        self._store.watch = watch
        for thread in self.threads:
            if thread not in self._late:
                thread.start()

    @property
    def is_full(self) -> bool:
        """True if so many jobs wait for the store worker that no more should come. From any thread."""
        return len(self._queues["store"]) > MOST_WRITES

    @property
    def is_store_idle(self) -> bool:
        """True if the store worker has done all its jobs and has told their outcomes. Needs the hub lock."""
        return self._store.told == self._given

    def queue_lengths(self) -> dict[str, int]:
        """How many jobs wait in each queue. From any thread."""
        return {name: len(queue) for name, queue in self._queues.items()}

    def submit(
        self, name: Queue, job: Job, done: Done, session: Session | None = None, order: Order = Order.PLAIN
    ) -> None:
        """Have a job run; ``done`` takes its outcome. ``session`` waits for it, if one does. From any thread.

        The outcome is ``Overloaded`` if the job is not done, because too many wait or nobody waits for it any more.
        """
        if name == "store":
            self._given += 1
        elif name == "dns" and self._late:
            self._start_late()
        dropped = self._queues[name].put(QueuedJob(job, done, session, order))
        if dropped is not None:
            dropped.done(Overloaded("too much waits already, try again in a moment"))

    def _start_late(self) -> None:
        """Start the threads that wait for their first job. Once: the hub lock is held by who submits such jobs."""
        late, self._late = self._late, []
        for thread in late:
            thread.start()

    def stop(self, patience_s: float) -> bool:
        """Finish what was submitted and end the threads. False if one is still busy after that time.

        From any thread but a worker.
        """
        for queue in self._queues.values():
            queue.close()
        give_up_at = time.monotonic() + patience_s
        for thread in self.threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))
        return not any(thread.is_alive() for thread in self.threads)


class _Worker(LoopThread):
    """One thread with its own stores."""

    def __init__(
        self, name: str, work: JobQueue, open_stores: Callable[[], Stores], turnstile: Turnstile | None = None
    ) -> None:
        super().__init__(name)
        self._turnstile = turnstile
        """Passed by jobs that no session waits for: these write. None for a worker that has none of them."""
        self._writes = isinstance(work, OrderedJobs)
        """True if its jobs change the database: they are done even if the session is gone."""
        self._work = work
        self._open_stores = open_stores
        self._stores: Stores | None = None
        self.told = 0
        """How many outcomes were told. Only the thread changes it; who reads it early takes it for busy."""
        self._current: list[QueuedJob] = []
        """The jobs under way."""
        self.watch: Callable[[Stores], None] | None = None
        """Looks for changes of other processes. None for all workers but the store's. Set before the start."""

    def run(self) -> None:
        """Run jobs until the queue is over."""
        self._clear_up()
        try:
            self._run_jobs()
        finally:
            # Also if a fault ends the thread: its transaction would lock others out, and no other thread can end it.
            stores, self._stores = self._stores, None
            if stores is not None:
                stores.close()

    def _run_jobs(self) -> None:
        watch, watch_at = self.watch, time.monotonic()
        while not self._work.is_over:
            if watch is not None and time.monotonic() >= watch_at:
                self._look(watch)
                watch_at = time.monotonic() + _WATCH_EVERY_S
            job = self._work.take(max(0.0, watch_at - time.monotonic()) if watch else None)
            if job is not None:
                self._do(job)

    def _clear_up(self) -> None:
        """Clear up after a thread that has died: a session waits for the job that it had."""
        for job in self._current:
            self._tell(job, ChatroomError("the server had a fault, try again"))
        self._current = []

    def _open(self) -> Stores:
        """Return this thread's stores. If the database cannot be opened, the next job tries again."""
        if self._stores is None:
            self._stores = self._open_stores()
        return self._stores

    def _outcome(self, job: QueuedJob) -> object:
        if job.is_unwanted and not self._writes:
            return Overloaded("nobody waits for it any more")
        turnstile = self._turnstile if job.session is None else None
        if turnstile is not None and not turnstile.try_to_enter():
            return Overloaded("nothing is written while a new daemon takes over")
        try:
            return job.job(self._open())
        except Exception as error:
            return error
        finally:
            if turnstile is not None:
                turnstile.leave()

    def _do(self, job: QueuedJob) -> None:
        """Do a job, and those that can be done together with it."""
        self._current = jobs = [job]
        if job.order is Order.TOGETHER and isinstance(self._work, OrderedJobs):
            further = self._work.take_with()
            if further is not None:
                jobs.append(further)
                outcomes = self._outcomes_together(jobs, self._work)
                for done, outcome in zip(jobs, outcomes, strict=True):
                    self._tell(done, outcome)
                self._current = []
                return
        outcome = self._outcome(job)
        self._current = []
        self._tell(job, outcome)

    def _outcomes_together(self, jobs: list[QueuedJob], work: OrderedJobs) -> list[object]:
        """Do the jobs in one transaction, and further ones that wait meanwhile: ``jobs`` has them then."""
        outcomes: list[object] = []
        until_s = time.monotonic() + TOGETHER_S
        try:
            with self._open().together():
                for job in jobs:  # it grows
                    outcomes.append(self._outcome(job))
                    if len(outcomes) == len(jobs) < MOST_TOGETHER and time.monotonic() < until_s:
                        further = work.take_with()
                        if further is not None:
                            jobs.append(further)
            return outcomes
        except DatabaseBusy as error:
            return [error] * len(jobs)
        except Exception:
            # Perhaps one of them does not fit on the disk. Alone, the others may.
            return [self._outcome(job) for job in jobs]

    def _tell(self, job: QueuedJob, outcome: object) -> None:
        try:
            job.done(outcome)
        except Exception:
            log.exception("the outcome of a job could not be told")
        self.told += 1

    def _look(self, watch: Callable[[Stores], None]) -> None:
        try:
            watch(self._open())
        except ChatroomError as error:
            log.error("cannot look for changes: %s", error)
        except Exception:
            log.exception("cannot look for changes")
