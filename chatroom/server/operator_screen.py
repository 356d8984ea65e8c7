"""The log on stderr: one line for each event that an operator wants to know of.

A thread of its own writes it. A terminal may be stopped (Ctrl-S) or a pipe full, and the chat must go on. Lines that
repeat are thinned here, for all who log (``chatroom.server.log_thinning``).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from datetime import tzinfo

from chatroom.chat.log_line import LogLine
from chatroom.irc.times import format_stamp
from chatroom.server.log_thinning import Likeness, LogThinning
from chatroom.server.loop_thread import LoopThread

_MOST_WAITING = 10_000
"""The most groups of lines that wait; further ones are dropped."""
_GATHER_S = 0.05
"""The pause after each write, in which lines gather: waking this thread takes Python's lock from the I/O threads."""
_STDERR = 2


class Screen(LoopThread):
    """Writes log lines, in order."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        super().__init__("screen")
        self._zone = zone
        """The zone of the times; None is that of this machine."""
        self._lock = threading.Lock()
        """Guards ``_waiting`` and ``_dropped``. No other lock is taken while it is held."""
        self._waiting: list[tuple[float, Sequence[str], Likeness | None]] = []
        """Groups of lines that are not written yet, each with its Unix time in seconds."""
        self._thinning = LogThinning()
        self._dropped = 0
        """How many lines were dropped since the last write."""
        self._has_lines = threading.Event()
        self._is_ending = threading.Event()

    def show(self, lines: Sequence[str], likeness: Likeness | None = None) -> None:
        """Have lines written. They are dropped if far too many wait already. From any thread.

        With a likeness, the lines are thinned as one, such as a traceback. Without it, each ``LogLine`` is thinned by
        its text and place, and any other text is always shown.
        """
        with self._lock:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append((time.time(), lines, likeness))
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
        now_s = time.monotonic()
        texts: list[str] = []
        if self._thinning.ends_at_s is not None and now_s >= self._thinning.ends_at_s:
            texts.append(self._stamped(time.time(), self._thinning.end_minute()))
        if dropped:
            texts.append(self._stamped(waiting[0][0], [f"({dropped} lines were not shown)"]))
        for when, lines, likeness in waiting:
            texts.append(self._stamped(when, self._thinned(lines, likeness, now_s)))
        if is_last:
            texts.append(self._stamped(time.time(), self._thinning.end_minute()))
        text = "".join(texts)
        if text:
            with contextlib.suppress(OSError):  # the terminal or pipe is gone; the chat goes on
                _write(text.encode(errors="replace"))

    def _thinned(self, lines: Sequence[str], likeness: Likeness | None, now_s: float) -> Sequence[str]:
        shows = self._thinning.shows
        if likeness is not None:
            return lines if shows(lines[0], likeness, now_s) else ()
        return [
            line for line in lines if not isinstance(line, LogLine) or shows(line, Likeness(line, line.place), now_s)
        ]

    def _stamped(self, when: float, lines: Sequence[str]) -> str:
        if not lines:
            return ""
        moment = format_stamp(when, self._zone)
        return "".join(f"{moment} {_printable(line)}\n" for line in lines)


def _write(data: bytes) -> None:
    """Write all of the data without Python's own buffer.

    The interpreter takes the buffer's lock when it ends, and a write to a stopped terminal would hold it.
    """
    while data:
        data = data[os.write(_STDERR, data) :]


def _printable(line: str) -> str:
    """Return a line without control characters: a nick or text must not break or colour the log."""
    return line if line.isprintable() else "".join(char if char.isprintable() else "?" for char in line)
