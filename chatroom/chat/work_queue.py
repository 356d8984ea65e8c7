"""Work that a tick leaves to other threads: one list, handed to the workers by the hub."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.stores import Stores

Queue = Literal["store", "password", "history", "dns"]
"""The worker that runs a job. ``store`` is one thread that runs its jobs in order, and the only one that writes.
``password`` is for bcrypt, several at a time. ``history`` reads messages. ``dns`` asks blocklists, several at a
time."""

Job = Callable[["Stores"], object]
"""Runs in a worker's thread, without the hub lock, with the worker's own stores."""

Then = Callable[[object], None]
"""Takes a job's result, or the ``ChatroomError`` it raised. Runs in a later tick, under the hub lock."""


PATIENCE_MS = 5000
"""How long a message, or a question to the history, waits while another process has the database's write lock."""


class Order(Enum):
    """When the store worker does a job."""

    PLAIN = auto()
    """After all that came before it."""
    TOGETHER = auto()
    """After all that came before it, and in one transaction with neighbours of its kind: one wait for the disk."""
    URGENT = auto()
    """Before all that are not urgent. What it reads and writes must not depend on what earlier lines have written."""


class WorkItem(NamedTuple):
    """A job and its queue. Without ``then`` the result is not used, and the hub only logs a failure."""

    queue: Queue
    job: Job
    then: Then | None = None
    session: Session | None = None
    """The session that waits for it, if one does."""
    alone: bool = False
    """True for a write that mostly finds nothing to do: made one with others, it would take the lock for nothing."""


class WorkQueue:
    """The work of the tick under way, in three parts that keep their own order. Guarded by the hub lock.

    The hub submits it when the tick ends: first the writes, last the questions. A question of this tick therefore finds
    what the tick has written. While the history waits for the write lock, the questions wait too.
    """

    __slots__ = ("_held_mono_ms", "checks", "is_full", "put_off", "questions", "resumed", "writes")

    def __init__(self) -> None:
        self.is_full = False
        """True while far too many writes wait for the store worker: verbs that would add to them wait (``stores=``)."""
        # Writes are apart because they may have to go first, in the middle of a tick: a verb that waits for the store
        # worker expects to find there what earlier lines have written.
        self.writes: list[WorkItem] = []
        self.checks: list[WorkItem] = []
        self.questions: list[WorkItem] = []
        self._held_mono_ms: int | None = None
        """When the questions that wait began to wait; None if none do."""
        self.put_off: deque[Callable[[], None]] = deque()
        """The rest of a long task, in pieces for later ticks, the oldest first."""
        self.resumed: list[Session] = []
        """Sessions whose waiting lines may run again. The hub tells the I/O thread of each after the present task."""

    def write(self, job: Job, then: Then | None = None, *, alone: bool = False) -> None:
        """Have the store worker write something, behind all earlier writes. No session waits for it.

        ``then``, if given, takes the outcome in a later tick. ``alone`` is that of ``WorkItem``.
        """
        self.writes.append(WorkItem("store", job, then, alone=alone))

    def check(self, job: Job) -> None:
        """Have a password worker run a job. No session waits for it."""
        self.checks.append(WorkItem("password", job))

    def ask(self, queue: Queue, job: Job, then: Then, session: Session | None = None) -> None:
        """Have a job run after this tick's commit; ``then`` takes its outcome in a later tick.

        The job is not done if ``session`` is gone before: ``then`` takes an ``Overloaded``, as if too many jobs waited.
        """
        self.questions.append(WorkItem(queue, job, then, session))

    @property
    def is_empty(self) -> bool:
        """True if no work waits."""
        return not (self.writes or self.checks or self.questions or self.put_off or self.resumed)

    def take_writes(self) -> list[WorkItem]:
        """Remove the writes and return them, in order."""
        writes, self.writes = self.writes, []
        return writes

    def take(self, *, is_behind: bool, mono_ms: int) -> list[WorkItem]:
        """Remove everything that can be done now, and return it in the order in which it must be submitted.

        ``is_behind`` is True if the database has not all of the history yet (``Ledger.is_behind``): the questions then
        stay, but not for longer than ``PATIENCE_MS``. ``mono_ms`` is of the monotonic clock.
        """
        items = self.writes + self.checks
        self.writes, self.checks = [], []
        if not self.questions:
            return items
        if is_behind:
            if self._held_mono_ms is None:
                self._held_mono_ms = mono_ms
            if mono_ms - self._held_mono_ms <= PATIENCE_MS:
                return items
        items += self.questions
        self.questions, self._held_mono_ms = [], None
        return items
