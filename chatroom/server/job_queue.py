"""The jobs that wait for a worker: in order for the store, and in turns for everything else.

A job stays in its queue until a worker has it, so a worker that dies while it waits loses none.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.admission.flood import network_key
from chatroom.chat.work_queue import Order

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.work_queue import Job

Done = Callable[[object], None]
"""Takes a job's outcome, its result or the exception it raised. Called in the worker's thread."""

MOST_WAITING = 250
"""How many jobs wait in turns: with bcrypt, those at the end wait for half a minute."""


class QueuedJob(NamedTuple):
    """A job, and who takes its outcome."""

    job: Job
    done: Done
    session: Session | None = None
    """The session that waits for it, if one does."""
    order: Order = Order.PLAIN

    @property
    def is_unwanted(self) -> bool:
        """True if nobody waits for it any more: the session has ended, or nothing can be written to its peer."""
        # Read without the hub lock. Whoever reads it too early does a job in vain.
        session = self.session
        if session is None:
            return False
        return session.closing or (session.connection is not None and session.connection.is_lost)

    @property
    def is_doubtful(self) -> bool:
        """True if it may be in vain: the peer has closed its end. It may have left, or be a script that still reads."""
        session = self.session
        return session is not None and session.connection is not None and bool(session.connection.ended)


class JobQueue(ABC):
    """Jobs that wait. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        """Guards everything in the queue. No other lock is taken while it is held."""
        self._is_closed = False

    def put(self, job: QueuedJob) -> QueuedJob | None:
        """Add a job. Return the one that must go for it, if the queue is full: perhaps this one."""
        with self._changed:
            dropped = self._add(job)
            self._changed.notify()
        return dropped

    def take(self, patience_s: float | None) -> QueuedJob | None:
        """Remove a job and return it. None if none came in that time, or none will."""
        with self._changed:
            if not len(self) and not self._is_closed:
                self._changed.wait(patience_s)
            return self._remove() if len(self) else None

    def close(self) -> None:
        """Let workers end when all jobs are taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def is_over(self) -> bool:
        """True if it is closed and has no jobs."""
        with self._changed:
            return self._is_closed and not len(self)

    @abstractmethod
    def __len__(self) -> int:
        """How many jobs wait. Exact only if the lock is held."""

    @abstractmethod
    def _add(self, job: QueuedJob) -> QueuedJob | None: ...

    @abstractmethod
    def _remove(self) -> QueuedJob: ...


class OrderedJobs(JobQueue):
    """Jobs in the order in which they came, but for urgent ones, which come before all others, in their own order."""

    def __init__(self) -> None:
        super().__init__()
        self._urgent: deque[QueuedJob] = deque()
        self._jobs: deque[QueuedJob] = deque()

    def __len__(self) -> int:
        """How many jobs wait."""
        return len(self._urgent) + len(self._jobs)

    def take_with(self) -> QueuedJob | None:
        """Remove the next job if it can be done together with the one before; None if it cannot, or none waits."""
        with self._changed:
            if self._urgent or not self._jobs or self._jobs[0].order is not Order.TOGETHER:
                return None
            return self._jobs.popleft()

    def _add(self, job: QueuedJob) -> QueuedJob | None:
        (self._urgent if job.order is Order.URGENT else self._jobs).append(job)
        return None

    def _remove(self) -> QueuedJob:
        return (self._urgent or self._jobs).popleft()


class _Turn(NamedTuple):
    round: int
    number: int
    job: QueuedJob


class JobsInTurns(JobQueue):
    """Jobs of which the networks take turns: who sends many waits behind those who send one.

    Jobs that nobody waits for come out first, for the worker to drop; jobs that may be in vain come out last. The queue
    is bounded. If it is full, a job in vain goes, or else one of the network with the most jobs.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        super().__init__()
        self._most = most
        self._turns: list[_Turn] = []
        self._last_round: dict[str, int] = {}
        """The round of the last job of each network that has jobs here."""
        self._round = 0
        """The round of the job that was taken last."""
        self._count = 0

    def __len__(self) -> int:
        """How many jobs wait."""
        return len(self._turns)

    def _add(self, job: QueuedJob) -> QueuedJob | None:
        network = _network(job)
        in_round = max(self._round, self._last_round.get(network, -1) + 1)
        self._last_round[network] = in_round
        self._count += 1
        self._turns.append(_Turn(in_round, self._count, job))
        if len(self._turns) <= self._most:
            return None
        return self._pop(max(self._turns, key=_worth)).job

    def _remove(self) -> QueuedJob:
        turn = self._pop(min(self._turns, key=_urgency))
        if not turn.job.is_unwanted:
            self._round = max(self._round, turn.round)
        return turn.job

    def _pop(self, turn: _Turn) -> _Turn:
        self._turns.remove(turn)
        if not self._turns:
            self._last_round.clear()  # nobody has to wait for anybody
        return turn


def _network(job: QueuedJob) -> str:
    session = job.session
    return network_key(session.version, session.address) if session is not None else ""


def _urgency(turn: _Turn) -> tuple[bool, bool, int, int]:
    """The lowest comes out first."""
    return not turn.job.is_unwanted, turn.job.is_doubtful, turn.round, turn.number


def _worth(turn: _Turn) -> tuple[bool, bool, int, int]:
    """The highest goes if there is no room."""
    return turn.job.is_unwanted, turn.job.is_doubtful, turn.round, turn.number
