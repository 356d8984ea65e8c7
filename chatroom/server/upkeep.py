"""Keeping house in the history: indexing, retention, clearing out what was deleted, and a short write-ahead log.

A thread of its own with its own connections, in small steps: each holds the database's write lock for a few
milliseconds, so that a message waits for none of them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.errors import ChatroomError

if TYPE_CHECKING:
    from chatroom.chat.stored.history_stores import HistoryUpkeep
    from chatroom.config.settings import History

PAUSE_S = 1.0
"""Between two rounds with nothing to do."""
_STEP_PAUSE_S = 0.01
"""Between two steps of one round: whoever waits for the write lock gets it then."""
FLOOD_A_S = 1000
"""Where more entries than this come in a second, indexing them waits until it is calmer."""
MOST_WAITING = 100_000
"""How many entries wait for that before they are indexed all the same, as fast as the steps allow.

So many make a reading 11 ms slower where it has to look at all of them, and a search of ASCII words 45 ms; of other
words, half a second.
"""
_DAY_MS = 86_400_000
_MIB = 1024 * 1024

log = logging.getLogger(__name__)


class Upkeep(threading.Thread):
    """The thread. ``settings`` is asked each round for the present ``[history]``. Daemonic: every step is a whole."""

    def __init__(self, open_upkeep: Callable[[], HistoryUpkeep], settings: Callable[[], History]) -> None:
        super().__init__(name="upkeep", daemon=True)
        self._open = open_upkeep
        self._settings = settings
        self._stopping = threading.Event()
        self._looked_at_s = time.monotonic()

    def stop(self, patience_s: float) -> None:
        """End after the step under way. From any other thread."""
        self._stopping.set()
        self.join(patience_s)

    def run(self) -> None:
        """Keep house until stopped; what fails is tried again in the next round."""
        upkeep: HistoryUpkeep | None = None
        pause_s = PAUSE_S
        while not self._stopping.wait(pause_s):
            pause_s = PAUSE_S
            try:
                upkeep = upkeep or self._open()
                if self._do_round(upkeep):
                    pause_s = _STEP_PAUSE_S
            except ChatroomError as error:
                log.info("upkeep of the history waits: %s", error)
            except Exception:
                log.exception("upkeep of the history failed")
        if upkeep is not None:
            upkeep.close()

    def _do_round(self, upkeep: HistoryUpkeep) -> bool:
        """Do what there is to do; whether there is more."""
        has_more = self._index(upkeep)
        self._repeat(lambda: self._prune(upkeep))
        self._repeat(upkeep.scrub_some)
        upkeep.trim_log()
        return has_more

    def _index(self, upkeep: HistoryUpkeep) -> bool:
        """Index what waits, but not in a flood: it would take the processor and the write lock from those who write.

        Ends after a while for another look; whether it did so.
        """
        now_s = time.monotonic()
        behind = upkeep.measure_lag()
        is_flood = behind.came > FLOOD_A_S * (now_s - self._looked_at_s)
        self._looked_at_s = now_s
        if is_flood and behind.waiting <= MOST_WAITING:
            return False
        while upkeep.index_some():
            if self._stopping.wait(_STEP_PAUSE_S) or time.monotonic() > now_s + PAUSE_S:
                return True
        return False

    def _repeat(self, step: Callable[[], bool]) -> None:
        while step() and not self._stopping.wait(_STEP_PAUSE_S):
            pass

    def _prune(self, upkeep: HistoryUpkeep) -> bool:
        settings = self._settings()
        if not settings.max_age_days and not settings.max_size_mb:
            return False
        now_ms = time.time_ns() // 1_000_000
        before_ms = now_ms - settings.max_age_days * _DAY_MS if settings.max_age_days else None
        most_bytes = settings.max_size_mb * _MIB if settings.max_size_mb else None
        return upkeep.prune_some(before_ms=before_ms, most_bytes=most_bytes) > 0
