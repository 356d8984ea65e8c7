"""The supervisor: it notices threads that have died, and ticks that do not end.

A background thread is started again: what it works on is in queues and in the database. An I/O thread is not, because
it may have died in the middle of a tick and left the world half changed. Then the daemon ends with an error, and its
service manager starts it anew. It never limps on.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from chatroom.errors import ServeError
from chatroom.server.loop_thread import LoopThread

LOOK_EVERY_S = 0.5
"""How often the main thread looks."""
MOST_RESTARTS = 5
"""How often one thread is started again within ``RESTARTS_S`` before the daemon gives up."""
RESTARTS_S = 60.0
STUCK_S = 5.0
"""A tick that has taken this long is reported while it is under way, and again each time it has taken twice as long."""


class TickingThread(Protocol):
    """What the supervisor needs of an I/O thread."""

    @property
    def name(self) -> str:
        """The name of the thread."""
        ...

    @property
    def ident(self) -> int | None:
        """The identifier of the thread."""
        ...

    @property
    def tick_began_s(self) -> float:
        """When the tick under way began, on the monotonic clock; 0 between two ticks."""
        ...

    def is_alive(self) -> bool:
        """True while the thread runs."""
        ...


class _Watched:
    """A background thread and when it was started again."""

    __slots__ = ("loop", "restarts", "times")

    def __init__(self, loop: LoopThread) -> None:
        self.loop = loop
        self.restarts = 0
        self.times: deque[float] = deque(maxlen=MOST_RESTARTS)
        """The moments of the last restarts."""


class Supervisor:
    """Watches all threads of a running daemon. The main thread calls ``look``; ``describe`` is for any thread."""

    def __init__(
        self, ticking: Sequence[TickingThread], loops: Sequence[LoopThread], report: Callable[[str], None]
    ) -> None:
        self._ticking = ticking
        self._loops = [_Watched(loop) for loop in loops]
        self._report = report
        """Takes a line for the log."""
        self._reported: dict[str, tuple[float, float]] = {}
        """For each I/O thread in a tick that was reported: when that tick began, and how long it then took."""

    def look(self) -> None:
        """Start again what has died, and report ticks that do not end. Raises ``ServeError`` if that cannot help."""
        now_s = time.monotonic()
        for thread in self._ticking:
            if not thread.is_alive():
                raise ServeError(f"the thread {thread.name} has died, and the daemon cannot go on without it")
            self._look_at_tick(thread, now_s)
        for watched in self._loops:
            if watched.loop.is_started and not watched.loop.is_alive():
                self._restart(watched, now_s)

    def find_troubles(self, stuck_s: float = STUCK_S) -> list[str]:
        """Return which threads do not run, and which have been in one tick for ``stuck_s``. From any thread."""
        now_s = time.monotonic()
        loops = [watched.loop for watched in self._loops if watched.loop.is_started]
        everyone: list[TickingThread | LoopThread] = [*self._ticking, *loops]
        troubles = [f"{thread.name} has died" for thread in everyone if not thread.is_alive()]
        for thread in self._ticking:
            lasts_s = _tick_lasts_s(thread, now_s)
            if lasts_s >= stuck_s:
                troubles.append(f"{thread.name} has been in one tick for {lasts_s:.0f} s")
        return troubles

    def count_threads(self) -> tuple[int, int]:
        """How many threads run, and how many should. From any thread."""
        loops = [watched.loop for watched in self._loops if watched.loop.is_started]
        everyone: list[TickingThread | LoopThread] = [*self._ticking, *loops]
        return sum(thread.is_alive() for thread in everyone), len(everyone)

    @property
    def restarts(self) -> int:
        """How many threads were started again since the start. From any thread."""
        return sum(watched.restarts for watched in self._loops)

    def describe(self) -> str:
        """What to say of the threads in ``STATUS``."""
        count = len(self._ticking) + sum(watched.loop.is_started for watched in self._loops)
        restarts = [
            f"{watched.loop.name} was started again {watched.restarts}x" for watched in self._loops if watched.restarts
        ]
        return "; ".join([*(self.find_troubles() or [f"all {count} run"]), *restarts])

    def _look_at_tick(self, thread: TickingThread, now_s: float) -> None:
        began_s, lasts_s = thread.tick_began_s, _tick_lasts_s(thread, now_s)
        last_began_s, last_lasted_s = self._reported.get(thread.name, (0.0, 0.0))
        if last_began_s and last_began_s != began_s:
            del self._reported[thread.name]
            self._report(f"{thread.name} goes on")
        elif lasts_s >= max(STUCK_S, 2 * last_lasted_s):
            self._reported[thread.name] = began_s, lasts_s
            self._report(f"{thread.name} has been in one tick for {lasts_s:.0f} s, in {_where_is(thread)}")

    def _restart(self, watched: _Watched, now_s: float) -> None:
        name, times = watched.loop.name, watched.times
        if len(times) == MOST_RESTARTS and now_s - times[0] < RESTARTS_S:
            raise ServeError(f"the thread {name} dies again and again, and the daemon cannot go on without it")
        times.append(now_s)
        try:
            watched.loop.start()
        except (RuntimeError, MemoryError) as error:
            self._report(f"the thread {name} has died, and cannot be started again: {error}")
            return
        watched.restarts += 1
        self._report(f"the thread {name} has died, and was started again")


def _tick_lasts_s(thread: TickingThread, now_s: float) -> float:
    began_s = thread.tick_began_s
    return now_s - began_s if began_s else 0.0


def _where_is(thread: TickingThread) -> str:
    """Return the line of code that a thread runs."""
    frame = sys._current_frames().get(thread.ident or 0)
    return f"{frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})" if frame is not None else "its end"
