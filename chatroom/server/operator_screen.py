"""The log on stderr: one line for each event that an operator wants to know of.

A thread of its own writes it. A terminal may be stopped (Ctrl-S) or a pipe full, and the chat must go on.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from datetime import tzinfo

from chatroom.irc.times import format_stamp

_MOST_WAITING = 10_000
"""The most groups of lines that wait; further ones are dropped."""
_GATHER_S = 0.05
"""The pause after each write, in which lines gather: waking this thread takes Python's lock from the I/O threads."""
_STDERR = 2


class Screen(threading.Thread):
    """Writes log lines, in order. A daemon thread: a stopped terminal must not delay the process's end."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        super().__init__(name="screen", daemon=True)
        self._zone = zone
        """The zone of the times; None is that of this machine."""
        self._lock = threading.Lock()
        """Guards ``_waiting`` and ``_dropped``. No other lock is taken while it is held."""
        self._waiting: list[tuple[float, list[str]]] = []
        """Groups of lines that are not written yet, each with its Unix time in seconds."""
        self._dropped = 0
        """How many lines were dropped since the last write."""
        self._has_lines = threading.Event()
        self._is_ending = threading.Event()

    def show(self, lines: list[str]) -> None:
        """Have lines written. They are dropped if far too many wait already. From any thread."""
        with self._lock:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append((time.time(), lines))
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
            self._has_lines.wait()
            self._has_lines.clear()
            self._write_waiting()
            self._is_ending.wait(_GATHER_S)
        self._write_waiting()

    def _write_waiting(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
            dropped, self._dropped = self._dropped, 0
        if not waiting:
            return
        if dropped:
            waiting.insert(0, (waiting[0][0], [f"({dropped} lines were not shown)"]))
        text = "".join(self._stamped(when, lines) for when, lines in waiting)
        with contextlib.suppress(OSError):  # the terminal or pipe is gone; the chat goes on
            _write(text.encode(errors="replace"))

    def _stamped(self, when: float, lines: list[str]) -> str:
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
