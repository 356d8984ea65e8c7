"""Rate limits: how often a line, a login or a connection may come.

* ``LineBudget`` guards the other users against a session that sends without a pause.
* ``LoginThrottle`` guards passwords against guessing.
* ``ConnectionBudget`` guards memory and open files against an address that connects again and again.

All of it is arithmetic on milliseconds of the monotonic clock, which the caller reads. Every table is bounded, so an
attacker with many addresses cannot fill the memory. The hub lock guards all of them but ``ConnectionBudget``, which
``ConnectionCounter`` guards with another lock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from heapq import nlargest
from ipaddress import IPv4Address, IPv6Address
from itertools import islice

WINDOW_MS = 10 * 60_000
"""How long a failed login counts."""

FREE_FAILURES = 3
"""How many failed logins within ``WINDOW_MS`` cost nothing: people mistype."""

LONGEST_DELAY_MS = 30_000
"""The longest delay between two tries. An owner can bear it; a guesser gets 26 tries in ten minutes. Also the longest
for which a long answer delays the next line."""
LONGEST_WAIT_MS = 60_000
"""How far ahead a try's turn may be. ``LoginThrottle.reserve`` refuses a try whose turn would come later."""

FREE_FAILURES_OF_A_NETWORK = 24
"""How many failed logins within ``WINDOW_MS`` cost a network nothing: many people may share it."""

MOST_COUNTED = 64
"""How many tries of a key are kept. With the delays above, at most 47 tries have their turn within ``WINDOW_MS``."""

MOST_KEYS = 10_000
"""How many keys a table keeps: some megabytes, and more addresses than attack at once in practice."""
MINUTE_MS = 60_000
_MOST_LOOKED_AT = 2000
"""Among how many addresses ``ConnectionBudget.recent`` looks: those that connected last."""
SITE_BITS = 80
"""The bits of an IPv6 address that its site chooses freely: a /48, which anybody can have, has 65,536 subscribers."""
SUBSCRIBER_BITS = 64
"""The bits of an IPv6 address that its subscriber chooses freely: providers assign a whole /64."""


def limit_key(version: int, address: int) -> str:
    """The key under which an address is counted: an IPv4 address by itself, an IPv6 address by its /64."""
    return f"6 {address >> SUBSCRIBER_BITS:x}" if version == 6 else f"4 {address:x}"


def network_key(version: int, address: int) -> str:
    """The key of the network that an address is from: the /24 of an IPv4 address, the /48 of an IPv6 address."""
    return f"6 {address >> SITE_BITS:x}/48" if version == 6 else f"4 {address >> 8:x}/24"


def is_this_machine(version: int, address: int) -> bool:
    """True for this machine's own address (``::1``, ``127.0.0.1``).

    All users behind a proxy on this machine share that address, so it must not be limited as one user.
    """
    return address == (1 if version == 6 else 0x7F000001)


def is_private_network(version: int, address: int) -> bool:
    """True for an address that no router of the internet forwards (RFC 1918, RFC 4193, link-local, loopback)."""
    return (IPv4Address(address) if version == 4 else IPv6Address(address)).is_private


def delay_after(count: int, free: int = FREE_FAILURES) -> int:
    """The delay behind a number of failed logins, in milliseconds: none for the free ones, then 1, 2, 4 … seconds."""
    over = count - free
    return 0 if over < 0 else min(1000 << min(over, 5), LONGEST_DELAY_MS)  # 1000 << 5 is above the longest one


