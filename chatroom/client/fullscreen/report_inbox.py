"""The reports of the links on their way to the program: a lone one at once, many together a few times a second."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Callable, Iterator

from chatroom.client.servers import Report

PAUSE_S = 1 / 30
"""The least time between two times that reports are handled, and so between two paints of what comes in."""
MOST_S = 1 / 60
"""How long reports are handled at once. Then keys and paints get their turn; the rest follows."""


class Inbox:
    """Calls ``drain``, which takes the reports, and ``fail`` with an error of it.

    Except for ``post`` and ``waiting`` for the thread of the loop.
    """

    def __init__(
        self,
        drain: Callable[[], None],
        fail: Callable[[Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._drain = drain
        self._fail = fail
        self._clock = clock
        # append() and popleft() of a deque are safe in two threads.
        self._reports: deque[Report] = deque()
        self.is_due = False
        """True while reports wait: ``drain`` will be called, and sees everything that is here by then."""
        self._drained_at = 0.0
        self._loop_context: tuple[asyncio.AbstractEventLoop, contextvars.Context] | None = None

    def begin(self) -> None:
        """Call ``drain`` from now on, in the loop and the context of this call."""
        # Widgets find their app in a context variable, which the thread of a link does not have.
        self._loop_context = asyncio.get_running_loop(), contextvars.copy_context()

    def post(self, report: Report) -> None:
        """Take a report. May be called from any thread."""
        self._reports.append(report)
        if self.is_due or self._loop_context is None:
            return
        self.is_due = True
        loop, context = self._loop_context
        try:
            loop.call_soon_threadsafe(self._drain_soon, context=context)
        except RuntimeError:
            pass  # the loop has ended with the chat: no report matters any more

    def waiting(self) -> int:
        """Return how many reports are not handled yet. May be called from any thread."""
        return len(self._reports)

    def _drain_soon(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(max(loop.time(), self._drained_at + PAUSE_S), self._drain_now)

    def _drain_now(self) -> None:
        loop = asyncio.get_running_loop()
        self._drained_at = loop.time()
        try:
            self._drain()
        except Exception as error:
            self._fail(error)
            return
        self.is_due = False
        if self._reports:  # for one that was posted before this line, nobody else calls
            self.is_due = True
            loop.call_soon(self._drain_now)

    def take(self) -> Iterator[Report]:
        """Yield the reports that wait, but only for some time."""
        until = self._clock() + MOST_S
        while self._reports:
            yield self._reports.popleft()
            if self._clock() >= until:
                return
