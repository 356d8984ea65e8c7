"""Homes that are gone, and how far each had told its people."""

from __future__ import annotations

from chatroom.chat.cluster.told import UNKNOWN, Told
from chatroom.server.cluster.other_homes import OtherHomes


def test_a_home_that_is_gone_is_found_once() -> None:
    """With what was read when it could leave nothing more, whatever was read before."""
    homes = OtherHomes()
    homes.begin(["b/2", "c/3"])
    assert homes.find_gone(["b/2", "c/3"], {"b/2": Told(5), "c/3": Told(5)}) == []
    assert homes.find_gone(["c/3"], {"b/2": Told(9), "c/3": Told(7)}) == [("b/2", Told(9))]
    assert homes.find_gone(["c/3"], {"c/3": Told(7)}) == []
    assert homes.names == {"c/3"}


def test_what_redis_has_lost_is_known_from_before() -> None:
    """As of the last heartbeat that told it."""
    homes = OtherHomes()
    homes.add("b/2")
    homes.find_gone(["b/2"], {"b/2": Told(5)})
    homes.find_gone(["b/2"], {"b/2": None})
    assert homes.find_gone([], {"b/2": None}) == [("b/2", Told(5))]


def test_nothing_is_kept_of_a_home_that_never_had_people() -> None:
    """Each start of a node is a home of its own, so this would grow for ever."""
    homes = OtherHomes()
    homes.find_gone(["b/2"], {"b/2": Told(5)})
    homes.find_gone([], {})
    homes.add("b/2")
    assert homes.find_gone([], {"b/2": None}) == [("b/2", UNKNOWN)]


def test_a_home_that_was_not_asked_for_waits() -> None:
    """It has come since. If nobody knows what it has told, its people are shown too much rather than too little."""
    homes = OtherHomes()
    homes.add("b/2")
    assert homes.find_gone([], {}) == []
    assert homes.find_gone([], {"b/2": None}) == [("b/2", UNKNOWN)]
    assert UNKNOWN.of(7) == 0
