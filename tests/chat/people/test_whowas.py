from __future__ import annotations

import pytest

from chatroom.chat.people import whowas
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.people.whowas import WhowasList


def make_user(nick: str) -> User:
    """Somebody with one session."""
    return User(nick, "user", "Real Name", "host.masked", Session(1, "10.0.0.1", 4, 1, "host.masked", 0), 0)


def test_departures_are_found_by_nick_the_latest_first() -> None:
    """Whatever the case of the nick; each with the time of the departure."""
    users = WhowasList()
    for left_ms in (1, 2):
        users.add(make_user("Alice"), left_ms)
    users.add(make_user("bob"), 3)
    assert [(one.nick, one.left_ms) for one in users.find("aLICE")] == [("Alice", 2), ("Alice", 1)]
    assert users.find("carl") == []


def test_a_nick_has_a_bounded_number_of_departures() -> None:
    """Of one that comes and goes all the time only the last ones are remembered, and nobody else is forgotten."""
    users = WhowasList()
    users.add(make_user("bob"), 1)
    for left_ms in range(100):
        users.add(make_user("alice"), left_ms)
    assert [one.left_ms for one in users.find("alice")] == list(range(99, 89, -1))
    assert len(users) == whowas.MOST_OF_A_NICK + 1
    assert len(users.find("bob")) == 1


def test_the_oldest_departures_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded, whoever comes and goes."""
    monkeypatch.setattr(whowas, "MOST_REMEMBERED", 5)
    users = WhowasList()
    for number in range(20):
        users.add(make_user(f"n{number % 7}"), number)
    assert len(users) == 5
    kept = [one.left_ms for number in range(7) for one in users.find(f"n{number}")]
    assert sorted(kept) == [15, 16, 17, 18, 19]
