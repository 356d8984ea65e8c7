"""The jobs that wait for a worker."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from chatroom.chat.work_queue import Job

Done = Callable[[object], None]
"""Takes a job's outcome, its result or the exception it raised. Called in the worker's thread."""


class QueuedJob(NamedTuple):
    """A job, and who takes its outcome."""

    job: Job
    done: Done


class JobQueue:
    """Jobs in the order in which they came. Methods may be called from any thread.

    A job stays in the queue until a worker has it: a worker that dies while it waits loses none.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        """Guards everything below. No other lock is taken while it is held."""
        self._jobs: deque[QueuedJob] = deque()
        self._is_closed = False

    def put(self, job: QueuedJob) -> None:
        """Add a job."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def take(self, patience_s: float | None) -> QueuedJob | None:
        """Remove a job and return it. None if none came in that time, or none will."""
        with self._changed:
            if not self._jobs and not self._is_closed:
                self._changed.wait(patience_s)
            return self._jobs.popleft() if self._jobs else None

    def close(self) -> None:
        """Let workers end when all jobs are taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def is_over(self) -> bool:
        """True if it is closed and has no jobs."""
        with self._changed:
            return self._is_closed and not self._jobs
