"""What waits for its time: the program sleeps until then, rather than wake up each second to look."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from math import inf

EVERY_S = 1.0
"""How often ``tick`` is called while something waits."""


class Ticking:
    """Calls ``tick`` a second after ``soon``, and then after as many seconds as ``tick`` returns; ``inf`` for never.

    ``fail`` gets an error of ``tick``, which is the last call then. For the thread of the loop.
    """

    def __init__(self, tick: Callable[[], float], fail: Callable[[Exception], None]) -> None:
        self._tick = tick
        self._fail = fail
        self._loop_context: tuple[asyncio.AbstractEventLoop, contextvars.Context] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._at = inf  # when ``tick`` is called next

    def begin(self) -> None:
        """Call ``tick`` from now on, in the loop and the context of this call."""
        self._loop_context = asyncio.get_running_loop(), contextvars.copy_context()
        self.soon()

    def soon(self) -> None:
        """Take note that something has happened, after which something else may wait for its time."""
        self._call_in(EVERY_S)

    def _call_in(self, seconds: float) -> None:
        if self._loop_context is None or seconds == inf:
            return
        loop, context = self._loop_context
        at = loop.time() + seconds
        if at < self._at:
            if self._timer is not None:
                self._timer.cancel()
            self._at = at
            self._timer = loop.call_at(at, self._run, context=context)

    def _run(self) -> None:
        self._at = -inf  # what ``tick`` does is nothing that has happened
        try:
            seconds = self._tick()
        except Exception as error:
            self._fail(error)
            return
        self._at = inf
        self._call_in(seconds)
