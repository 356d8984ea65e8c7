from __future__ import annotations

import pytest

from chatroom.chat.people.online_directory import OnlineDirectory
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import AccountEntry, Role

UNA = AccountEntry(1, "una", Role.USER, False)
MO = AccountEntry(2, "mo", Role.MODERATOR, False)


@pytest.fixture
def online() -> OnlineDirectory:
    """A directory without users."""
    return OnlineDirectory()


def user(nick: str, account: AccountEntry | None = None) -> User:
    """A user, logged in or not, that no directory knows yet."""
    session = Session(1, "10.0.0.1", 4, 1, "host", 0)
    made = session.user = User(nick, "u", "U", "host", session, 0, 0)
    made.account = account
    return made


def test_users_of_one_account_share_its_data(online: OnlineDirectory) -> None:
    """The first user brings the data; it is forgotten when the last user is gone."""
    first, second = user("a", UNA), user("b", UNA)
    first.account_data.markers["#a"] = 5
    online.add(first, 1)
    online.add(second, 2)
    assert second.account_data is first.account_data
    assert list(online.users_of(UNA.id)) == [first, second]
    online.discard(first)
    assert UNA.id in online.account_data
    online.discard(second)
    assert (online.by_account, online.account_data, online.most_users) == ({}, {}, 2)


def test_a_replaced_entry_keeps_the_data(online: OnlineDirectory) -> None:
    """A role that changes is a new entry of the same account: its read markers stay."""
    una = user("una", UNA)
    online.add(una, 1)
    data = una.account_data
    online.set_account(una, AccountEntry(UNA.id, "una", Role.ADMIN, False))
    assert una.account_data is data
    assert list(online.operators) == [una]


def test_logging_out_takes_the_rank_and_the_data(online: OnlineDirectory) -> None:
    """A guest has empty data of their own, and no +o."""
    mo = user("mo", MO)
    online.add(mo, 1)
    mo.account_data.markers["#a"] = 5
    online.set_account(mo, None)
    assert mo.account_data.markers == {}
    assert (online.operators, online.by_account, online.account_data) == ({}, {}, {})


def test_a_user_that_steps_down_is_no_operator(online: OnlineDirectory) -> None:
    """The user stays logged in to the account."""
    mo = user("mo", MO)
    online.add(mo, 1)
    online.step_down(mo, mo.sessions[0])
    assert (online.operators, mo.is_operator) == ({}, False)
    assert list(online.users_of(MO.id)) == [mo]


def test_invisible_users_are_counted_once(online: OnlineDirectory) -> None:
    """Setting +i twice counts once, and a user that is gone no longer counts."""
    una = user("una")
    online.add(una, 1)
    online.set_invisible(una, True)
    online.set_invisible(una, True)
    assert online.invisible == 1
    online.discard(una)
    assert online.invisible == 0
