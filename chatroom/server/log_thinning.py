"""Thinning the log: what repeats is shown a few times a minute, and otherwise counted.

Who connects again and again, sends what is refused, or damages a page of the database, must not fill the disk with log
lines. Callers log what happens, however often it does; only this module holds lines back. At the end of each minute it
says of which lines it held back how many.

Pure arithmetic: the caller reads the clock.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from chatroom.chat.log_line import Level
from chatroom.server.log_event import LogEvent

MINUTE_S = 60.0
SAME_LINES = 10
"""How often one line is shown in a minute."""
ALIKE_LINES = 300
"""How many lines of one place in the code are shown in a minute."""
ALIKE_FAULTS = 10
"""How many faults of one place in the code are shown in a minute; each may be a whole traceback."""

Event = LogEvent | tuple[float, Level, str, Sequence[str]]
"""An event, or its first four values."""


class Likeness(NamedTuple):
    """What a log line has in common with others, and how many of those are shown in a minute."""

    same: Hashable
    """Equal for lines that say the same."""
    alike: Hashable
    """Equal for lines that say the same of different people."""
    most_same: int = SAME_LINES
    most_alike: int = ALIKE_LINES


class _Tally:
    """What was shown and held back in this minute, by one of the two keys of a ``Likeness``."""

    __slots__ = ("held", "shown")

    def __init__(self) -> None:
        self.shown: dict[Hashable, int] = {}
        """How many lines of each key were shown."""
        self.held: dict[Hashable, tuple[Event, int]] = {}
        """The last event of each key that was held back, and the number of them."""


class LogThinning:
    """Counts the log lines of the minute under way. One thread uses it."""

    def __init__(self) -> None:
        self._same = _Tally()
        self._alike = _Tally()
        self._going_on: frozenset[Hashable] = frozenset()
        """The lines that were held back in the last minute. They are not shown again while they go on."""
        self.ends_at_s: float | None = None
        """When the minute ends, at the latest; None if no line was counted since the last one ended."""

    @property
    def holds_any(self) -> bool:
        """True if ``end_minute`` has something to say."""
        return bool(self._same.held or self._alike.held)

    def shows(
        self,
        event: Event,
        text: Hashable,
        place: Hashable,
        now_s: float,
        most_same: int = SAME_LINES,
        most_alike: int = ALIKE_LINES,
    ) -> bool:
        """Count an event, and return True if it is to be shown. Call ``end_minute`` first if the minute is over.

        ``text`` is what a ``Likeness`` calls same, ``place`` alike. A line of the log is given as a plain tuple: who
        floods the log makes events that nobody is shown.
        """
        if self.ends_at_s is None:
            self.ends_at_s = now_s + MINUTE_S
        tally = self._same
        key: Hashable = (place, text)
        same_shown = tally.shown.get(key, 0)
        if same_shown < most_same and key not in self._going_on:
            tally = self._alike
            alike_shown = tally.shown.get(place, 0)
            if alike_shown < most_alike:
                self._same.shown[key], tally.shown[place] = same_shown + 1, alike_shown + 1
                return True
            # Not counted by its text: texts without end would fill the memory.
            key = place
        before = tally.held.get(key)
        tally.held[key] = event, 1 if before is None else before[1] + 1
        return False

    def end_minute(self, unix_s: float) -> list[LogEvent]:
        """Begin a new minute, at that Unix time. Return an event for each kind that was held back in the last one."""
        held = [*self._same.held.values(), *self._alike.held.values()]
        # Lines that are only alike are shown anew in each minute: they are about different people.
        self._going_on = frozenset(self._same.held)
        self._same, self._alike, self.ends_at_s = _Tally(), _Tally(), None
        return [LogEvent(unix_s, level, area, lines[:1], count) for (_, level, area, lines, *_), count in held]
