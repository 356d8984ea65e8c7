"""The operator's screen: one line on stderr for everything worth knowing.

A thread of its own writes, because a terminal may be held (Ctrl-S) or a pipe full, and the chat must go on.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time

_MOST_WAITING = 10_000
_STDERR = 2


class Screen(threading.Thread):
    """Writes lines in the order in which they were shown. Daemonic: a held terminal must not hold up the end."""

    def __init__(self) -> None:
        super().__init__(name="screen", daemon=True)
        self._waiting: queue.Queue[tuple[float, list[str]] | None] = queue.Queue(_MOST_WAITING)
        self._dropped = 0

    def show(self, lines: list[str]) -> None:
        """Have lines written; where far too many wait already they are dropped. From any thread."""
        try:
            self._waiting.put_nowait((time.time(), lines))
        except queue.Full:
            self._dropped += len(lines)

    def stop(self, patience_s: float) -> None:
        """Write what waits and end; give up after that time."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=patience_s)
        self.join(patience_s)

    def run(self) -> None:
        """Write until stopped."""
        while (item := self._waiting.get()) is not None:
            when, lines = item
            if self._dropped:
                lines = [f"({self._dropped} lines were not shown)", *lines]
                self._dropped = 0
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
            text = "".join(f"{moment} {_printable(line)}\n" for line in lines)
            with contextlib.suppress(OSError):  # nobody looks any more; the chat goes on
                _write(text.encode(errors="replace"))


def _write(data: bytes) -> None:
    """Write all of it past Python's own buffer, whose lock a held terminal would keep from the interpreter's end."""
    while data:
        data = data[os.write(_STDERR, data) :]


def _printable(line: str) -> str:
    """A line that no name or text can break or colour."""
    return line if line.isprintable() else "".join(char if char.isprintable() else "?" for char in line)
