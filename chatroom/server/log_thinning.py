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


class _Place:
    """What was shown and held back in this minute of one place in the code: of lines that are alike."""

    __slots__ = ("count", "event", "held", "shown", "texts")

    def __init__(self) -> None:
        self.shown = 0
        """How many lines were shown."""
        self.texts: dict[Hashable, int] = {}
        """How many lines said the same, by what they say."""
        self.held: dict[Hashable, tuple[Event, int]] = {}
        """The lines held back because others said the same, by what they say: the last one, and how many there were."""
        self.event: Event | None = None
        """The last line that was held back because too many are alike, and the number of them."""
        self.count = 0


class LogThinning:
    """Counts the log lines of the minute under way. One thread uses it."""

    def __init__(self) -> None:
        self._places: dict[Hashable, _Place] = {}
        self._going_on: frozenset[Hashable] = frozenset()
        """The lines that were held back in the last minute, with their places. They are not shown again while they go
        on."""
        self.ends_at_s: float | None = None
        """When the minute ends, at the latest; None if no line was counted since the last one ended."""

    @property
    def holds_any(self) -> bool:
        """True if ``end_minute`` has something to say."""
        return any(place.held or place.count for place in self._places.values())

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
        at = self._places.get(place)
        if at is None:
            at = self._places[place] = _Place()
        shown = at.texts.get(text, 0)
        if shown >= most_same or (self._going_on and (place, text) in self._going_on):
            before = at.held.get(text)
            at.held[text] = event, 1 if before is None else before[1] + 1
            return False
        if at.shown >= most_alike:
            # Not counted by its text: texts without end would fill the memory.
            at.event = event
            at.count += 1
            return False
        at.texts[text] = shown + 1
        at.shown += 1
        return True

    def end_minute(self, unix_s: float) -> list[LogEvent]:
        """Begin a new minute, at that Unix time. Return an event for each kind that was held back in the last one."""
        places = self._places
        held = [one for at in places.values() for one in at.held.values()]
        held += [(at.event, at.count) for at in places.values() if at.event is not None]
        # Lines that are only alike are shown anew in each minute: they are about different people.
        self._going_on = frozenset((place, text) for place, at in places.items() for text in at.held)
        self._places, self.ends_at_s = {}, None
        return [LogEvent(unix_s, level, area, lines[:1], count) for (_, level, area, lines, *_), count in held]
