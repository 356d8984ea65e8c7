from __future__ import annotations

from chatroom.server.clocks import SET_MS, ClockWatch


def test_a_clock_that_is_set_is_told_from_one_that_is_kept_right() -> None:
    """A set clock is noticed once; small corrections are not, until they add up to more than a second."""
    watch = ClockWatch(1_000_000, 500)
    assert watch.look(1_005_000, 5500) == 0
    assert watch.look(1_005_100 - 3_600_000, 5600) == -3_600_000
    assert watch.look(1_005_200 - 3_600_000, 5700) == 0
    assert watch.look(1_005_300, 5800) == 3_600_000
    assert watch.look(1_005_400 + SET_MS, 5900) == 0
    assert watch.look(1_005_501 + SET_MS, 6000) == SET_MS + 1
