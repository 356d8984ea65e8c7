"""The counts behind the modes j, F and W."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.people.flood_modes import MOST_OUTSIDE, SlowMode, Throttle
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import AccountEntry, Role


def make_user(nick: str, host: str = "host", account_id: int = 0) -> User:
    """A guest, or a user of an account."""
    user = User(nick, "u", "r", host, None, 0, 0)
    if account_id:
        user.account = AccountEntry(account_id, nick, Role.USER, False)
    return user


@pytest.mark.parametrize("text", ["1:1", "5:10", "1000:3600"])
def test_a_throttle_is_read_and_written(text: str) -> None:
    """Its text is the parameter of MODE."""
    assert str(Throttle.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "5", "5:", ":10", "0:10", "5:0", "1001:10", "5:3601", "-1:10", "5:10:1", "٣:10", "a:b", "9" * 5000]
)
def test_what_is_no_throttle(text: str) -> None:
    """Zero, more than the bounds, other digits and other words."""
    assert Throttle.parse(text) is None
    assert Throttle.parse(None) is None


@given(st.integers(1, 5), st.integers(1, 3), st.lists(st.integers(0, 2000), max_size=40))
def test_no_period_has_more_than_the_most(most: int, period_s: int, pauses: list[int]) -> None:
    """Whatever the pauses between the tries, no period has more actions; after the wait the next one is possible."""
    throttle, now, done = Throttle(most, period_s), 0, list[int]()
    for pause in pauses:
        now += pause
        wait_ms = throttle.wait_ms(now)
        assert throttle.wait_ms(now + wait_ms) == 0
        assert not wait_ms or throttle.wait_ms(now + wait_ms - 1) == 1
        if not wait_ms:
            throttle.add(now)
            done.append(now)
    assert all(sum(start <= at < start + period_s * 1000 for at in done) <= most for start in done)


def test_a_member_waits_for_the_interval() -> None:
    """And no longer: by the monotonic clock, each member for itself."""
    slow, one, other = SlowMode(10), make_user("one"), make_user("other")
    slow.note(one, 1000, is_member=True)
    assert slow.wait_ms(one, 1001, is_member=True) == 9999
    assert slow.wait_ms(other, 1001, is_member=True) == 0
    assert slow.wait_ms(one, 11_000, is_member=True) == 0
    slow.interval_s = 60
    assert slow.wait_ms(one, 11_000, is_member=True) == 50_000


@pytest.mark.parametrize("account_id, host", [(0, "host"), (7, "another")])
def test_coming_back_is_no_way_out(account_id: int, host: str) -> None:
    """A guest is known again by its host, an account by its id; who was never there has no wait."""
    slow, before = SlowMode(10), make_user("before", account_id=account_id)
    slow.note(before, 1000, is_member=True)
    slow.discard_member(before)
    after, stranger = make_user("after", host, account_id), make_user("stranger", "elsewhere", 9)
    for user in (after, stranger):
        slow.add_member(user)
    assert slow.wait_ms(after, 2000, is_member=True) == 9000
    assert slow.wait_ms(stranger, 2000, is_member=True) == 0


def test_a_member_that_said_nothing_leaves_nothing() -> None:
    """Only the moments of messages are kept."""
    slow, user = SlowMode(10), make_user("user")
    slow.add_member(user)
    slow.discard_member(user)
    assert len(slow) == 0


def test_what_is_known_of_those_outside_is_bounded() -> None:
    """There are at most so many, and those whose time is over are dropped."""
    slow = SlowMode(10)
    for number in range(MOST_OUTSIDE + 50):
        user = make_user("user", f"host{number}")
        slow.note(user, 1000, is_member=True)
        slow.discard_member(user)
    assert len(slow) == MOST_OUTSIDE
    slow.note(make_user("late", "late"), 11_000, is_member=False)
    assert len(slow) == 1


def test_leaving_never_shortens_a_wait() -> None:
    """Of two guests of one host, the later message counts for the next one of that host."""
    slow, one, two = SlowMode(10), make_user("one"), make_user("two")
    slow.note(one, 1000, is_member=True)
    slow.note(two, 5000, is_member=True)
    for user in (two, one):
        slow.discard_member(user)
    assert slow.wait_ms(make_user("three"), 6000, is_member=False) == 9000
