"""Upkeep of the history: the index, retention, erasing what was deleted, and checkpoints of the write-ahead log.

It also removes old turns of nodes, of which there would be more and more (``stored_turns.py``).

A thread with database connections of its own does it in small steps. Each holds the write lock for a few milliseconds,
so that a message hardly waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.errors import ChatroomError
from chatroom.server.clocks import ClockWatch, read_clocks
from chatroom.server.loop_thread import LoopThread
from chatroom.server.turnstile import Turnstile

if TYPE_CHECKING:
    from chatroom.chat.stored.history_stores import HistoryUpkeep
    from chatroom.config.chatting import History

PAUSE_S = 1.0
"""The pause between two rounds that have nothing to do."""
_STEP_PAUSE_S = 0.01
"""The pause between two steps of a round, in which a waiting message gets the write lock."""
FLOOD_A_S = 1000
"""With more new entries a second than this, indexing waits for a calmer time."""
MOST_WAITING = 100_000
"""With more entries than this to index, they are indexed in a flood too.

A read that has to go through so many takes 11 ms longer, a search for ASCII words 45 ms, for other words half a second.
"""
_FORGET_EVERY_S = 3600
"""The time between two looks for old turns."""
_DAY_MS = 86_400_000
MOST_SET_AHEAD_MS = 3_600_000
"""A wall clock that is set ahead by more than this may be wrong, and what it makes too old would be lost for good."""
_MIB = 1024 * 1024

log = logging.getLogger(__name__)


class Upkeep(LoopThread):
    """The thread. Each round reads the ``[history]`` section in force from ``settings``.

    Each step is a transaction, so the process may end in any of them.
    """

    def __init__(
        self,
        open_upkeep: Callable[[], HistoryUpkeep],
        settings: Callable[[], History],
        is_short: Callable[[], bool] = lambda: False,
        turnstile: Turnstile | None = None,
    ) -> None:
        super().__init__("upkeep")
        self._turnstile = turnstile or Turnstile()
        """Passed at each step that writes."""
        self._is_short = is_short
        """True while the disk has no room for an index."""
        self._open = open_upkeep
        self._settings = settings
        self._stopping = threading.Event()
        self._looked_at_s = time.monotonic()
        self._forget_at_s = 0.0
        """When old turns are looked for next, on the monotonic clock."""
        self._clock_watch = ClockWatch(*read_clocks())
        self._believe_at_ms = 0
        """When a wall clock that was set ahead is believed, on the monotonic clock: until then nothing is too old."""

    def stop(self, patience_s: float) -> None:
        """End after the step under way; wait at most that long for it. From any other thread."""
        self._stopping.set()
        self.join(patience_s)

    def run(self) -> None:
        """Do rounds until stopped. What fails is tried again in the next round."""
        upkeep: HistoryUpkeep | None = None
        pause_s = PAUSE_S
        try:
            while not self._stopping.wait(pause_s):
                pause_s = PAUSE_S
                try:
                    with self._turnstile:
                        upkeep = upkeep or self._open()
                    if self._do_round(upkeep):
                        pause_s = _STEP_PAUSE_S
                except ChatroomError as error:
                    log.info("upkeep of the history waits: %s", error)
                except Exception:
                    log.exception("upkeep of the history failed")
        finally:
            if upkeep is not None:
                upkeep.close()

    def _do_round(self, upkeep: HistoryUpkeep) -> bool:
        """Do what there is to do. True if more is left to index."""
        has_more = not self._is_short() and self._index(upkeep)
        self._repeat(lambda: self._prune(upkeep))
        self._repeat(upkeep.scrub_some)
        with self._turnstile:
            upkeep.trim_log()
        if time.monotonic() >= self._forget_at_s:
            self._repeat(upkeep.forget_turns)
            self._forget_at_s = time.monotonic() + _FORGET_EVERY_S
        return has_more

    def _index(self, upkeep: HistoryUpkeep) -> bool:
        """Index new entries. True if time was up before all were indexed.

        In a flood it waits: indexing would take the processor and the write lock from the messages.
        """
        now_s = time.monotonic()
        behind = upkeep.measure_lag()
        is_flood = behind.came > FLOOD_A_S * (now_s - self._looked_at_s)
        self._looked_at_s = now_s
        if is_flood and behind.waiting <= MOST_WAITING:
            return False
        while self._do_step(upkeep.index_some):
            if self._stopping.wait(_STEP_PAUSE_S) or time.monotonic() > now_s + PAUSE_S:
                return True
        return False

    def _repeat(self, step: Callable[[], bool]) -> None:
        while self._do_step(step) and not self._stopping.wait(_STEP_PAUSE_S):
            pass

    def _do_step(self, step: Callable[[], bool]) -> bool:
        with self._turnstile:
            return step()

    def _prune(self, upkeep: HistoryUpkeep) -> bool:
        settings = self._settings()
        if not (settings.max_age_days or settings.max_size_mb or settings.ended_channels_days):
            return False
        wall_ms, mono_ms = read_clocks()
        if self._clock_watch.look(wall_ms, mono_ms) > MOST_SET_AHEAD_MS:
            log.warning("the clock was set far ahead: for a day, no message is deleted because it is old")
            self._believe_at_ms = mono_ms + _DAY_MS
        is_believed = mono_ms >= self._believe_at_ms
        before_ms = wall_ms - settings.max_age_days * _DAY_MS if settings.max_age_days and is_believed else None
        most_bytes = settings.max_size_mb * _MIB if settings.max_size_mb else None
        ended_days = settings.ended_channels_days
        if ended_days and is_believed and upkeep.drop_ended(wall_ms - ended_days * _DAY_MS):
            return True
        if not settings.max_age_days and not settings.max_size_mb:
            return False
        return upkeep.prune_some(before_ms=before_ms, most_bytes=most_bytes) > 0
