"""How long the server takes for an answer, in milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from chatroom.irc.message import Message

EVERY_S = 30.0
"""How often the server is asked. What a silent server does is the link's to watch."""
_MARK = "lag-"


class LagClock:
    """Measures the lag, from a PING to its PONG. ``clock`` returns seconds that only go up."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.ms: int | None = None
        """The last measurement; None if there is none."""
        self._clock = clock
        self._count = 0
        self._asked_at: float | None = None

    def next_ping(self) -> str:
        """Return the line to send now; empty for none."""
        now = self._clock()
        if self._asked_at is not None and now < self._asked_at + EVERY_S:
            return ""
        self._count += 1
        self._asked_at = now
        return f"PING :{_MARK}{self._count}"

    @property
    def next_in_s(self) -> float:
        """After how many seconds there is a line to send."""
        return max(self._asked_at + EVERY_S - self._clock(), 0.0) if self._asked_at is not None else 0.0

    def look(self, messages: Iterable[Message]) -> None:
        """Look for the answer among messages of the server."""
        for message in messages:
            is_answer = message.verb == "PONG" and message.params[-1:] == [f"{_MARK}{self._count}"]
            if is_answer and self._asked_at is not None:
                self.ms = round((self._clock() - self._asked_at) * 1000)
