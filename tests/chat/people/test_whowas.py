from __future__ import annotations

import pytest

from chatroom.chat.people import whowas
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.people.whowas import WhowasList


def make_user(nick: str) -> User:
    """A user with one session."""
    return User(nick, "user", "Real Name", "host.masked", Session(1, "10.0.0.1", 4, 1, "host.masked", 0), 0, 0)


def test_entries_are_found_by_nick_the_latest_first() -> None:
    """In any case of the nick. Each has the time at which the nick was given up."""
    users = WhowasList()
    for left_ms in (1, 2):
        users.add(make_user("Alice"), left_ms)
    users.add(make_user("bob"), 3)
    assert [(one.nick, one.left_ms) for one in users.find("aLICE")] == [("Alice", 2), ("Alice", 1)]
    assert users.find("carl") == []


def test_a_nick_has_a_bounded_number_of_entries() -> None:
    """A user that connects again and again does not push out the entries of other nicks."""
    users = WhowasList()
    users.add(make_user("bob"), 1)
    for left_ms in range(100):
        users.add(make_user("alice"), left_ms)
    assert [one.left_ms for one in users.find("alice")] == list(range(99, 89, -1))
    assert len(users) == whowas.MOST_OF_A_NICK + 1
    assert len(users.find("bob")) == 1


def test_the_oldest_entries_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of all entries is bounded."""
    monkeypatch.setattr(whowas, "MOST_REMEMBERED", 5)
    users = WhowasList()
    for number in range(20):
        users.add(make_user(f"n{number % 7}"), number)
    assert len(users) == 5
    kept = [one.left_ms for number in range(7) for one in users.find(f"n{number}")]
    assert sorted(kept) == [15, 16, 17, 18, 19]


def test_entries_of_an_earlier_version_have_no_server() -> None:
    """A daemon that takes over reads them all the same, and hands over those that have one."""
    users, later = WhowasList(), WhowasList()
    users.add(make_user("bob"), 1, "a.chat.example")
    (entry,) = users.to_state()
    later.use_state([entry, entry[:-1]])
    assert [one.server for one in later.find("bob")] == ["", "a.chat.example"]
