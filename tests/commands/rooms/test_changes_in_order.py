"""Changes to a channel are told in the order in which they were made, though each node of a cluster saves its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import Here, params_of, verbs

from chatroom.chat.one_node import OneNode
from chatroom.chat.people.channel import Channel

EARLIER = "b/1 7"


@pytest.fixture
def una(here: Here, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The founder of #c, on a node of a cluster."""
    monkeypatch.setattr(OneNode, "home", "a/1")
    monkeypatch.setattr(OneNode, "homes", lambda _: {"b/1"})
    una = here.member("una")
    una.say("JOIN #c", "TOPIC #c :old")
    una.read()
    return una


def tell_at(here: Here, channel: Channel, look: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Have the earlier change be told when it was looked for so often. Return what counts the looks."""
    looks = 0

    def homes(_: OneNode) -> set[str]:
        nonlocal looks
        looks += 1
        if looks == look:
            channel.untold = channel.untold[1:]
        return {"b/1"}

    monkeypatch.setattr(OneNode, "homes", homes)
    return lambda: looks


@pytest.mark.interpreted("replaces methods of the world, which compiled code calls directly")
def test_a_change_waits_for_an_earlier_one(here: Here, una: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another node that lives. What follows it waits with it; it is in force and saved at once."""
    channel = here.channel("#c")
    channel.untold = (EARLIER,)
    count = tell_at(here, channel, 3, monkeypatch)
    answer = una.ask("CBAN #c eve 1h :spam", "TOPIC #c")
    assert verbs(answer) == ["MODE", "NOTICE", "332", "333"]
    assert count() > 3 and not channel.untold


@pytest.mark.interpreted("replaces methods of the world, which compiled code calls directly")
def test_a_change_does_not_wait_for_ever(here: Here, una: Client) -> None:
    """A node that lives may hang. When it tells its change after all, nobody waits for it any more."""
    channel = here.channel("#c")
    channel.untold = (EARLIER,)
    before = here.mono_ms
    assert params_of(una.ask("TOPIC #c :new"), "TOPIC") == ["#c", "new"]
    assert here.mono_ms - before >= 5_000
    assert not channel.untold


@pytest.mark.interpreted("replaces methods of the world, which compiled code calls directly")
def test_a_change_of_a_dead_node_is_waited_for_by_nobody(
    here: Here, una: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its node told nobody, and never will."""
    channel = here.channel("#c")
    channel.untold = (EARLIER,)
    monkeypatch.setattr(OneNode, "homes", lambda _: {"c/4"})
    before = here.mono_ms
    assert params_of(una.ask("TOPIC #c :new"), "TOPIC") == ["#c", "new"]
    assert here.mono_ms == before
    assert not channel.untold


def test_a_daemon_alone_notes_nothing(here: Here) -> None:
    """It has one worker, which does all saves in order."""
    una = here.member("una")
    una.say("JOIN #c")
    here.holding = True
    una.say("TOPIC #c :new")
    assert here.channel("#c").topic == "new" and here.channel("#c").untold == ()
    here.holding = False
