"""Lines of stdin, read by a thread of their own."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

READ_AHEAD = 100
"""How many lines are read before the first of them is sent."""


class LineSource:
    """Reads lines from a file descriptor as soon as they are there.

    It does not use ``sys.stdin``: a thread that waits in a buffered read holds a lock that the interpreter needs at its
    end, and the program would hang.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending: deque[bytes] = deque()
        self._rest = b""
        self._ended = False

    def read_line(self) -> str | None:
        """Wait for the next line and return it without its line end; None at the end of the input."""
        while not self._pending and not self._ended:
            data = os.read(self._descriptor, 65536)
            *whole, self._rest = (self._rest + data).split(b"\n")
            self._pending.extend(whole)
            if not data:
                self._ended = True
                if self._rest:
                    self._pending.append(self._rest)
        return self._pending.popleft().decode(errors="replace").rstrip("\r") if self._pending else None


@dataclass(frozen=True, slots=True)
class Typed:
    """A line from stdin; None at the end of the input."""

    line: str | None


class StdinThread:
    """Posts each line of a source, at most ``READ_AHEAD`` lines before they are used.

    ``post`` is called from the thread and must not block.
    """

    def __init__(self, source: LineSource, post: Callable[[Typed], None]) -> None:
        self._source = source
        self._post = post
        self._free = threading.Semaphore(READ_AHEAD)
        self._is_started = False

    def start(self) -> None:
        """Start to read. Further calls do nothing."""
        if not self._is_started:
            self._is_started = True
            # A daemon thread, because a read of a terminal or pipe cannot be interrupted when the chat is over.
            threading.Thread(target=self._run, name="stdin", daemon=True).start()

    def release(self) -> None:
        """Report that one posted line has been used, so that one more may be read."""
        self._free.release()

    def _run(self) -> None:
        try:
            while (line := self._source.read_line()) is not None:
                self._free.acquire()
                self._post(Typed(line))
        except OSError:
            pass  # a terminal that is gone has no more lines either
        finally:
            self._post(Typed(None))
