from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import SERVER, Here, verbs


@pytest.mark.parametrize("mode", ["+i", "+k sesame", "+l 1"])
def test_operators_read_a_knock(here: Here, mode: str) -> None:
    """Only the channel's operators read 710; the user reads 711. An invitation then lets the user in."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    alice.say("JOIN #a")
    carl.say("JOIN #a")
    alice.say(f"MODE #a {mode}")
    here.forget_unread()
    assert bob.ask("KNOCK #A :let me in") == [f":{SERVER} 711 bob #a :Your KNOCK has been delivered"]
    assert alice.read() == [f":{SERVER} 710 alice #a {bob.prefix} :has asked for an invite: let me in"]
    assert carl.read() == []
    bob.say("KNOCK #a")
    assert alice.read() == [f":{SERVER} 710 alice #a {bob.prefix} :has asked for an invite"]
    alice.say("INVITE bob #a")
    bob.read()
    assert verbs(bob.ask("JOIN #a"))[0] == "JOIN"


def test_refused_knocks(here: Here) -> None:
    """403 for no channel, 713 for an open one, 714 for the user's own, 480 for a banned user."""
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "JOIN #b", "MODE #b +i", "MODE #b +b bob!*@*")
    assert bob.ask("KNOCK #none") == [f":{SERVER} 403 bob #none :No such channel"]
    assert bob.ask("KNOCK #a") == [f":{SERVER} 713 bob #a :Channel is open"]
    assert alice.ask("KNOCK #b") == [f":{SERVER} 714 alice #b :You are already on that channel"]
    assert bob.ask("KNOCK #b") == [f":{SERVER} 480 bob #b :Cannot knock on channel (you are banned)"]
    assert bob.ask("KNOCK") == [f":{SERVER} 461 bob KNOCK :Not enough parameters"]
    assert alice.read() == []


def test_knocking_is_limited_to_once_a_minute(make_here: Callable[..., Here]) -> None:
    """712 for a second knock within a minute, if limits are on, whatever the wall clock is set to."""
    here = make_here(limits={"enabled": True})
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say("JOIN #a", "MODE #a +i", "JOIN #b", "MODE #b +i")
    assert verbs(bob.ask("KNOCK #a")) == ["711"]
    assert verbs(bob.ask("KNOCK #b")) == ["712"]
    here.set_clock(86_400)
    assert verbs(bob.ask("KNOCK #b")) == ["712"]
    here.set_clock(-2 * 86_400)
    here.wait(60)
    assert verbs(bob.ask("KNOCK #b")) == ["711"]
