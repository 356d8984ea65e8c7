"""When to connect again after a lost connection."""

from __future__ import annotations

from collections.abc import Callable

STEADY_S = 30.0
"""After a connection that lasted this long, the pauses begin again with the shortest one."""
GHOST_TRIES = 5
"""How many reconnects wait for the server to drop the lost connection, which still has the user's nick."""

_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


def backoff_s(attempt: int, chance: float) -> float:
    """Return the pause before an attempt, in seconds.

    ``attempt`` counts from 0. ``chance`` is in [0, 1) and varies the pause by 10 % either way, so that the clients of a
    restarted server do not all come back in the same moment.
    """
    step = _PAUSES_S[min(attempt, len(_PAUSES_S) - 1)]
    return step * (0.9 + 0.2 * chance)


class Retries:
    """Counts the attempts to reconnect. ``clock`` returns seconds, ``chance`` a number in [0, 1)."""

    def __init__(self, clock: Callable[[], float], chance: Callable[[], float], most_attempts: int | None) -> None:
        self.attempts = 0
        """Attempts since the last steady connection."""
        self._clock = clock
        self._chance = chance
        self._most_attempts = most_attempts
        self._ghost_tries = 0
        self._welcomed_at = 0.0

    def welcomed(self) -> None:
        """Start to measure how long the new connection lasts."""
        self._welcomed_at = self._clock()
        self._ghost_tries = 0

    def next_pause_s(self, *, was_online: bool) -> float | None:
        """Count one more attempt and return the pause before it; None if no attempt is left.

        ``was_online``: the connection that ended had been welcomed.
        """
        if was_online and self._clock() - self._welcomed_at >= STEADY_S:
            self.attempts = 0
        if self.attempts == self._most_attempts:
            return None
        pause_s = backoff_s(self.attempts, self._chance())
        self.attempts += 1
        return pause_s

    def wait_for_ghost(self) -> bool:
        """Count one more wait for the lost connection to give the nick back; False if there were enough."""
        if self._ghost_tries == GHOST_TRIES:
            return False
        self._ghost_tries += 1
        return True
