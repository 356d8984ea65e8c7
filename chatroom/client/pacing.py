"""What we say, no faster than the server reads it.

At most ``BURST`` lines are under way; then a PING follows them, and the next ones wait for its PONG. So no flood limit
cuts off a long paste or a piped file, and whoever asks knows when all of it has reached the server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

BURST = 8
_TOKEN = "said-"


class Pacer:
    """A queue of lines in front of ``write``. Belongs to one thread.

    ``again``: what a lost connection had not confirmed is said again on the next, rather twice than never. A script
    wants that; a person sees what was said, and would be surprised.
    """

    def __init__(self, write: Callable[[str], None], *, again: bool = False) -> None:
        self._write = write
        self._again = again
        self._waiting: deque[str] = deque()
        self._underway: list[str] = []
        self._fences = 0
        self._fenced = False
        self.is_open = False

    @property
    def idle(self) -> bool:
        """Whether the server has confirmed everything."""
        return not self._waiting and not self._underway and not self._fenced

    @property
    def waiting(self) -> int:
        """How many lines have not gone out yet."""
        return len(self._waiting)

    def open(self) -> None:
        """The server takes lines from here on. What was under way on a lost connection goes out again, if wanted."""
        self.is_open = True
        self._fenced = False
        if self._again:
            self._waiting.extendleft(reversed(self._underway))
        self._underway.clear()
        self._pump()

    def close(self) -> None:
        """The connection is lost; lines are kept for the next."""
        self.is_open = False

    def clear(self) -> None:
        """Forget everything that is not under way."""
        self._waiting.clear()

    def send(self, line: str) -> None:
        """Send the line as soon as its turn has come."""
        self._waiting.append(line)
        self._pump()

    def flush(self) -> None:
        """Ask the server for a sign that it has read everything so far."""
        if self.is_open and not self._fenced:
            self._fence()

    def pong(self, token: str) -> bool:
        """A PONG came; whether it was one of ours."""
        if not token.startswith(_TOKEN):
            return False
        if self._fenced and token == f"{_TOKEN}{self._fences}":
            self._fenced = False
            self._underway.clear()
            self._pump()
        return True

    def _pump(self) -> None:
        while self.is_open and not self._fenced and self._waiting:
            line = self._waiting.popleft()
            self._underway.append(line)
            self._write(line)
            if len(self._underway) >= BURST:
                self._fence()

    def _fence(self) -> None:
        self._fences += 1
        self._fenced = True
        self._write(f"PING :{_TOKEN}{self._fences}")
