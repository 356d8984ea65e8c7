"""Tasks that run later in a thread's loop."""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Timers:
    """The timers of one thread, which alone may use them. Moments are of the clock that never jumps."""

    __slots__ = ("_numbers", "heap")

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, Callable[[], None]]] = []
        """When each task is due, its number, and the task. The first is due first; tasks at one moment keep order."""
        self._numbers = itertools.count()

    def add(self, delay_s: float, task: Callable[[], None]) -> None:
        """Have a task run after a delay."""
        # The number makes every entry different, so that the heap never compares two tasks, which have no order.
        heapq.heappush(self.heap, (time.monotonic() + delay_s, next(self._numbers), task))

    def run_due(self, now_s: float) -> None:
        """Run the tasks that are due."""
        heap = self.heap
        while heap and heap[0][0] <= now_s:
            task = heapq.heappop(heap)[2]
            try:
                task()
            except Exception:
                log.exception("a timer failed")
