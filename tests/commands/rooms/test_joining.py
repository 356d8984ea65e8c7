from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import SERVER, Here, verbs

from chatroom.commands.rooms.joining import FOUNDED_CHANNELS


def test_joining_shows_the_topic_and_who_is_there(here: Here) -> None:
    """JOIN is answered by itself, the topic with who set it when, the names and their end; members read the JOIN."""
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
def test_what_is_no_channel_is_refused(here: Here, name: str, numeric: str) -> None:
    """476 for a bad name after ``#``, 403 for what is no channel at all."""
    assert verbs(here.connect("alice").ask(f"JOIN :{name}")) == [numeric]


def test_how_many_channels_one_may_join(make_here: Callable[..., Here]) -> None:
    """405 past the limit; leaving one makes room."""
    here = make_here(channels={"autojoin": (), "max_joined": 2})
    alice = here.connect("alice")
    assert verbs(alice.ask("JOIN #a,#b,#c"))[-1] == "405"
    assert alice.ask("JOIN #c") == [f":{SERVER} 405 alice #c :You have joined too many channels"]
    alice.say("PART #a")
    assert verbs(alice.ask("JOIN #c"))[0] == "JOIN"


def test_leaving_is_told_to_all_with_the_reason(here: Here) -> None:
    """PART, with or without words, is read by the others and by who leaves."""
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
    """JOIN 0 parts from every channel."""
    alice = here.connect("alice")
    alice.say("JOIN #a")
    assert verbs(alice.ask("JOIN 0")) == ["PART", "PART"]
    assert alice.user.channels == {}


def test_an_account_founds_only_so_many_stored_channels(make_here: Callable[..., Here]) -> None:
    """Beyond the limit a channel is its founder's to operate, but ends with its last member."""
    here = make_here(channels={"autojoin": (), "max_joined": 1000})
    una = here.member()
    for number in range(FOUNDED_CHANNELS + 1):
        una.say(f"JOIN #c{number}")
    una.say("JOIN 0")
    assert len(here.world.channels) == FOUNDED_CHANNELS
    assert len(list(here.stores.channels.load_all())) == FOUNDED_CHANNELS


def test_extended_join_and_away_notify_tell_more_at_a_join(here: Here) -> None:
    """Readers with extended-join read account and real name; with away-notify, that who joins is away."""
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
