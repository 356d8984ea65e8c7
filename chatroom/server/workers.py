"""The worker threads: slow work runs here and never under the hub lock.

``store`` is one thread that runs its jobs in order and looks for other processes' changes between them. The hub
therefore learns of every change in the order in which the database got it. ``history`` is one thread that reads
messages. The ``password`` threads run bcrypt.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.errors import ChatroomError

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.work_queue import Job, Queue

log = logging.getLogger(__name__)

Done = Callable[[object], None]
"""Takes a job's outcome, its result or the exception it raised. Called in the worker's thread."""

_WATCH_EVERY_S = 0.2
_Work = tuple["Job", Done] | None
"""A job, or None to end the worker that takes it."""


class Workers:
    """All worker threads. Each calls ``open_stores`` once, for a database connection that no other thread uses."""

    def __init__(self, open_stores: Callable[[], Stores], password_threads: int = 2) -> None:
        self._queues: dict[Queue, queue.SimpleQueue[_Work]] = {
            "store": queue.SimpleQueue(),
            "history": queue.SimpleQueue(),
            "password": queue.SimpleQueue(),
        }
        self._store = _Worker("store", self._queues["store"], open_stores)
        self._threads = [
            self._store,
            _Worker("history", self._queues["history"], open_stores),
            *(
                _Worker(f"password-{number}", self._queues["password"], open_stores)
                for number in range(password_threads)
            ),
        ]

    def start(self, watch: Callable[[Stores], None] | None = None) -> None:
        """Start the threads. The store worker calls ``watch`` at once, then five times a second between its jobs."""
        self._store.watch = watch
        for thread in self._threads:
            thread.start()

    def submit(self, name: Queue, job: Job, done: Done) -> None:
        """Have a job run; ``done`` takes its outcome. From any thread."""
        self._queues[name].put((job, done))

    def stop(self, patience_s: float) -> bool:
        """Finish what was submitted and end the threads. False if one is still busy after that time.

        From any thread but a worker.
        """
        for thread in self._threads:
            thread.end()
        give_up_at = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)


class _Worker(threading.Thread):
    """One thread with its own stores. A daemon thread: a bcrypt check under way must not delay the process's end."""

    def __init__(
        self,
        name: str,
        work: queue.SimpleQueue[_Work],
        open_stores: Callable[[], Stores],
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._open_stores = open_stores
        self._stores: Stores | None = None
        self.watch: Callable[[Stores], None] | None = None
        """Looks for changes of other processes. None for all workers but the store's. Set before the start."""

    def end(self) -> None:
        """Let the thread end behind the jobs that wait now. From any other thread."""
        # Workers may share a queue. Each takes exactly one None out of it, because it ends there.
        self._work.put(None)

    def run(self) -> None:
        """Run jobs until ``end``."""
        watch, watch_at = self.watch, time.monotonic()
        while True:
            if watch is not None and time.monotonic() >= watch_at:
                self._look(watch)
                watch_at = time.monotonic() + _WATCH_EVERY_S
            try:
                work = self._work.get(timeout=max(0.0, watch_at - time.monotonic()) if watch else None)
            except queue.Empty:
                continue
            if work is None:
                break
            job, done = work
            done(self._outcome(job))
        if self._stores is not None:
            self._stores.close()

    def _open(self) -> Stores:
        """Return this thread's stores. If the database cannot be opened, the next job tries again."""
        if self._stores is None:
            self._stores = self._open_stores()
        return self._stores

    def _outcome(self, job: Job) -> object:
        try:
            return job(self._open())
        except Exception as error:
            return error

    def _look(self, watch: Callable[[Stores], None]) -> None:
        try:
            watch(self._open())
        except ChatroomError as error:
            log.error("cannot look for changes: %s", error)
        except Exception:
            log.exception("cannot look for changes")
