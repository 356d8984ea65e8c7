"""The worker threads: what is slow runs here, never under the hub lock.

``store`` is one thread that does everything in order: so what the database holds and what the hub is told always come
in the same order, and the changes other processes make are looked up in between. ``password`` threads run bcrypt.
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
"""What a job's outcome is told to, in the worker's thread: its result, or the exception it raised."""

_WATCH_EVERY_S = 0.2
_Work = tuple["Job", Done] | None


class Workers:
    """All worker threads. ``open_stores`` is called once in each, for a connection of its own."""

    def __init__(
        self, open_stores: Callable[[], Stores], watch: Callable[[Stores], None], password_threads: int = 2
    ) -> None:
        self._store: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._passwords: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._history: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._queues = {"store": self._store, "password": self._passwords, "history": self._history}
        self._threads = [
            _Worker("store", self._store, open_stores, watch),
            _Worker("history", self._history, open_stores),
            *(_Worker(f"password-{number}", self._passwords, open_stores) for number in range(password_threads)),
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, name: Queue, job: Job, done: Done) -> None:
        """Have a job run; ``done`` is told its outcome. From any thread."""
        self._queues[name].put((job, done))

    def stop(self, patience_s: float) -> bool:
        """Finish what was submitted and end the threads; whether all did within that time. From any other thread."""
        self._store.put(None)
        self._history.put(None)
        for _ in self._threads[2:]:
            self._passwords.put(None)
        give_up_at = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)


class _Worker(threading.Thread):
    """One thread with its own stores. Daemonic: a bcrypt check under way must not hold up the end."""

    def __init__(
        self,
        name: str,
        work: queue.SimpleQueue[_Work],
        open_stores: Callable[[], Stores],
        watch: Callable[[Stores], None] | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._open_stores = open_stores
        self._watch = watch
        self._stores: Stores | None = None

    def run(self) -> None:
        """Run jobs until told to end."""
        watch_at = time.monotonic()
        while True:
            if self._watch is not None and time.monotonic() >= watch_at:
                self._look(self._watch)
                watch_at = time.monotonic() + _WATCH_EVERY_S
            try:
                work = self._work.get(timeout=max(0.0, watch_at - time.monotonic()) if self._watch else None)
            except queue.Empty:
                continue
            if work is None:
                break
            job, done = work
            done(self._outcome(job))
        if self._stores is not None:
            self._stores.close()

    def _open(self) -> Stores:
        """This thread's stores; a database that could not be opened is tried again with the next job."""
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
