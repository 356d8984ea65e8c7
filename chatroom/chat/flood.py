"""Too much of anything: lines of one session, failed logins, connections of one address.

Pure arithmetic on moments in milliseconds of one clock that does not go backward; every table is bounded, so that
whoever comes from many addresses costs no memory either. Guarded by the hub lock, except that a ``ConnectionBudget``
may as well belong to the one thread that accepts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

WINDOW_MS = 10 * 60_000
"""How long a failed login counts."""

FREE_FAILURES = 3
"""How many failed logins cost nothing."""

LONGEST_DELAY_MS = 30_000
MOST_KEYS = 10_000
MINUTE_MS = 60_000


SUBSCRIBER_BITS = 64
"""How much of an IPv6 address whoever has it may choose at will: one subscriber has the whole /64."""


def origin(version: int, address: int) -> str:
    """Whom an address is counted as: an IPv4 address as itself, an IPv6 one as its /64."""
    return f"6 {address >> SUBSCRIBER_BITS:x}" if version == 6 else f"4 {address:x}"


class LineBudget:
    """A token bucket: ``burst`` lines at once, ``per_s`` lines a second for long. One a session, so it is small."""

    __slots__ = ("_burst_us", "_full_at_us", "_line_us")

    def __init__(self, per_s: float, burst: int) -> None:
        self._line_us = round(1_000_000 / per_s)
        self._burst_us = burst * self._line_us
        self._full_at_us = 0
        """When the bucket is full again: one moment says all, so there is nothing to refill."""

    def take(self, now_ms: int) -> bool:
        """Whether one more line fits in; it is counted only if it does."""
        now_us = now_ms * 1000
        full_at = self._full_at_us
        full_at = (full_at if full_at > now_us else now_us) + self._line_us
        if full_at - now_us > self._burst_us:
            return False
        self._full_at_us = full_at
        return True

    def wait_ms(self, now_ms: int) -> int:
        """How long until ``take`` will say yes; 0 where it would now."""
        now_us = now_ms * 1000
        over_us = max(self._full_at_us, now_us) + self._line_us - self._burst_us - now_us
        return max(0, -(-over_us // 1000))


class LoginThrottle:
    """Slows password guessing, by address and by account.

    After ``FREE_FAILURES`` failures of a key, none ``WINDOW_MS`` after the one before, each further try of it waits 1,
    2, 4 … up to 30 seconds. Keys are any strings that tell addresses and accounts apart. At most ``most_keys`` are
    remembered; the one that failed longest ago is forgotten first.
    """

    __slots__ = ("_failures", "_most_keys")

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._failures: dict[str, tuple[int, int]] = {}
        """Key to how many failures and when the last was, in the order of the last."""
        self._most_keys = most_keys

    def __len__(self) -> int:
        return len(self._failures)

    def delay_ms(self, keys: Iterable[str], now_ms: int) -> int:
        """How long a try that concerns these keys has to wait from now; the longest of theirs."""
        return max((self._delay_of(key, now_ms) for key in keys), default=0)

    def failed(self, keys: Iterable[str], now_ms: int) -> None:
        """Count a failed try against each of its keys."""
        for key in keys:
            count = self._count(key, now_ms)
            self._failures.pop(key, None)
            self._failures[key] = (count + 1, now_ms)
        while len(self._failures) > self._most_keys:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, keys: Iterable[str]) -> None:
        """Forget the failures of these keys."""
        for key in keys:
            self._failures.pop(key, None)

    def _count(self, key: str, now_ms: int) -> int:
        count, last_ms = self._failures.get(key, (0, 0))
        return count if now_ms - last_ms < WINDOW_MS else 0

    def _delay_of(self, key: str, now_ms: int) -> int:
        over = self._count(key, now_ms) - FREE_FAILURES
        if over < 0:
            return 0
        delay_ms = min(1000 << min(over, 5), LONGEST_DELAY_MS)
        return max(0, self._failures[key][1] + delay_ms - now_ms)


class ConnectionBudget:
    """How many connections one address may have at a time, and begin within a minute.

    Addresses with an open connection are always known; of the others at most ``most_keys`` that came last. Both limits
    may be set anew at any time and hold from then on.
    """

    __slots__ = ("_begun", "_most_keys", "_open", "concurrent", "per_minute")

    def __init__(self, concurrent: int, per_minute: int, most_keys: int = MOST_KEYS) -> None:
        self.concurrent = concurrent
        self.per_minute = per_minute
        self._open: dict[str, int] = {}
        self._begun: dict[str, list[int]] = {}
        """Address to when its last connections were admitted, at most ``per_minute``; in the order of the last."""
        self._most_keys = most_keys

    def __len__(self) -> int:
        return len(self._open.keys() | self._begun.keys())

    def admit(self, address: str, now_ms: int) -> str | None:
        """None where the connection may be, and is counted; else the reason why not, and nothing is counted."""
        if self._open.get(address, 0) >= self.concurrent:
            return f"too many connections from your address (at most {self.concurrent} at a time)"
        begun = self._begun.pop(address, [])
        del begun[: bisect_right(begun, now_ms - MINUTE_MS)]
        self._begun[address] = begun
        if len(self._begun) > self._most_keys:
            del self._begun[next(iter(self._begun))]
        if len(begun) >= self.per_minute:
            return f"too many connections from your address (at most {self.per_minute} a minute)"
        begun.append(now_ms)
        self._open[address] = self._open.get(address, 0) + 1
        return None

    def released(self, address: str) -> None:
        """An admitted connection of that address has ended."""
        count = self._open.get(address, 0)
        if count > 1:
            self._open[address] = count - 1
        else:
            self._open.pop(address, None)
