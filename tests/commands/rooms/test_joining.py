from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import SERVER, Here, params_of, verbs

from chatroom.chat.enforcement import apply_account


def test_joining_shows_the_topic_and_the_members(here: Here) -> None:
    """The user reads the JOIN, the topic with its author and time, and the names. The members read the JOIN."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #A", "TOPIC #a :cats")
    alice.read()
    assert bob.ask("JOIN #a") == [
        f":{bob.prefix} JOIN #A",
        f":{SERVER} 332 bob #A :cats",
        f":{SERVER} 333 bob #A {alice.prefix} 1903867200",
        f":{SERVER} 353 bob = #A :@alice bob",
        f":{SERVER} 366 bob #A :End of NAMES list",
    ]
    assert alice.read() == [f":{bob.prefix} JOIN #A"]
    assert bob.ask("JOIN #a") == []


@pytest.mark.parametrize(
    "name, numeric",
    [("#", "476"), ("#a b", "476"), ("#a\x07", "476"), ("#" + "x" * 64, "476"), ("lobby", "403"), ("&a", "403")],
)
def test_invalid_channel_names_are_refused(here: Here, name: str, numeric: str) -> None:
    """476 for an invalid name after ``#``, 403 for a name without it."""
    assert verbs(here.connect("alice").ask(f"JOIN :{name}")) == [numeric]


def test_the_number_of_channels_of_a_user_is_limited(make_here: Callable[..., Here]) -> None:
    """405 above the limit. Leaving a channel makes room."""
    here = make_here(channels={"autojoin": (), "max_joined": 2})
    alice = here.connect("alice")
    assert verbs(alice.ask("JOIN #a,#b,#c"))[-1] == "405"
    assert alice.ask("JOIN #c") == [f":{SERVER} 405 alice #c :You have joined too many channels"]
    alice.say("PART #a")
    assert verbs(alice.ask("JOIN #c"))[0] == "JOIN"


def test_all_members_read_a_part_with_its_reason(here: Here) -> None:
    """The members and the leaving user read PART with its reason. 442 and 403 if there is nothing to leave."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a,#b")
    bob.say("JOIN #a,#b")
    alice.read()
    told = [f":{bob.prefix} PART #a :good night", f":{bob.prefix} PART #b :good night"]
    assert bob.ask("PART #a,#b :good night") == told
    assert alice.read() == told
    assert bob.ask("PART #a") == [f":{SERVER} 442 bob #a :You're not on that channel"]
    assert bob.ask("PART #none") == [f":{SERVER} 403 bob #none :No such channel"]


def test_join_0_leaves_all(here: Here) -> None:
    """JOIN 0 leaves every channel."""
    alice = here.connect("alice")
    alice.say("JOIN #a")
    assert verbs(alice.ask("JOIN 0")) == ["PART", "PART"]
    assert alice.user.channels == {}


def test_an_account_founds_only_so_many_stored_channels(make_here: Callable[..., Here]) -> None:
    """Above the limit, a new channel is not stored and ends with its last member. The user reads that."""
    here = make_here(channels={"autojoin": (), "max_founded": 3})
    una = here.member(caps="standard-replies")
    for number in range(3):
        assert "WARN" not in verbs(una.ask(f"JOIN #c{number}"))
    told = una.ask("JOIN #c3")
    assert params_of(told, "WARN") == [
        "JOIN",
        "LIMIT_REACHED",
        "#c3",
        "3",
        "#c3 ends when its last member leaves: at most 3 channels of an account are kept",
    ]
    assert verbs(told)[0] == "JOIN"
    una.say("JOIN 0")
    assert sorted(here.world.channels) == ["#c0", "#c1", "#c2"]
    assert len(list(here.stores.channels.load_all())) == 3
    here.control().say("DELETECHANNEL #c1")
    assert "WARN" not in verbs(una.ask("JOIN #c3"))


def test_a_guest_reads_nothing_of_the_limit(make_here: Callable[..., Here]) -> None:
    """No channel of a guest is kept."""
    here = make_here(channels={"max_founded": 0})
    assert "NOTICE" not in verbs(here.connect("gus").ask("JOIN #a"))
    assert "NOTICE" in verbs(here.member().ask("JOIN #b"))


def test_founded_channels_are_counted_after_a_restart(make_here: Callable[..., Here]) -> None:
    """The channels of before a restart count. Those of a deleted account count for nobody."""
    here = make_here(channels={"autojoin": (), "max_founded": 3})
    una = here.member()
    una.say("JOIN #a,#b,#c")
    account_id = una.user.account.id if una.user.account is not None else 0
    here.restart()
    world = here.world
    assert world.founded.count(account_id, world.channels) == 3
    apply_account(world, account_id, None)
    assert world.founded.count(account_id, world.channels) == 0


def test_extended_join_and_away_notify_add_to_a_join(here: Here) -> None:
    """Sessions with extended-join read account and real name. Sessions with away-notify read that the user is away."""
    bob = here.connect("bob", caps="extended-join away-notify")
    una = here.member()
    una.say("AWAY :back soon")
    bob.say("JOIN #a")
    bob.read()
    una.say("JOIN #a")
    assert bob.read() == [f":{una.prefix} JOIN #a una :Real Name", f":{una.prefix} AWAY :back soon"]
    guest = here.connect("guest")
    bob.read()
    guest.say("JOIN #a")
    assert bob.read() == [f":{guest.prefix} JOIN #a * :Real Name"]


@pytest.mark.parametrize("autojoin", [(), ("#one", "#two")])
def test_users_join_the_configured_channels(make_here: Callable[..., Here], autojoin: tuple[str, ...]) -> None:
    """Every user joins the channels of ``channels.autojoin``, which may be empty."""
    here = make_here(channels={"autojoin": autojoin})
    alice = here.connect("alice")
    assert [channel.name for channel in alice.user.channels] == list(autojoin)


def test_making_channels_costs_more_than_entering_them(here: Here) -> None:
    """The store worker has work with each new channel, so making many is paid for, and is done in pieces."""
    alice, bob, costs = here.connect("alice"), here.connect("bob"), here.world.costs
    channels = ",".join(f"#made{number}" for number in range(20))
    spent = []
    for client in (alice, bob):
        costs.work_bytes = 0
        client.say(f"JOIN {channels}")
        spent.append(costs.work_bytes)
    assert spent[0] > 20 * 1000 > spent[1]