class LineBudget:
    """A token bucket: ``burst`` lines at once, then ``per_s`` lines a second. Every session has one, so it is small."""

    __slots__ = ("_burst_us", "_full_at_us", "_line_us", "address")

    def __init__(self, per_s: float, burst: int) -> None:
        # In microseconds: at the highest rates a line takes less than a millisecond.
        self._line_us = round(1_000_000 / per_s)
        self._burst_us = burst * self._line_us
        self._full_at_us = 0
        """When the bucket is full again, in microseconds. This one time is the whole state: nothing needs refilling."""
        self.address = ""
        """The name of the address that pays for long answers too (``limit_key``); empty if none does."""

    def take(self, mono_ms: int) -> bool:
        """Take one line out of the budget. Returns False, and takes nothing, if none is left."""
        now_us = mono_ms * 1000
        full_at = self._full_at_us
        full_at = (full_at if full_at > now_us else now_us) + self._line_us
        if full_at - now_us > self._burst_us:
            return False
        self._full_at_us = full_at
        return True

    def charge(self, lines: float, wait_ms: int, mono_ms: int) -> None:
        """Take further lines out of the budget, also more than are left, and let the next one wait for ``wait_ms``.

        The next one waits at most ``LONGEST_DELAY_MS`` for both.
        """
        now_us = mono_ms * 1000
        full_at = max(self._full_at_us, now_us) + round(lines * self._line_us)
        if wait_ms:
            full_at = max(full_at, now_us + wait_ms * 1000 + self._burst_us - self._line_us)
        longest = LONGEST_DELAY_MS * 1000 + self._burst_us - self._line_us
        self._full_at_us = min(full_at, now_us + longest)

    def to_state(self) -> int:
        """What is spent, for ``use_state`` of a budget with any limits."""
        return self._full_at_us

    def use_state(self, state: int) -> None:
        """Take over what another budget has spent."""
        self._full_at_us = state

    def wait_ms(self, mono_ms: int) -> int:
        """How long until ``take`` returns True, in milliseconds; 0 if it would now."""
        now_us = mono_ms * 1000
        over_us = max(self._full_at_us, now_us) + self._line_us - self._burst_us - now_us
        # Rounds up: a millisecond sooner, ``take`` would still return False.
        return max(0, -(-over_us // 1000))


class LoginThrottle:
    """Slows password guessing, by address and by account.

    A try counts as a failure from its beginning until ``forgive`` or ``forget`` takes it back. So parallel tries gain
    nothing: each is counted before the result of the others is known. After ``FREE_FAILURES`` tries of a key within
    ``WINDOW_MS``, the next ones come 1, 2, 4 … up to 30 seconds after the one before.

    Addresses use ``reserve``: tries from one address take turns, and so do those from one IPv6 /48 after 24 failures.
    Accounts use ``slow``: a plain delay, because turns would let an attacker lock the owner out. Keys are strings that
    the caller makes distinct (``address …``, ``account …``). At most ``most_keys`` are kept; the key whose last try is
    the oldest goes first.
    """

    __slots__ = ("_most_keys", "_tries")

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._tries: dict[str, list[int]] = {}
        """For each key the times at which its tries have their turns. The key that was tried last comes last."""
        self._most_keys = most_keys

    def __len__(self) -> int:
        return len(self._tries)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys with tries, some of which may no longer count. The one that was tried last is last."""
        return iter(self._tries)

    def reserve(self, key: str, mono_ms: int, network: str = "") -> int | None:
        """Count a try that begins now, and return the time of its turn. Each parallel try gets a turn of its own.

        With ``network``, another key, it counts for that as well, more leniently. Returns None, and counts nothing, if
        the turn would be more than ``LONGEST_WAIT_MS`` away.
        """
        at_ms = max(mono_ms, self._free_at(key, mono_ms)[0])
        if network:
            at_ms = max(at_ms, self._free_at(network, mono_ms, FREE_FAILURES_OF_A_NETWORK)[0])
        if at_ms - mono_ms > LONGEST_WAIT_MS:
            return None
        self._count(key, at_ms, mono_ms)
        if network:
            self._count(network, at_ms, mono_ms)
        return at_ms

    def wait_for_turn_ms(self, key: str, mono_ms: int, network: str = "") -> int:
        """How long until ``reserve`` takes a try again, in milliseconds; 0 if it would now."""
        at_ms = self._free_at(key, mono_ms)[0]
        if network:
            at_ms = max(at_ms, self._free_at(network, mono_ms, FREE_FAILURES_OF_A_NETWORK)[0])
        return max(0, at_ms - mono_ms - LONGEST_WAIT_MS)

    def next_delay_ms(self, key: str, mono_ms: int, free: int = FREE_FAILURES) -> int:
        """How long the key's next try would wait if it came now, in milliseconds."""
        return max(0, self._free_at(key, mono_ms, free)[0] - mono_ms)

    def count(self, key: str, mono_ms: int) -> int:
        """How many tries of the key count now."""
        return sum(mono_ms - at_ms < WINDOW_MS for at_ms in self._tries.get(key, ()))

    def to_state(self) -> dict[str, list[int]]:
        """All tries, for ``use_state``."""
        return self._tries

    def use_state(self, state: dict[str, list[int]]) -> None:
        """Take over the tries of another throttle, instead of one's own."""
        self._tries = state

    def restore(self, key: str, count: int, mono_ms: int) -> None:
        """Have so many tries of a key count as if they had come now: those of the run of the daemon before."""
        for _ in range(min(count, MOST_COUNTED)):
            self._count(key, mono_ms, mono_ms)

    def slow(self, key: str, mono_ms: int, free: int = FREE_FAILURES) -> int:
        """Count a try that begins now, and return how many milliseconds it must wait.

        The wait is at most one delay, even if other tries of the key are waiting. ``free`` tries wait for nothing.
        """
        free_at_ms, delay_ms = self._free_at(key, mono_ms, free)
        # ``free_at_ms`` is behind the turns of all tries that are waiting. The delay alone is the bound for an account.
        wait_ms = max(0, min(free_at_ms - mono_ms, delay_ms))
        self._count(key, mono_ms + wait_ms, mono_ms)
        return wait_ms

    def forgive(self, key: str, at_ms: int) -> None:
        """Take back the try whose turn was at ``at_ms``, because the login was good."""
        tries = self._tries.get(key, [])
        if at_ms in tries:
            tries.remove(at_ms)
        if not tries:
            self.forget(key)

    def forget(self, key: str) -> None:
        """Take back all tries of a key. Does nothing if there are none."""
        self._tries.pop(key, None)

    def _free_at(self, key: str, mono_ms: int, free: int = FREE_FAILURES) -> tuple[int, int]:
        """The earliest time for the key's next try, and the delay between that and its last try."""
        tries = [at_ms for at_ms in self._tries.get(key, ()) if mono_ms - at_ms < WINDOW_MS]
        over = len(tries) - free
        if over < 0:
            return mono_ms, 0
        delay_ms = delay_after(len(tries), free)
        return max(tries) + delay_ms, delay_ms

    def _count(self, key: str, at_ms: int, mono_ms: int) -> None:
        # Taken out and put in again, so that the key comes last in the dict and the oldest one comes first.
        tries = [other for other in self._tries.pop(key, ()) if mono_ms - other < WINDOW_MS]
        self._tries[key] = [*tries, at_ms][-MOST_COUNTED:]
        self.drop_oldest()

    def drop_oldest(self) -> None:
        """Forget the key whose last try is the oldest, if there is one too many."""
        if len(self._tries) > self._most_keys:
            del self._tries[next(iter(self._tries))]


class ConnectionBudget:
    """Counts connections: how many an address has open, and how many it began within the last minute.

    ``concurrent`` and ``per_minute`` are the limits; a change counts from the next ``admit``. Addresses with an open
    connection are always kept, and of the others the ``most_keys`` that connected last. An address is any string, such
    as ``limit_key`` makes.
    """

    __slots__ = ("_begun", "_most_keys", "_open", "concurrent", "per_minute")

    def __init__(self, concurrent: int, per_minute: int, most_keys: int = MOST_KEYS) -> None:
        self.concurrent = concurrent
        self.per_minute = per_minute
        self._open: dict[str, int] = {}
        self._begun: dict[str, list[int]] = {}
        """For each address when its connections of the last minute were admitted, oldest first; at most
        ``per_minute``. The address that connected last comes last."""
        self._most_keys = most_keys

    def __len__(self) -> int:
        return len(self._open.keys() | self._begun.keys())

    def admit(self, address: str, mono_ms: int, elsewhere: tuple[int, int] = (0, 0)) -> str | None:
        """Count a new connection. Returns None, or the reason for a refusal; a refused connection is not counted.

        ``elsewhere``: how many connections other nodes of a cluster have from the address, and had in the last minute.
        """
        if self._open.get(address, 0) + elsewhere[0] >= self.concurrent:
            return f"too many connections from your address (at most {self.concurrent} at a time)"
        # Taken out and put in again, so that the address comes last in the dict and the oldest one comes first.
        begun = self._begun.pop(address, [])
        del begun[: bisect_right(begun, mono_ms - MINUTE_MS)]
        self._begun[address] = begun
        if len(self._begun) > self._most_keys:
            del self._begun[next(iter(self._begun))]
        if len(begun) + elsewhere[1] >= self.per_minute:
            return f"too many connections from your address (at most {self.per_minute} a minute)"
        begun.append(mono_ms)
        self._open[address] = self._open.get(address, 0) + 1
        return None

    def recent(self, mono_ms: int, most: int) -> dict[str, tuple[int, int]]:
        """The addresses with a connection within the last minute: how many are open, and how many have begun.

        At most ``most`` of them, those with the most connections.
        """
        found = []
        for address in islice(reversed(self._begun), _MOST_LOOKED_AT):
            begun = self._begun[address]
            count = len(begun) - bisect_right(begun, mono_ms - MINUTE_MS)
            if count:
                found.append((count, self._open.get(address, 0), address))
        return {address: (count, begun) for begun, count, address in nlargest(most, found)}

    def take_over(self, address: str) -> None:
        """Count an open connection of the address that was admitted elsewhere, and not just now."""
        self._open[address] = self._open.get(address, 0) + 1

    def released(self, address: str) -> None:
        """Record that an admitted connection of the address has ended."""
        count = self._open.get(address, 0)
        if count > 1:
            self._open[address] = count - 1
        else:
            self._open.pop(address, None)
