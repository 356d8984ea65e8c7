"""Rate limits: what passes, how long the rest waits, and that the tables stay bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.flood import (
    FREE_FAILURES,
    LONGEST_DELAY_MS,
    LONGEST_WAIT_MS,
    MINUTE_MS,
    WINDOW_MS,
    ConnectionBudget,
    LineBudget,
    LoginThrottle,
    limit_key,
    network_key,
)

START = 1_000_000


def test_an_ipv6_subscriber_is_counted_as_one() -> None:
    """The addresses of one /64 share a key and two /64s do not. An IPv4 address has a key of its own."""
    here = 0x20010DB8_00000001_00000000_00000001
    assert limit_key(6, here) == limit_key(6, here | 0xFFFF_FFFF_FFFF_FFFF)
    assert limit_key(6, here) != limit_key(6, here + (1 << 64))
    assert limit_key(4, 1) != limit_key(4, 2)
    assert limit_key(4, 1) != limit_key(6, 1 << 64)


def test_burst_then_rate() -> None:
    """A full bucket gives its whole burst at once, then one line for each interval that has passed."""
    budget = LineBudget(per_s=2, burst=5)
    assert [budget.take(START) for _ in range(7)] == [True] * 5 + [False] * 2
    assert budget.wait_ms(START) == 500
    assert not budget.take(START + 499)
    assert budget.take(START + 500)
    assert not budget.take(START + 500)
    assert [budget.take(START + 60_000) for _ in range(6)] == [True] * 5 + [False]


@given(
    st.floats(0.1, 1000),
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 8)), max_size=30),
)
def test_a_line_passes_after_the_wait_and_not_before(per_s: float, burst: int, pauses: list[tuple[int, int]]) -> None:
    """After ``wait_ms`` a line passes; a millisecond sooner it does not. All lines together keep to the rate."""
    budget = LineBudget(per_s, burst)
    now_ms, taken = START, 0
    for pause, tries in pauses:
        now_ms += pause
        for _ in range(tries):
            wait = budget.wait_ms(now_ms)
            if wait:
                assert not budget.take(now_ms)
                assert not budget.take(now_ms + wait - 1)
                now_ms += wait
            assert budget.take(now_ms)
            taken += 1
    assert taken <= burst + (now_ms - START) * 1000 // round(1_000_000 / per_s)


def test_line_budget_is_small() -> None:
    """Every session has one, so it has slots instead of a dict."""
    assert not hasattr(LineBudget(1, 1), "__dict__")


def test_delays_double_to_a_ceiling() -> None:
    """Three tries are free. Each later one waits twice as long, up to half a minute."""
    throttle = LoginThrottle()
    delays = []
    now_ms = START
    for _ in range(10):
        delays.append(throttle.slow("account alice", now_ms))
        now_ms += delays[-1]
    assert delays == [0, 0, 0, 1000, 2000, 4000, 8000, 16_000, LONGEST_DELAY_MS, LONGEST_DELAY_MS]


def test_delay_runs_down() -> None:
    """The delay counts from the last try, so time that has passed since then is subtracted."""
    for passed_ms, wait_ms in ((0, 1000), (400, 600), (1000, 0), (5000, 0)):
        throttle = LoginThrottle()
        for _ in range(FREE_FAILURES):
            throttle.slow("k", START)
        assert throttle.slow("k", START + passed_ms) == wait_ms


def test_parallel_tries_of_a_reserved_key_take_turns() -> None:
    """Fifty parallel tries get the turns of fifty tries in a row. If a turn is too far away, the try is not counted."""
    throttle = LoginThrottle()
    begun = [throttle.reserve("address", START) for _ in range(50)]
    moments = [START + ms for ms in (0, 0, 0, 1000, 3000, 7000, 15_000, 31_000)]
    assert begun == [*moments, *[None] * 42]
    assert throttle.reserve("address", START + 1001) == START + 31_000 + LONGEST_DELAY_MS
    assert throttle.reserve("address", START + 1001) is None
    assert throttle.reserve("other", START) == START


@given(st.lists(st.tuples(st.integers(0, 40_000), st.booleans()), max_size=80))
def test_reserved_tries_are_spaced_in_every_order(tries: list[tuple[int, bool]]) -> None:
    """Failures beyond the free ones are spaced by their delays, even if tries in between are forgiven."""
    throttle = LoginThrottle()
    now_ms = START
    failures: list[int] = []
    for pause_ms, succeeds in tries:
        now_ms += pause_ms
        at_ms = throttle.reserve("k", now_ms)
        if at_ms is None:
            continue
        assert now_ms <= at_ms <= now_ms + LONGEST_WAIT_MS
        if succeeds:
            throttle.forgive("k", at_ms)
            continue
        counted = [other for other in failures if other > now_ms - WINDOW_MS]
        over = len(counted) - FREE_FAILURES
        if over >= 0:
            assert at_ms >= max(counted) + min(1000 << min(over, 5), LONGEST_DELAY_MS)
        failures.append(at_ms)


def test_an_owner_is_never_locked_out_of_an_account() -> None:
    """After a thousand tries at an account, the next try waits the longest delay and no more."""
    throttle = LoginThrottle()
    assert max(throttle.slow("account alice", START) for _ in range(1000)) == LONGEST_DELAY_MS
    assert throttle.slow("account alice", START) == LONGEST_DELAY_MS


def test_what_clears_failures() -> None:
    """A good login clears all tries of the account but only one try of the address. Ten minutes clear all tries."""
    throttle = LoginThrottle()
    for _ in range(FREE_FAILURES + 1):
        throttle.slow("account", START)
        assert throttle.reserve("address", START) is not None
    throttle.forget("account")
    throttle.forget("unknown")
    assert throttle.slow("account", START) == 0
    at_ms = throttle.reserve("address", START)
    assert at_ms == START + 3000
    throttle.forgive("address", at_ms)
    throttle.forgive("unknown", at_ms)
    assert throttle.reserve("address", START) == START + 3000
    assert throttle.reserve("address", START + 3000 + WINDOW_MS) == START + 3000 + WINDOW_MS


def test_throttle_is_bounded() -> None:
    """The table is bounded, whatever the number of addresses. The key that failed last is the last to be dropped."""
    throttle = LoginThrottle(most_keys=100)
    for number in range(1000):
        throttle.reserve(f"address {number}", START)
        throttle.slow("account admin", START)
    assert len(throttle) == 100
    assert throttle.slow("account admin", START) == LONGEST_DELAY_MS


def test_the_key_that_failed_longest_ago_is_dropped_first() -> None:
    """A key that fails again moves to the end of the queue for being dropped."""
    throttle = LoginThrottle(most_keys=2)
    for key in ("old", "older"):
        for _ in range(FREE_FAILURES):
            throttle.slow(key, START)
    assert throttle.slow("old", START) == 1000
    throttle.slow("new", START)
    assert throttle.slow("old", START) == 2000
    assert throttle.slow("older", START) == 0


def test_concurrent_connections() -> None:
    """Above its limit an address is refused with a reason; other addresses are not. A closed connection makes room."""
    budget = ConnectionBudget(concurrent=2, per_minute=100)
    assert [budget.admit("a", START) for _ in range(2)] == [None, None]
    assert budget.admit("a", START) == "too many connections from your address (at most 2 at a time)"
    assert budget.admit("b", START) is None
    budget.released("a")
    assert budget.admit("a", START) is None
    assert budget.admit("a", START) is not None


def test_connections_a_minute() -> None:
    """A connection counts for a minute from its beginning, even if it has ended. A refused one does not count."""
    budget = ConnectionBudget(concurrent=10, per_minute=3)
    for at in (0, 10, 20):
        assert budget.admit("a", START + at) is None
        budget.released("a")
    for at in range(30, MINUTE_MS, 1000):
        assert budget.admit("a", START + at) == "too many connections from your address (at most 3 a minute)"
    assert budget.admit("a", START + MINUTE_MS) is None
    assert budget.admit("a", START + MINUTE_MS + 9) is not None
    assert budget.admit("a", START + MINUTE_MS + 10) is None


@pytest.mark.parametrize("released", [True, False])
def test_connection_budget_is_bounded(released: bool) -> None:
    """Addresses without an open connection are kept up to the bound; addresses with one are always kept."""
    budget = ConnectionBudget(concurrent=1, per_minute=5, most_keys=100)
    budget.admit("resident", START)
    for number in range(1000):
        assert budget.admit(str(number), START) is None
        if released:
            budget.released(str(number))
    assert len(budget) == (101 if released else 1001)
    assert budget.admit("resident", START) is not None


def test_released_without_admission_is_harmless() -> None:
    """An address that releases more connections than it opened may not open more for it."""
    budget = ConnectionBudget(concurrent=1, per_minute=100)
    budget.released("a")
    assert budget.admit("a", START) is None
    assert budget.admit("a", START) is not None


def test_a_site_of_ipv6_takes_turns_too() -> None:
    """A /48 has 65,536 addresses to try from. After 24 failures, tries of all of them take turns."""
    throttle = LoginThrottle()
    turns = [throttle.reserve(f"address {number}", START, "network") for number in range(24)]
    assert turns == [START] * 24
    assert throttle.reserve("address 24", START, "network") == START + 1000
    assert throttle.reserve("address 25", START, "network") == START + 3000
    assert throttle.reserve("address 26", START, "other network") == START
    throttle.forgive("network", START + 3000)
    assert throttle.reserve("address 27", START, "network") == START + 3000


def test_networks_have_keys() -> None:
    """An IPv4 /24 and an IPv6 /48 are one network each."""
    assert network_key(4, 0x0A000001) == network_key(4, 0x0A0000FF) != network_key(4, 0x0A000101)
    site = 0x20010DB8_0007_0000 << 64
    assert network_key(6, site + 1) == network_key(6, site + (0xFFFF << 64)) != network_key(6, site + (1 << 80))


def test_the_addresses_of_the_last_minute() -> None:
    """How many connections of each are open and have begun in that minute. Of too many addresses, the busiest."""
    budget = ConnectionBudget(concurrent=100, per_minute=100)
    budget.admit("old", START)
    for at in (10, 20, 30):
        budget.admit("busy", START + at)
    budget.released("busy")
    budget.admit("quiet", START + 40)
    assert budget.recent(START + 50, 9) == {"old": (1, 1), "busy": (2, 3), "quiet": (1, 1)}
    assert budget.recent(START + MINUTE_MS + 5, 9) == {"busy": (2, 3), "quiet": (1, 1)}
    assert budget.recent(START + MINUTE_MS + 5, 1) == {"busy": (2, 3)}
    assert budget.recent(START + MINUTE_MS + 25, 9) == {"busy": (2, 1), "quiet": (1, 1)}
    assert budget.recent(START + 2 * MINUTE_MS, 9) == {}
