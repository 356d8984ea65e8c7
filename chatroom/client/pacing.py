"""Messages are sent no faster than the server reads them.

After ``BURST`` lines the pacer sends a PING, and further lines wait for its PONG. So a long paste or a piped file does
not run into a flood limit, and the caller knows when the server has read all of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

BURST = 8
"""How many lines may be unconfirmed: few enough for the flood limits of common servers (ours allows 40 at once)."""
_TOKEN = "said-"  # noqa: S105


class Parcel(NamedTuple):
    """Lines that make one message. Nothing is written between them."""

    lines: tuple[str, ...]
    key: str = ""
    """What the caller knows the message by."""


class Pacer:
    """A queue of messages in front of ``write``. For use by one thread.

    ``again``: messages that a lost connection had not confirmed are sent again on the next one. They may arrive twice,
    but none is lost. That is right for a script. A user decides for each one.
    """

    def __init__(self, write: Callable[[str], None], *, again: bool = False) -> None:
        self._write = write
        self._again = again
        self.confirms = False
        """True if the last message is followed by a PING too, so that ``pong`` soon confirms every message."""
        self._waiting: deque[Parcel] = deque()
        self._unconfirmed: list[Parcel] = []
        self._since_fence = 0  # lines that were written after the last PING
        self._fences = 0
        self._fenced = False  # a PING of ours has no answer yet
        self.is_open = False
        """True while the server takes messages."""

    @property
    def idle(self) -> bool:
        """True if the server has confirmed every line."""
        return not self._waiting and not self._unconfirmed and not self._fenced

    @property
    def waiting(self) -> int:
        """The number of messages that are not written yet."""
        return len(self._waiting)

    def waits(self, key: str) -> bool:
        """Tell if the message of this key is not written yet."""
        return any(parcel.key == key for parcel in self._waiting)

    def open(self) -> None:
        """Begin to write. With ``again`` this includes what a lost connection had not confirmed."""
        self.is_open = True
        self._fenced = False
        self._since_fence = 0
        if self._again:
            self._waiting.extendleft(reversed(self._unconfirmed))
        self._unconfirmed.clear()
        self._pump()

    def close(self) -> None:
        """Stop to write: the connection is lost. Lines that wait are for the next one."""
        self.is_open = False

    def clear(self) -> list[Parcel]:
        """Drop the messages that are not written yet, and return them."""
        dropped = list(self._waiting)
        self._waiting.clear()
        return dropped

    def send(self, *lines: str, key: str = "") -> None:
        """Queue the lines of a message. They are written at once if no message before them waits."""
        self._waiting.append(Parcel(lines, key))
        self._pump()

    def flush(self) -> None:
        """Ask the server to confirm everything that was written."""
        if self.is_open and not self._fenced:
            self._fence()

    def pong(self, token: str) -> list[Parcel] | None:
        """Take a PONG, and return the messages that it confirms; None if it does not answer a PING of the pacer."""
        if not token.startswith(_TOKEN):
            return None
        confirmed: list[Parcel] = []
        # The number tells an answer to the last PING from one to a PING of an earlier connection.
        if self._fenced and token == f"{_TOKEN}{self._fences}":
            self._fenced = False
            confirmed, self._unconfirmed = self._unconfirmed, []
            self._since_fence = 0
            self._pump()
        return confirmed

    def _pump(self) -> None:
        while self.is_open and not self._fenced and self._waiting:
            parcel = self._waiting.popleft()
            self._unconfirmed.append(parcel)
            for line in parcel.lines:
                self._write(line)
            self._since_fence += len(parcel.lines)
            if self._since_fence >= BURST:
                self._fence()
        if self.confirms and self.is_open and self._unconfirmed and not self._fenced:
            self._fence()

    def _fence(self) -> None:
        self._fences += 1
        self._fenced = True
        self._write(f"PING :{_TOKEN}{self._fences}")
