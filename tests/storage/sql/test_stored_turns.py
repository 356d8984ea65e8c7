"""The workers of two nodes write the same thing: what the later turn has made of it stays, whoever comes last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from harness.written_history import AT, run

from chatroom.chat.stored.hook_records import NewHook
from chatroom.chat.stored.records import Actor, AlwaysOnUser, Role, StoredChannel
from chatroom.errors import NotFound
from chatroom.storage.opening import open_upkeep
from chatroom.storage.sql import stored_turns
from chatroom.storage.sql.presence_store import MOST_PLACES
from chatroom.storage.sql.rename_notes import note_in_history
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sql.timestamps import from_ms

TEA, COFFEE = (StoredChannel(name, None, from_ms(AT), topic="new") for name in ("#tea", "#Coffee"))
OLD_TEA = replace(TEA, topic="old")


@pytest.fixture
def other(open_another: Callable[[str], SqlStores]) -> SqlStores:
    """The stores of another node."""
    return open_another("daemon:b")


@pytest.fixture
def una(stores: SqlStores, by: Actor) -> int:
    """The id of an account."""
    return stores.accounts.create("una", Role.USER, [], by).id


def topics(stores: SqlStores) -> dict[str, str]:
    """The topic of each stored channel."""
    return {channel.name: channel.topic for channel in stores.channels.load_all()}


def count_rows(stores: SqlStores) -> int:
    """How many turns are kept."""
    return stores.database.number("SELECT count(*) FROM stored_turns")


def test_the_channel_of_the_later_turn_stays(stores: SqlStores, other: SqlStores, by: Actor) -> None:
    """The audit has both changes, and whoever follows the channels hears of one."""
    stores.use_turn(10)
    other.use_turn(11)
    other.channels.save(TEA, by, "channel.topic", "new")
    before = stores.last_change_id()
    stores.channels.save(OLD_TEA, by, "channel.topic", "old")
    assert topics(stores) == {"#tea": "new"}
    assert stores.last_change_id() == before
    assert [entry.detail for entry in stores.audit.list_entries()] == ["new", "old"]


def test_a_turn_may_store_a_thing_twice(stores: SqlStores, by: Actor) -> None:
    """And a later one once more."""
    for turn, topic in ((10, "first"), (10, "second"), (11, "third")):
        stores.use_turn(turn)
        stores.channels.save(replace(TEA, topic=topic), by, "", "")
        assert topics(stores) == {"#tea": topic}


def test_a_lone_daemon_stores_what_comes(stores: SqlStores, by: Actor) -> None:
    """Also what nodes have stored before, and it leaves no turns."""
    stores.use_turn(10)
    stores.channels.save(TEA, by, "", "")
    stores.use_turn(0)
    stores.channels.save(OLD_TEA, by, "", "")
    stores.channels.save(COFFEE, by, "", "")
    assert topics(stores) == {"#tea": "old", "#Coffee": "new"}
    assert count_rows(stores) == 1


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_deleted_channel_does_not_come_back(
    stores: SqlStores, other: SqlStores, by: Actor, *, is_stored: bool
) -> None:
    """Not by a save of before, even if that is the first of the channel."""
    stores.use_turn(9)
    if is_stored:
        stores.channels.save(OLD_TEA, by, "", "")
    other.use_turn(11)
    try:
        other.channels.delete("#tea", by)
    except NotFound:
        assert not is_stored
    stores.use_turn(10)
    stores.channels.save(TEA, by, "", "")
    assert topics(stores) == {}


def test_another_channel_of_the_name_stays(stores: SqlStores, other: SqlStores, by: Actor) -> None:
    """The end of the one before comes late."""
    other.use_turn(11)
    other.channels.save(TEA, by, "", "")
    stores.use_turn(10)
    assert stores.channels.delete("#tea", by) == []
    assert topics(stores) == {"#tea": "new"}


def test_hooks_of_a_channel_that_ended_before_another_one_are_paused(
    stores: SqlStores, other: SqlStores, by: Actor
) -> None:
    """They must not send what is said in that one."""
    hook = other.hooks.add(NewHook("#tea", "https://hooks.example/x"), by).hook
    other.use_turn(11)
    other.channels.save(TEA, by, "", "")
    stores.use_turn(10)
    assert stores.channels.delete("#tea", by) == [hook.id]
    assert [each.paused for each in stores.hooks.list_all()] == [True]
    assert topics(stores) == {"#tea": "new"}


def test_a_channel_that_was_renamed_does_not_come_back(stores: SqlStores, other: SqlStores, by: Actor) -> None:
    """By a save of before, under its old name."""
    stores.use_turn(9)
    stores.channels.save(OLD_TEA, by, "", "")
    other.use_turn(11)
    other.channels.rename("#tea", "#Coffee", COFFEE, by, home="b/2")
    stores.use_turn(10)
    stores.channels.save(TEA, by, "", "")
    assert topics(stores) == {"#Coffee": "new"}


def test_a_name_that_comes_late_leaves_the_later_channel(
    stores: SqlStores, other: SqlStores, by: Actor, una: int
) -> None:
    """Another node has stored a later state under the new name. Accounts keep what they have under it."""
    stores.use_turn(9)
    stores.channels.save(OLD_TEA, by, "", "")
    stores.account_data.set_marker(una, "#tea", 1000)
    stores.presence.come(una, "#tea", 1000)
    other.use_turn(11)
    other.channels.save(COFFEE, by, "", "")
    other.account_data.set_marker(una, "#coffee", 2000)
    stores.use_turn(10)
    stores.channels.rename("#tea", "#Coffee", replace(COFFEE, topic="old"), by, home="a/1")
    assert topics(stores) == {"#Coffee": "new"}
    assert stores.account_data.load(una).markers == {"#coffee": 2000}
    assert stores.database.rows("SELECT channel FROM presence") == [("#coffee",)]


def test_a_name_that_comes_late_leaves_another_channel_its_name(stores: SqlStores, other: SqlStores, by: Actor) -> None:
    """Somebody has made a channel of the old name meanwhile."""
    stores.use_turn(9)
    stores.channels.save(OLD_TEA, by, "", "")
    other.use_turn(11)
    other.channels.save(TEA, by, "", "")
    stores.use_turn(10)
    stores.channels.rename("#tea", "#Coffee", replace(COFFEE, topic="old"), by, home="a/1")
    assert topics(stores) == {"#tea": "new", "#Coffee": "old"}


def test_a_name_that_is_stored_at_a_later_try_leaves_another_channel_its_name(
    stores: SqlStores, other: SqlStores, by: Actor
) -> None:
    """It is that of the turn which gave it, whenever the database takes it."""
    stores.use_turn(9)
    stores.channels.save(OLD_TEA, by, "", "")
    note_in_history(stores.database.execute, "#tea", "#Coffee", "a/1", 10)
    other.use_turn(15)
    other.channels.save(TEA, by, "", "")
    stores.use_turn(20)
    stores.channels.rename("#tea", "#Coffee", replace(COFFEE, topic="old"), by, home="a/1")
    assert topics(stores) == {"#tea": "new", "#Coffee": "old"}
    assert stores.database.number("SELECT count(*) FROM rename_notes") == 0


def test_a_new_name_takes_the_place_of_a_channel_that_has_ended(stores: SqlStores, other: SqlStores, by: Actor) -> None:
    """Its end comes late, and ends nothing else."""
    stores.use_turn(8)
    stores.channels.save(OLD_TEA, by, "", "")
    stores.channels.save(replace(COFFEE, topic="old"), by, "", "")
    other.use_turn(11)
    other.channels.rename("#tea", "#Coffee", COFFEE, by, home="b/2")
    stores.use_turn(10)
    stores.channels.delete("#Coffee", by)
    assert topics(stores) == {"#Coffee": "new"}


def test_a_completed_name_leaves_another_channel_its_name(stores: SqlStores, by: Actor) -> None:
    """Somebody has made one before the node was known to be gone."""
    stores.use_turn(9)
    stores.channels.save(OLD_TEA, by, "", "")
    note_in_history(stores.database.execute, "#tea", "#Coffee", "b/2", 10)
    stores.use_turn(11)
    stores.channels.save(TEA, by, "", "")
    stores.channels.finish_renames("b/2")
    assert topics(stores)["#tea"] == "new"


@pytest.mark.parametrize("turn, expected", [(8, "old"), (11, "new")])
def test_a_completed_name_is_that_of_the_channel(stores: SqlStores, by: Actor, turn: int, expected: str) -> None:
    """A row of the new name is of a channel that has ended, or a later state of this one."""
    stores.use_turn(turn)
    stores.channels.save(COFFEE, by, "", "")
    stores.use_turn(9)
    stores.channels.save(OLD_TEA, by, "", "")
    note_in_history(stores.database.execute, "#tea", "#Coffee", "b/2", 10)
    stores.channels.finish_renames("b/2")
    assert topics(stores) == {"#Coffee": expected}


def test_a_place_is_that_of_the_later_turn(stores: SqlStores, other: SqlStores, una: int) -> None:
    """Who has left does not come back, and who has come is there. What was read is read."""
    other.use_turn(11)
    other.presence.go(una, "#tea", 50)
    stores.use_turn(10)
    stores.presence.come(una, "#tea", 1000)
    assert stores.presence.find_places(una) == []
    assert stores.database.rows("SELECT is_present, left_number FROM presence") == [(0, 50)]
    other.use_turn(13)
    other.presence.come(una, "#tea", 1300)
    stores.use_turn(12)
    stores.presence.go(una, "#tea", 70)
    stores.presence.forget_place(una, "#tea")
    stores.presence.forget_channel("#tea")
    assert stores.database.rows("SELECT is_present, left_number, joined_ms FROM presence") == [(1, 70, 1300)]


def test_a_channel_is_forgotten_at_once(stores: SqlStores, other: SqlStores, by: Actor, una: int) -> None:
    """For all accounts but those that came later, and for good: who came before does not come back either."""
    bob = stores.accounts.create("bob", Role.USER, [], by).id
    for turn, account_id, channel in ((8, una, "#tea"), (8, una, "#coffee"), (11, bob, "#tea")):
        stores.use_turn(turn)
        stores.presence.come(account_id, channel, 1000)
    other.use_turn(10)
    other.presence.forget_channel("#tea")
    stores.use_turn(9)
    stores.presence.come(una, "#tea", 900)
    rows = stores.database.rows("SELECT account_id, channel, joined_ms FROM presence ORDER BY account_id, channel")
    assert rows == [(una, "#coffee", 1000), (una, "#tea", None), (bob, "#tea", 1000)]


def test_it_takes_a_few_statements_to_forget_a_channel(
    stores: SqlStores, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many accounts come back to it: all who write wait for that."""
    stores.use_turn(10)
    for number in range(20):
        stores.presence.come(stores.accounts.create(f"una{number}", Role.USER, [], by).id, "#tea", 1000)
    asked, execute = list[str](), type(stores.database).execute

    def count(database: Any, sql: str, parameters: Any = ()) -> Any:
        asked.append(sql)
        return execute(database, sql, parameters)

    monkeypatch.setattr(type(stores.database), "execute", count)
    stores.use_turn(11)
    stores.presence.forget_channel("#tea")
    assert 0 < len(asked) < 10
    assert stores.database.number("SELECT count(*) FROM stored_turns WHERE turn = 11") == 20


