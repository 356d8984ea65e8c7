"""The clocks of the machine, and a look at whether the wall clock was set."""

from __future__ import annotations

import time

SET_MS = 1000
"""A wall clock that is off its course by more than this was set; by less, it was kept right."""


def read_clocks() -> tuple[int, int]:
    """Read the wall clock, in Unix milliseconds, and the monotonic clock, in milliseconds since some moment."""
    return time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000


class ClockWatch:
    """Notices when the wall clock is set, by the monotonic clock. One thread uses it."""

    def __init__(self, wall_ms: int, mono_ms: int) -> None:
        self._offset_ms = wall_ms - mono_ms
        """The difference of the two clocks at the last look that found the wall clock set, or at the start."""

    def look(self, wall_ms: int, mono_ms: int) -> int:
        """Return by how many milliseconds the wall clock was set ahead since the last look; below 0, back."""
        set_ms = wall_ms - mono_ms - self._offset_ms
        if abs(set_ms) <= SET_MS:
            return 0
        self._offset_ms += set_ms
        return set_ms
