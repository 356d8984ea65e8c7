"""What another node has stored, and this one told nobody yet, is in no answer about the history."""

from __future__ import annotations

import pytest
from harness.history_answers import CAPS, at, batch_of, speak, texts
from harness.session_client import Client
from harness.world import Here

from chatroom.chat.one_node import OneNode
from chatroom.irc.message import parse


@pytest.fixture
def una(keeping: Here, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A member of #c and #new. ``0`` and ``1`` were told in #c, ``2`` was not, nor anything of #new."""
    una = keeping.member("una", caps=f"{CAPS} znc.in/playback")
    keeping.set_clock(-1)
    una.say("JOIN #c", "JOIN #new")
    keeping.wait(1)
    speak(keeping, una, "0", "1")
    end = keeping.world.outbox.seq
    speak(keeping, una, "2")
    speak(keeping, una, "3", target="#new")
    una.read()
    monkeypatch.setattr(OneNode, "history_end", end)
    return una


def test_chathistory_ends_there(una: Client) -> None:
    """Messages, and the times of the last ones."""
    assert texts(una.ask("CHATHISTORY LATEST #c * 5")) == ["0", "1"]
    assert texts(una.ask("CHATHISTORY LATEST #new * 5"), "chathistory #new") == []
    answer = batch_of(una.ask(f"CHATHISTORY TARGETS {at(-9)} {at(99)} 10"), "draft/chathistory-targets")
    assert [line.params[1:] for line in answer] == [["#c", at(1).removeprefix("timestamp=")]]


def test_the_playback_of_bouncers_ends_there(una: Client) -> None:
    """Messages, and the buffers with their times."""
    assert texts(una.ask("PRIVMSG *playback :PLAY *"), "znc.in/playback #c") == ["0", "1"]
    [listed] = una.ask("PRIVMSG *playback :LIST *")
    name, first, last = parse(listed).params[1].split()
    assert name == "#c" and float(last) - float(first) == 1


def test_a_search_ends_there(una: Client) -> None:
    """It finds what was told."""
    found = [parse(line) for line in una.ask("SEARCH from=una")]
    assert [line.params[-1] for line in found if line.verb == "PRIVMSG"] == ["0", "1"]