def test_an_account_is_as_in_the_later_turn(stores: SqlStores, other: SqlStores, una: int) -> None:
    """Its metadata, what others see of it, and what it has cleared."""
    user = AlwaysOnUser(una, "una", "Una", "h.x", None, "")
    for each, turn, values, up_to, away in ((other, 11, {"url": "b"}, 90, "tea"), (stores, 10, {}, 80, None)):
        each.use_turn(turn)
        each.account_data.set_metadata(una, values)
        each.account_data.clear_playback(una, {"#tea": up_to})
        each.presence.save_user(user._replace(away=away))
    data = stores.account_data.load(una)
    assert (data.metadata, data.cleared) == ({"url": "b"}, {"#tea": 90})
    assert stores.database.rows("SELECT away FROM always_on_users") == [("tea",)]


def test_turns_do_not_pile_up(stores: SqlStores, by: Actor, una: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account keeps those of the places that are stored; what was stored long ago is forgotten."""
    stores.use_turn(10)
    for number in range(MOST_PLACES + 10):
        stores.presence.come(una, f"#{number}", 1000)
        stores.presence.go(una, f"#{number}", number)
    assert count_rows(stores) <= MOST_PLACES + 1
    monkeypatch.setattr(stored_turns, "_KEPT_TURNS", 100)
    stores.use_turn(111)
    stores.channels.save(TEA, by, "", "")
    upkeep = open_upkeep(stores.address)
    run(upkeep.forget_turns)
    upkeep.close()
    assert stores.database.rows("SELECT thing, name, turn FROM stored_turns") == [("channel", "#tea", 111)]


def test_a_turn_that_is_noted_again_is_not_forgotten(stores: SqlStores, by: Actor) -> None:
    """It was old when the upkeep has looked."""
    stores.use_turn(10)
    stores.channels.save(TEA, by, "", "")
    old = [("channel", "#tea", 9), ("channel", "#none", 10)]
    stored_turns.forget(stores.database, old)
    assert count_rows(stores) == 1
