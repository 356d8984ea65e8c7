"""A further device of a user is shown the user's channels in pieces, with the lines of others in between."""

from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, Here

from chatroom.commands import long_answers
from chatroom.irc.message import parse


@pytest.fixture(autouse=True)
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece is one step."""
    monkeypatch.setattr(long_answers, "PIECE_BYTES", 1)


@pytest.fixture
def device(here: Here) -> Client:
    """A further device of una, who is in #a, #b and #c with bob: it has been shown the first of them."""
    una, bob = here.member("una"), here.connect("bob")
    for client in (una, bob):
        client.say("PART #lobby", "JOIN #a,#b,#c")
    here.release()
    here.holding = True
    device = here.open()
    device.say(f"PASS :una:{PASSWORD}", "NICK una", "USER una 0 * :una", "PING behind")
    while "JOIN #a" not in " ".join(device.read()):
        here.release(1)
    here.forget_unread()
    return device


def test_a_further_device_is_shown_the_channels_one_by_one(here: Here, device: Client) -> None:
    """It reads of each from its JOIN on, and its own next line is run behind all."""
    bob = here.clients[2]
    bob.say("PRIVMSG #a :in a", "PRIVMSG #b :in b", "PRIVMSG una :direct")
    assert [line.split(" ", 2)[2] for line in device.read() if "PRIVMSG" in line] == ["#a :in a", "una :direct"]
    bob.say("MODE #c +v una", "PART #c")
    here.release()
    lines = list(map(parse, device.read()))
    assert [message.params[0] for message in lines if message.verb == "JOIN"] == ["#b", "#c"]
    assert [message.params[-1] for message in lines if message.verb == "353"] == ["@una bob", "@una"]
    assert lines[-1].verb == "PONG"
    assert "PART" not in [message.verb for message in lines]
    bob.say("PRIVMSG #b :now")
    assert [parse(line).params[-1] for line in device.read()] == ["now"]


def test_a_channel_that_the_user_has_left_meanwhile_is_not_shown(here: Here, device: Client) -> None:
    """On the other device, by a PART; one that it joins is shown as any."""
    una = here.clients[1]
    una.say("PART #b", "JOIN #d")
    here.release()
    lines = list(map(parse, device.read()))
    assert [message.params[0] for message in lines if message.verb == "JOIN"] == ["#d", "#c"]
    assert [message.params[1] for message in lines if message.verb == "366"] == ["#d", "#c"]


def test_a_device_that_goes_meanwhile_leaves_nothing(here: Here, device: Client) -> None:
    """The other device and the user stay."""
    device.vanish()
    here.release()
    assert not here.held
    assert here.clients[1].ask("NAMES #b")
