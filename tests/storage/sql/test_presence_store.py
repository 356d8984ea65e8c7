"""Where accounts are, and where they come back to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import SHELL

from chatroom.chat.stored.records import AlwaysOnUser, Role
from chatroom.errors import DatabaseBusy
from chatroom.storage.sql.presence_store import MOST_PLACES
from chatroom.storage.sql.sql_stores import SqlStores


@pytest.fixture
def una(stores: SqlStores) -> int:
    """The id of an account."""
    return stores.accounts.create("una", Role.USER, [], SHELL).id


def test_the_places_of_an_account_that_is_gone(stores: SqlStores, una: int) -> None:
    """Those it comes back to, in the order of its JOINs; not where it is, or has left."""
    presence = stores.presence
    for name, joined_ms in (("#b", 1), ("#a", 2), ("#left", 3), ("#here", 4)):
        presence.come(una, name, joined_ms)
    presence.come(una, "")
    presence.go(una, "#b", 10, returns=True)
    presence.go(una, "#a", 11, returns=True)
    presence.go(una, "#left", 12)
    presence.go(una, "#never-there", 13, returns=True)
    assert presence.find_places(una) == ["#b", "#a"]
    presence.forget_place(una, "#a")
    presence.go_all(20)
    assert presence.find_places(una) == ["#b", "#here"]
    presence.forget_channel("#b")
    assert presence.find_places(una) == ["#here"]
    assert [presence.find_left(una, name) for name in ("#a", "#here", "")] == [11, 20, 20]


def test_without_a_history_nothing_is_marked_as_read(stores: SqlStores, una: int) -> None:
    """An account that was never there while there was one has missed nothing of it."""
    presence = stores.presence
    presence.come(una, "#a", 1)
    presence.go(una, "#a", None, returns=True)
    assert presence.find_left(una, "#a") is None
    presence.go(una, "#a", 7, returns=True)
    presence.come(una, "#a", 2)
    presence.go_all(None)
    assert presence.find_left(una, "#a") == 7
    assert presence.find_places(una) == ["#a"]


def test_who_was_not_shown_what_it_missed_has_not_read_it(stores: SqlStores, una: int) -> None:
    """The daemon was killed before the end of the replay. The account comes back to the channel all the same."""
    presence = stores.presence
    for name in ("#a", "#b"):
        presence.come(una, name, 1)
        presence.go(una, name, 10, returns=True)
        presence.come(una, name, 2)
        presence.begin_replay(una, name)
    presence.end_replay(una, "#b")
    presence.go_all(20)
    assert [presence.find_left(una, name) for name in ("#a", "#b")] == [10, 20]
    assert presence.find_places(una) == ["#a", "#b"]


def test_one_account_is_gone_before_the_others(stores: SqlStores, una: int) -> None:
    """Because it had read less. What it had read before counts, if that is more."""
    presence, bob = stores.presence, stores.accounts.create("bob", Role.USER, [], SHELL).id
    presence.go(una, "#b", 15, returns=True)
    for account, name in ((una, "#a"), (una, "#b"), (bob, "#a")):
        presence.come(account, name, 1)
    presence.go_all(10, una)
    presence.go_all(20)
    assert [presence.find_left(*one) for one in ((una, "#a"), (una, "#b"), (bob, "#a"))] == [10, 15, 20]


def test_a_deleted_account_has_no_places(stores: SqlStores, una: int) -> None:
    """Nothing is stored for it either."""
    stores.presence.come(una, "#a", 1)
    stores.accounts.delete(una, SHELL)
    stores.presence.go(una, "#a", 5, returns=True)
    assert stores.presence.find_places(una) == []


def test_the_users_that_are_always_on(stores: SqlStores, una: int) -> None:
    """Those of the accounts that are switched on and not disabled, as many as are wanted, with what was stored last."""
    presence, accounts = stores.presence, stores.accounts
    other = accounts.create("vera", Role.USER, [], SHELL).id
    for account_id in (una, other):
        presence.save_user(AlwaysOnUser(account_id, "u", "Real", "host", None, "+"))
    user = AlwaysOnUser(una, "u", "Una", "host", "gone", "+i")
    presence.save_user(user)
    presence.save_user(user._replace(account_id=99))
    assert presence.load_users(10) == []
    for account_id in (una, other):
        accounts.set_always_on(account_id, True, 2, SHELL)
    assert presence.load_users(1) == [user]
    assert [one.account_id for one in presence.load_users(10)] == [una, other]
    accounts.set_disabled(other, True, SHELL)
    assert presence.load_users(10) == [user]
    accounts.delete(una, SHELL)
    assert presence.load_users(10) == []


def test_a_bot_has_a_row_and_is_not_always_on(stores: SqlStores, una: int) -> None:
    """The row says that it is one from its login on. It takes no place of those that are always on."""
    presence, accounts = stores.presence, stores.accounts
    bot = accounts.create("bridge", Role.USER, [], SHELL).id
    user = AlwaysOnUser(bot, "b", "Bridge", "host", None, "+Bi")
    presence.save_user(user)
    assert stores.account_data.load(bot).is_bot and not stores.account_data.load(una).is_bot
    assert presence.load_users(10) == []
    assert not accounts.get("bridge").always_on
    assert accounts.set_always_on(una, True, 1, SHELL).always_on
    assert presence.load_users(10) == []
    presence.save_user(user._replace(modes="+i"))
    assert not stores.account_data.load(bot).is_bot
    accounts.delete(bot, SHELL)
    assert stores.database.number("SELECT count(*) FROM always_on_users") == 0


def test_an_account_leaves_a_bounded_number_of_rows(stores: SqlStores, una: int) -> None:
    """The channels that were left longest ago are forgotten; those that it is in, and the server, never are."""
    presence = stores.presence
    presence.come(una, "")
    presence.come(una, "#stays", 1)
    last = MOST_PLACES + 19
    for number in range(last + 1):
        presence.come(una, f"#{number}", 2)
        presence.go(una, f"#{number}", 1000 + number)
    assert stores.database.number("SELECT count(*) FROM presence") == MOST_PLACES
    assert stores.database.number("SELECT count(*) FROM presence WHERE is_present = 1") == 2
    assert presence.find_left(una, "#0") is None
    assert presence.find_left(una, f"#{last}") == 1000 + last


def test_nobody_to_forget_takes_no_lock(stores: SqlStores, una: int, opener: Callable[..., SqlStores]) -> None:
    """While another connection writes, a channel to which no account comes back is forgotten; another one waits."""
    stores.presence.come(una, "#a", 1)
    stores.presence.go(una, "#a", 10, returns=True)
    with opener(busy_timeout_s=0.001) as other, stores.database.transaction():
        other.presence.forget_channel("#new")
        with pytest.raises(DatabaseBusy):
            other.presence.forget_channel("#a")
    stores.presence.forget_channel("#a")
    assert stores.presence.find_places(una) == []


def test_places_are_corrected(stores: SqlStores, una: int) -> None:
    """Those of accounts that are named: what is recorded as it is stays, and the server is no channel."""
    presence = stores.presence
    bob = stores.accounts.create("bob", Role.USER, [], SHELL).id
    for account_id in (una, bob):
        for name, joined_ms in (("", None), ("#left", 1), ("#here", 5)):
            presence.come(account_id, name, joined_ms)
    presence.go(una, "#came", 7)
    presence.correct({una: {"#here", "#came"}, 99: {"#here"}}, 3)
    rows = stores.database.rows(
        "SELECT channel, is_present, joined_ms, left_number FROM presence WHERE account_id = ? ORDER BY channel", (una,)
    )
    assert rows == [("", 1, None, None), ("#came", 1, 3, 7), ("#here", 1, 5, None), ("#left", 0, None, None)]
    presence.go_all(9)
    assert presence.find_places(una) == ["#came", "#here"]
    assert presence.find_places(bob) == ["#left", "#here"]


def test_what_somebody_has_read_who_is_there_goes_up(stores: SqlStores, una: int) -> None:
    """It is what counts if the account leaves without having read more, and it never goes down."""
    presence = stores.presence
    for name in ("", "#new", "#old", "#other"):
        presence.come(una, name, 1)
    presence.go(una, "#old", 9, returns=True)
    presence.come(una, "#old", 1)
    presence.raise_left(una, {"", "#new", "#old", "#none"}, 7)
    assert [presence.find_left(una, name) for name in ("", "#new", "#old", "#other", "#none")] == [7, 7, 9, None, None]
    assert presence.find_places(una) == []
    presence.go(una, "#new", None, returns=True)
    assert presence.find_left(una, "#new") == 7


def test_a_later_place_is_not_corrected(stores: SqlStores, una: int) -> None:
    """The account is back on another node by the time that the places are corrected."""
    stores.use_turn(11)
    stores.presence.come(una, "#back", 1)
    stores.presence.go(una, "#left", 1)
    stores.use_turn(10)
    stores.presence.correct({una: {"#left"}}, 3)
    rows = stores.database.rows("SELECT channel, is_present FROM presence ORDER BY channel")
    assert rows == [("#back", 1), ("#left", 0)]
