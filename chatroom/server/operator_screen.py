"""The log: one line for each event that an operator wants to know of, on stderr or in a file.

A thread of its own writes it. A terminal may be stopped (Ctrl-S), a pipe full or a disk slow, and the chat must go on.
That thread also finds the area of each line, drops what the levels do not show, and thins lines that repeat, for all
who log (``chatroom.server.log_thinning``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from chatroom.chat.log_levels import LogLevels, area_of
from chatroom.chat.log_line import Level, LogLine
from chatroom.server.log_event import LogEvent
from chatroom.server.log_output import LogOutput
from chatroom.server.log_thinning import Likeness, LogThinning
from chatroom.server.loop_thread import LoopThread

if TYPE_CHECKING:
    from chatroom.config.observing import Log

_MOST_WAITING = 10_000
"""The most groups of lines that wait; further ones are dropped."""
_GATHER_S = 0.05
"""The pause after each write, in which lines gather: waking this thread takes Python's lock from the I/O threads."""


_Group = tuple[float, Sequence[str], Likeness | None, Level, str]
"""Lines as they were given to ``Screen.show``, after their Unix time. A plain tuple: an I/O thread makes it."""


class Screen(LoopThread):
    """Writes log lines, in order."""

    def __init__(
        self,
        zone: tzinfo | None = None,
        levels: LogLevels | None = None,
        output: LogOutput | None = None,
        *,
        as_json: bool = False,
    ) -> None:
        super().__init__("screen")
        self._zone = zone
        """The zone of the times; None is that of this machine."""
        self.levels = LogLevels() if levels is None else levels
        self.output = LogOutput() if output is None else output
        self._as_json = as_json
        self._lock = threading.Lock()
        """Guards ``_waiting`` and ``_dropped``. No other lock is taken while it is held."""
        self._waiting: list[_Group] = []
        """Groups of lines that are not written yet."""
        self._thinning = LogThinning()
        self._dropped = 0
        """How many lines were dropped since the last write."""
        self._has_lines = threading.Event()
        self._is_ending = threading.Event()

    def show(
        self,
        lines: Sequence[str],
        likeness: Likeness | None = None,
        level: Level = Level.INFO,
        area: str = "server",
    ) -> None:
        """Have lines written. They are dropped if far too many wait already. From any thread.

        With a likeness, the lines are one event, such as a traceback, and thinned as one. Without it, each line is one.
        A ``LogLine`` has its own level and area, and is thinned by its text and place; any other text is not thinned.
        """
        with self._lock:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append((time.time(), lines, likeness, level, area))
            else:
                self._dropped += len(lines)
        if not self._has_lines.is_set():  # setting an event takes its lock, looking at it does not
            self._has_lines.set()

    def stop(self, patience_s: float) -> None:
        """Write the waiting lines and end; give up after that time. From any other thread."""
        self._is_ending.set()
        self._has_lines.set()
        self.join(patience_s)

    def run(self) -> None:
        """Write until stopped."""
        while not self._is_ending.is_set():
            self._has_lines.wait(self._wait_s())
            self._has_lines.clear()
            self._write_waiting(is_last=False)
            self._is_ending.wait(_GATHER_S)
        self._write_waiting(is_last=True)

    def _wait_s(self) -> float | None:
        """How long to wait for lines: until it is time to say how many were held back, if any were."""
        ends_at_s = self._thinning.ends_at_s
        if ends_at_s is None or not self._thinning.holds_any:
            return None
        return max(0.0, ends_at_s - time.monotonic())

    def _write_waiting(self, *, is_last: bool) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
            dropped, self._dropped = self._dropped, 0
        now_s, unix_s = time.monotonic(), time.time()
        events: list[LogEvent] = []
        if self._thinning.ends_at_s is not None and now_s >= self._thinning.ends_at_s:
            events += self._thinning.end_minute(unix_s)
        if dropped:
            dropped_at = waiting[0][0] if waiting else unix_s
            events.append(LogEvent(dropped_at, Level.WARNING, "server", [f"({dropped} lines were not shown)"]))
        events += self._choose(waiting, now_s)
        if is_last:
            events += self._thinning.end_minute(unix_s)
        if events and not self.output.write(self._format(events)):
            with self._lock:
                self._dropped += dropped + sum(len(event.lines) for event in events)

    def _choose(self, waiting: list[_Group], now_s: float) -> list[LogEvent]:
        """Return the events of the groups that are to be written."""
        thinning, levels, chosen = self._thinning, self.levels.list_all(), []
        for unix_s, lines, likeness, level, area in waiting:
            if likeness is not None:
                event = LogEvent(unix_s, level, area, lines)
                same, alike, most_same, most_alike = likeness
                if level <= levels[area] and thinning.shows(event, same, alike, now_s, most_same, most_alike):
                    chosen.append(event)
                continue
            for line in lines:
                if isinstance(line, LogLine):
                    place, own_level = line.place, line.level
                    own_area = area_of(place[0])
                    if own_level <= levels[own_area]:
                        parts = unix_s, own_level, own_area, [line]
                        if thinning.shows(parts, line, place, now_s):
                            chosen.append(LogEvent(*parts))
                elif level <= levels[area]:
                    chosen.append(LogEvent(unix_s, level, area, [line]))
        return chosen

    def _format(self, events: list[LogEvent]) -> bytes:
        is_journal = self.output.is_journal
        if self._as_json:
            return "".join(event.to_json(is_journal=is_journal) for event in events).encode()
        return "".join(event.to_text(self._zone, is_journal=is_journal) for event in events).encode(errors="replace")


def make_screen(settings: Log, zone: tzinfo | None) -> Screen:
    """Make the screen that the section ``[log]`` asks for."""
    levels = LogLevels(Level[settings.level.upper()])
    return Screen(zone, levels, LogOutput(settings.file), as_json=settings.format == "json")
