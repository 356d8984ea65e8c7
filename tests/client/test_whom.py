"""A user who is followed while questions about it are open."""

from __future__ import annotations

import pytest

from chatroom.client.chat_events import ChannelRenamed, Event, Joined, Kicked, Left, Renamed, Welcome
from chatroom.client.chat_state import State
from chatroom.client.joined_channel import Channel
from chatroom.client.whom import Whom


def bob(*channels: str) -> Whom:
    """Bob, who shares these channels with the user."""
    state = State()
    for name in channels:
        state.channels[name] = Channel(name, state.people)
        state.channels[name].members["bob"] = "bob"
    return Whom(state, "bob")


@pytest.mark.parametrize(
    "events, nick, has_left",
    [
        ([Renamed("bob", "rob"), Renamed("eve", "bob")], "rob", False),
        ([Left("bob", ("#a", "#b"))], "bob", True),
        ([Left("bob", ("#a",))], "bob", False),
        ([Left("bob", ("#a",)), Joined("bob", "#c"), Kicked("bob", "#b", "eve")], "bob", False),
        ([Left("bob", ("#a", "#b")), Joined("bob", "#a")], "bob", True),
        ([Left("eve", ("#a", "#b"))], "bob", False),
        ([Welcome("alice", again=True)], "bob", True),
    ],
)
def test_a_user_is_followed(events: list[Event], nick: str, has_left: bool) -> None:
    """To another nick, and until the last shared channel is left: the next with that nick is somebody else."""
    whom = bob("#a", "#b")
    whom.follow(events)
    assert (whom.nick, whom.has_left) == (nick, has_left)


def test_who_shares_no_channel_cannot_be_followed() -> None:
    """The nick stays what it was."""
    whom = bob()
    whom.follow([Joined("bob", "#a"), Left("bob", ("#a",))])
    assert (whom.nick, whom.has_left) == ("bob", False)


def test_a_renamed_channel_is_the_same() -> None:
    """So that leaving it is leaving the last one that is shared."""
    whom = bob("#a", "#b")
    whom.follow([ChannelRenamed("#a", "#c", "eve"), Left("bob", ("#b", "#c"))])
    assert whom.has_left
