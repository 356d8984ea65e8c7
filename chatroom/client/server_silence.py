"""How long the server has not answered, and when to ask if it is still there.

Times are seconds of a monotonic clock.
"""

from __future__ import annotations

IDLE_S = 15.0
"""After this long without a byte from the server, a PING asks for one."""
ALONE_S = 60.0
"""The same while nobody is there to see the answer: each PING wakes the client up."""
THERE_S = 120.0
"""For how long after a key, or after news from the server, somebody counts as there."""
ANSWER_S = 1.0
"""After this long without a byte from the server since the client wrote something, a PING asks for one."""
SHOWN_S = 3.0
"""A wait for an answer that is longer than this is shown to the user."""
PATIENCE_S = 60.0
"""A server that answers nothing for this long is given up."""


class ServerSilence:
    """Follows one connection from ``now`` on. The server answers by any byte.

    Somebody counts as there always, until the first call of ``attended``.
    """

    def __init__(
        self, now: float, *, idle_s: float = IDLE_S, there_s: float = THERE_S, patience_s: float = PATIENCE_S
    ) -> None:
        self._idle_s = idle_s
        self._alone_s = max(idle_s, ALONE_S)
        self._there_s = there_s
        self._there_until: float | None = None  # None for always
        self._patience_s = patience_s
        self._heard_at = now
        # When the client first wrote something that the server may have to answer; None if there is nothing.
        self._waits_since: float | None = None
        self._has_asked = False

    def attended(self, at: float) -> None:
        """Take note of when the user was there last. A PING that was put off until then is due at once."""
        self._there_until = max(at + self._there_s, self._there_until or 0.0)

    def heard(self, now: float, *, is_news: bool) -> None:
        """Take note of bytes from the server. ``is_news``: more than answers to a PING was among them."""
        if is_news and self._there_until is not None:
            self.attended(now)
        self._heard_at = now
        self._waits_since = None
        self._has_asked = False

    def wrote(self, now: float) -> None:
        """Take note of bytes for the server."""
        if self._waits_since is None:
            self._waits_since = now

    def asks(self, now: float) -> bool:
        """True if a PING must go out now. It counts as written."""
        if now < self._ask_at():
            return False
        self._has_asked = True
        self.wrote(now)
        return True

    def lag_s(self, now: float) -> int:
        """Return for how many whole seconds the user waits for an answer; 0 if that is too short to be shown."""
        waited = now - self._waits_since if self._waits_since is not None else 0.0
        return int(waited) if waited >= SHOWN_S else 0

    def is_lost(self, now: float) -> bool:
        """True if the server is to be given up."""
        return self._waits_since is not None and now >= self._waits_since + self._patience_s

    def wake_at(self, now: float) -> float:
        """Return when ``asks``, ``lag_s`` or ``is_lost`` changes next."""
        if self._waits_since is None:
            return self._ask_at()
        next_lag_s = max(SHOWN_S, self.lag_s(now) + 1)
        return min(self._ask_at(), self._waits_since + min(next_lag_s, self._patience_s))

    @property
    def is_alone(self) -> bool:
        """True if the next PING is put off because nobody will be there then."""
        return self._there_until is not None and self._heard_at + self._idle_s >= self._there_until

    def _ask_at(self) -> float:
        if self._has_asked:
            return float("inf")
        idle_at = self._heard_at + (self._alone_s if self.is_alone else self._idle_s)
        return idle_at if self._waits_since is None else min(idle_at, self._waits_since + ANSWER_S)
