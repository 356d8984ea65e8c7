"""Lines of stdin, read by a thread of their own."""

from __future__ import annotations

import codecs
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

READ_AHEAD = 100
"""How many lines are read before the first of them is sent."""


class LineSource:
    """Reads lines from a file descriptor as soon as they are there.

    It does not use ``sys.stdin``: a thread that waits in a buffered read holds a lock that the interpreter needs at its
    end, and the program would hang. A UTF-8 byte order mark at the start is no part of the first line.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending: deque[bytes] = deque()
        self._rest = b""
        self._ended = False
        self._at_start = True

    def read_line(self) -> str | None:
        """Wait for the next line and return it without its line end; None at the end of the input.

        Raises OSError if the descriptor cannot be read.
        """
        while not self._pending and not self._ended:
            data = self._read()
            *whole, self._rest = (self._rest + data).split(b"\n")
            self._pending.extend(whole)
            if not data:
                self._ended = True
                if self._rest:
                    self._pending.append(self._rest)
        if not self._pending:
            return None
        line = self._pending.popleft()
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(codecs.BOM_UTF8)
        return line.decode(errors="replace").rstrip("\r")

    def _read(self) -> bytes:
        while True:
            try:
                return os.read(self._descriptor, 65536)
            except BlockingIOError:
                # Another program that shares the descriptor has made it non-blocking.
                select.select([self._descriptor], [], [])


@dataclass(frozen=True, slots=True)
class Typed:
    """A line from stdin; None at the end of the input."""

    line: str | None
    failure: str = ""
    """Why stdin could not be read any further; empty at its real end."""


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
            self._post(Typed(None))
        except OSError as error:
            self._post(Typed(None, error.strerror or str(error)))
