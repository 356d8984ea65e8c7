"""The operator's screen: one line on stderr for everything worth knowing.

A thread of its own writes, because a terminal may be held (Ctrl-S) or a pipe full, and the chat must go on.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time

_MOST_WAITING = 10_000
_GATHER_S = 0.05
"""How long what is shown may wait for more, once something was written: each time this thread is woken for a few lines,
it takes Python's lock from the threads that chat."""
_STDERR = 2


class Screen(threading.Thread):
    """Writes lines in the order in which they were shown. Daemonic: a held terminal must not hold up the end."""

    def __init__(self) -> None:
        super().__init__(name="screen", daemon=True)
        self._lock = threading.Lock()
        """Guards ``_waiting`` and ``_dropped``. No other lock is taken under it."""
        self._waiting: list[tuple[float, list[str]]] = []
        self._dropped = 0
        self._has_lines = threading.Event()
        self._is_ending = threading.Event()

    def show(self, lines: list[str]) -> None:
        """Have lines written; where far too many wait already they are dropped. From any thread."""
        with self._lock:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append((time.time(), lines))
            else:
                self._dropped += len(lines)
        if not self._has_lines.is_set():
            self._has_lines.set()

    def stop(self, patience_s: float) -> None:
        """Write what waits and end; give up after that time."""
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
        text = "".join(_stamped(when, lines) for when, lines in waiting)
        with contextlib.suppress(OSError):  # nobody looks any more; the chat goes on
            _write(text.encode(errors="replace"))


def _stamped(when: float, lines: list[str]) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
    return "".join(f"{moment} {_printable(line)}\n" for line in lines)


def _write(data: bytes) -> None:
    """Write all of it past Python's own buffer, whose lock a held terminal would keep from the interpreter's end."""
    while data:
        data = data[os.write(_STDERR, data) :]


def _printable(line: str) -> str:
    """A line that no name or text can break or colour."""
    return line if line.isprintable() else "".join(char if char.isprintable() else "?" for char in line)
