"""Budgets: what they let through, how long they make wait, and that they stay small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.flood import (
    FREE_FAILURES,
    LONGEST_DELAY_MS,
    MINUTE_MS,
    WINDOW_MS,
    ConnectionBudget,
    LineBudget,
    LoginThrottle,
    origin,
)

START = 1_000_000


def test_an_ipv6_subscriber_is_counted_as_one() -> None:
    """All addresses of a /64 are one origin, two /64s are two; an IPv4 address is its own, whatever its bits."""
    here = 0x20010DB8_00000001_00000000_00000001
    assert origin(6, here) == origin(6, here | 0xFFFF_FFFF_FFFF_FFFF)
    assert origin(6, here) != origin(6, here + (1 << 64))
    assert origin(4, 1) != origin(4, 2)
    assert origin(4, 1) != origin(6, 1 << 64)


def test_burst_then_rate() -> None:
    """A full bucket gives its burst at once and then a line each time one has dripped in."""
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
def test_wait_is_what_take_wants(per_s: float, burst: int, pauses: list[tuple[int, int]]) -> None:
    """After the wait told a line fits, a millisecond sooner it does not, and no span gets more than its due."""
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
    """There is one for each session, so it has no dict."""
    assert not hasattr(LineBudget(1, 1), "__dict__")


def test_delays_double_to_a_ceiling() -> None:
    """Three failures are free, then each try waits twice as long, up to half a minute."""
    throttle = LoginThrottle()
    delays = []
    now_ms = START
    for _ in range(10):
        delays.append(throttle.delay_ms(["account:alice"], now_ms))
        now_ms += delays[-1]
        throttle.failed(["account:alice"], now_ms)
    assert delays == [0, 0, 0, 1000, 2000, 4000, 8000, 16_000, LONGEST_DELAY_MS, LONGEST_DELAY_MS]


def test_delay_runs_down() -> None:
    """The delay counts from the last failure, not from the question."""
    throttle = LoginThrottle()
    for _ in range(FREE_FAILURES):
        throttle.failed(["k"], START)
    assert [throttle.delay_ms(["k"], START + ms) for ms in (0, 400, 1000, 5000)] == [1000, 600, 0, 0]


def test_delay_is_the_longest_of_the_keys() -> None:
    """A try is held back by its address or its account, whichever failed more."""
    throttle = LoginThrottle()
    for _ in range(FREE_FAILURES + 1):
        throttle.failed(["address:192.0.2.1"], START)
    throttle.failed(["account:alice"], START)
    assert throttle.delay_ms(["account:alice"], START) == 0
    assert throttle.delay_ms(["account:alice", "address:192.0.2.1"], START) == 2000
    assert throttle.delay_ms([], START) == 0


def test_failures_are_forgotten() -> None:
    """A good login clears its keys; ten minutes without a failure clear any."""
    throttle = LoginThrottle()
    for _ in range(FREE_FAILURES + 2):
        throttle.failed(["a", "b", "c"], START)
    throttle.succeeded(["a", "unknown"])
    assert throttle.delay_ms(["a"], START) == 0
    assert throttle.delay_ms(["b"], START) == 4000
    throttle.failed(["b"], START + WINDOW_MS)
    assert throttle.delay_ms(["b"], START + WINDOW_MS) == 0


def test_throttle_is_bounded() -> None:
    """However many addresses fail, the number of keys is bounded, and who fails now is the last to be forgotten."""
    throttle = LoginThrottle(most_keys=100)
    for number in range(1000):
        throttle.failed([f"address:{number}", "account:admin"], START)
    assert len(throttle) == 100
    assert throttle.delay_ms(["account:admin"], START) == LONGEST_DELAY_MS


def test_who_failed_longest_ago_is_forgotten_first() -> None:
    """A key that failed again counts as new when room has to be made."""
    throttle = LoginThrottle(most_keys=2)
    for key in ("old", "older"):
        for _ in range(FREE_FAILURES):
            throttle.failed([key], START)
    throttle.failed(["old"], START)
    throttle.failed(["new"], START)
    assert throttle.delay_ms(["old"], START) == 2000
    assert throttle.delay_ms(["older"], START) == 0


def test_concurrent_connections() -> None:
    """Beyond the limit an address is refused with the reason, no other is; a released place is free again."""
    budget = ConnectionBudget(concurrent=2, per_minute=100)
    assert [budget.admit("a", START) for _ in range(2)] == [None, None]
    assert budget.admit("a", START) == "too many connections from your address (at most 2 at a time)"
    assert budget.admit("b", START) is None
    budget.released("a")
    assert budget.admit("a", START) is None
    assert budget.admit("a", START) is not None


def test_connections_a_minute() -> None:
    """Connections begun count for a minute, also when they have ended; refused ones do not count."""
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
    """Addresses that went away are remembered up to the bound; those that are here are never forgotten."""
    budget = ConnectionBudget(concurrent=1, per_minute=5, most_keys=100)
    budget.admit("resident", START)
    for number in range(1000):
        assert budget.admit(str(number), START) is None
        if released:
            budget.released(str(number))
    assert len(budget) == (101 if released else 1001)
    assert budget.admit("resident", START) is not None


def test_released_without_admission_is_harmless() -> None:
    """Releasing more than was admitted gives no credit."""
    budget = ConnectionBudget(concurrent=1, per_minute=100)
    budget.released("a")
    assert budget.admit("a", START) is None
    assert budget.admit("a", START) is not None
