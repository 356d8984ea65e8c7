from __future__ import annotations

from chatroom.chat.delivery.monitors import MonitorLists
from chatroom.chat.people.session import Session


def make_session(number: int) -> Session:
    """A session without a user."""
    return Session(number, "10.0.0.1", 4, 1, "host.masked", 0)


def test_a_nick_is_watched_once() -> None:
    """In any case. The list has the nick as it was given first."""
    monitors, one = MonitorLists(), make_session(1)
    assert monitors.add(one, "Alice") is True
    assert monitors.add(one, "aLICE") is False
    assert monitors.nicks(one) == ["Alice"]
    assert monitors.has(one, "alice")


def test_removed_nicks_leave_nothing_behind() -> None:
    """After removal one by one, or all at once as for a session that ends, the tables are empty."""
    monitors, one, two = MonitorLists(), make_session(1), make_session(2)
    for session in (one, two):
        for nick in ("alice", "bob"):
            monitors.add(session, nick)
    monitors.discard(one, "ALICE")
    monitors.discard(one, "nobody")
    assert monitors.nicks(one) == ["bob"]
    assert monitors.nicks(two) == ["alice", "bob"]
    monitors.clear(one)
    monitors.clear(two)
    monitors.discard(two, "alice")
    assert monitors.nicks(two) == []
    assert monitors._by_nick == {} and monitors._by_session == {}
