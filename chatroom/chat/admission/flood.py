"""Too much of anything: lines of one session, tries to log in, connections of one address.

Pure arithmetic on moments in milliseconds of one clock that does not go backward; every table is bounded, so that
whoever comes from many addresses costs no memory either. Guarded by the hub lock, except that a ``ConnectionBudget``
may as well belong to the one thread that accepts.
"""

from __future__ import annotations

from bisect import bisect_right

WINDOW_MS = 10 * 60_000
"""How long a failed login counts."""

FREE_FAILURES = 3
"""How many failed logins cost nothing."""

LONGEST_DELAY_MS = 30_000
LONGEST_WAIT_MS = 60_000
"""How far ahead a try's turn may be; those that would come later are refused."""

MOST_COUNTED = 32
"""How many tries of a key are remembered: within ``WINDOW_MS`` no more take their turns."""

MOST_KEYS = 10_000
MINUTE_MS = 60_000
SUBSCRIBER_BITS = 64
"""How much of an IPv6 address whoever has it may choose at will: one subscriber has the whole /64."""


def limit_key(version: int, address: int) -> str:
    """Whom an address is counted as: an IPv4 address as itself, an IPv6 one as its /64."""
    return f"6 {address >> SUBSCRIBER_BITS:x}" if version == 6 else f"4 {address:x}"


def is_this_machine(version: int, address: int) -> bool:
    """Whether somebody comes from this machine's own address, which all behind a proxy here share."""
    return address == (1 if version == 6 else 0x7F000001)


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

    A try counts from its beginning, as a failure, until it is forgiven. Behind ``FREE_FAILURES`` of a key within
    ``WINDOW_MS``, its next one comes 1, 2, 4 … up to 30 seconds after the last one. Keys are any strings that tell
    addresses and accounts apart. At most ``most_keys`` are remembered; the one tried longest ago is forgotten first.
    """

    __slots__ = ("_most_keys", "_tries")

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._tries: dict[str, list[int]] = {}
        """Key to when its tries have, or will have, their turns; in the order of the last one that began."""
        self._most_keys = most_keys

    def __len__(self) -> int:
        return len(self._tries)

    def reserve(self, key: str, now_ms: int) -> int | None:
        """When a try that begins now has its turn: tries at the same time get one each. None where that is too far."""
        at_ms = max(now_ms, self._free_at(key, now_ms)[0])
        if at_ms - now_ms > LONGEST_WAIT_MS:
            return None
        self._count(key, at_ms, now_ms)
        return at_ms

    def slow(self, key: str, now_ms: int) -> int:
        """How long a try that begins now waits: never longer than the delay, however many others wait too."""
        free_at_ms, delay_ms = self._free_at(key, now_ms)
        wait_ms = max(0, min(free_at_ms - now_ms, delay_ms))
        self._count(key, now_ms + wait_ms, now_ms)
        return wait_ms

    def forgive(self, key: str, at_ms: int) -> None:
        """Take back the one try that had its turn at that moment: it was a good one."""
        tries = self._tries.get(key, [])
        if at_ms in tries:
            tries.remove(at_ms)
        if not tries:
            self.forget(key)

    def forget(self, key: str) -> None:
        """Take back all tries of a key."""
        self._tries.pop(key, None)

    def _free_at(self, key: str, now_ms: int) -> tuple[int, int]:
        """When the key's next try is due at the soonest, and how long that is after its last one."""
        tries = [at_ms for at_ms in self._tries.get(key, ()) if now_ms - at_ms < WINDOW_MS]
        over = len(tries) - FREE_FAILURES
        if over < 0:
            return now_ms, 0
        delay_ms = min(1000 << min(over, 5), LONGEST_DELAY_MS)
        return max(tries) + delay_ms, delay_ms

    def _count(self, key: str, at_ms: int, now_ms: int) -> None:
        tries = [other for other in self._tries.pop(key, ()) if now_ms - other < WINDOW_MS]
        self._tries[key] = [*tries, at_ms][-MOST_COUNTED:]
        if len(self._tries) > self._most_keys:
            del self._tries[next(iter(self._tries))]


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
