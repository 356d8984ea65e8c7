from __future__ import annotations

import pytest

from chatroom.client.reconnecting import GHOST_TRIES, STEADY_S, Retries, backoff_s


def test_pauses_grow_and_spread() -> None:
    """The pause before an attempt grows to a minute at most, and varies a little from client to client."""
    middle = [backoff_s(attempt, 0.5) for attempt in range(10)]
    assert middle == [1, 2, 4, 8, 15, 30, 60, 60, 60, 60]
    assert backoff_s(0, 0) == pytest.approx(0.9)


def test_a_steady_connection_begins_the_pauses_again() -> None:
    """After a short connection the pause grows further; after a steady one it is the shortest."""
    now = 0.0
    retries = Retries(lambda: now, lambda: 0.5, None)
    retries.welcomed()
    assert [retries.next_pause_s(was_online=True), retries.next_pause_s(was_online=False)] == [1, 2]
    retries.welcomed()
    now = STEADY_S
    assert retries.next_pause_s(was_online=False) == 4
    assert retries.next_pause_s(was_online=True) == 1


def test_the_last_attempt() -> None:
    """When all attempts are used up there is no pause to wait for."""
    retries = Retries(lambda: 0.0, lambda: 0.5, 1)
    assert retries.next_pause_s(was_online=False) == 1
    assert retries.next_pause_s(was_online=False) is None
    assert retries.attempts == 1


def test_waits_for_the_lost_connection_are_counted() -> None:
    """The lost connection is waited for a few times; a welcome starts the count again."""
    retries = Retries(lambda: 0.0, lambda: 0.5, None)
    assert [retries.wait_for_ghost() for _ in range(GHOST_TRIES + 1)] == [True] * GHOST_TRIES + [False]
    retries.welcomed()
    assert retries.wait_for_ghost()
