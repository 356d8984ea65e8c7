"""Bounds of CHATHISTORY: msgid and time of each line that a client has read tell the place where it was said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.history_answers import CAPS, texts
from harness.session_client import Client
from harness.world import Here

from chatroom.irc.message import Message, parse

_LINES = (
    "JOIN #c",
    "PRIVMSG #c :one",
    "@+typing=active TAGMSG #c",
    "NOTICE #c :two",
    "PRIVMSG @#c :for operators",
    "MODE #c +m",
    "TOPIC #c :tea",
    "PRIVMSG #c :three",
    "AWAY :lunch",
    "NICK una2",
    "PART #c",
)
_SAID = ("one", "two", "three")


@pytest.fixture
def read(keeping: Here) -> tuple[Client, list[Message]]:
    """A client that may read #c, and the lines with a msgid that it has read there: all of one millisecond."""
    una = keeping.member("una", caps=f"{CAPS} echo-message away-notify")
    bob = keeping.moderator(caps=f"{CAPS} away-notify")
    una.say("JOIN #c")
    bob.say("JOIN #c")
    una.say("MODE #c +o mo", "PART #c")
    bob.read()
    keeping.wait(1)
    with keeping.tick():
        una.say(*_LINES)
    lines = [message for message in map(parse, bob.read()) if message.tags is not None and "msgid" in message.tags]
    assert [line.verb for line in lines if line.verb != "MODE"] == [
        *("JOIN", "PRIVMSG", "TAGMSG", "NOTICE", "PRIVMSG", "TOPIC", "PRIVMSG", "AWAY", "NICK", "PART")
    ]
    return bob, lines


@pytest.mark.parametrize("bound", ["msgid=%(msgid)s", "timestamp=%(time)s"])
def test_each_line_is_a_bound(read: tuple[Client, list[Message]], bound: str) -> None:
    """Before it is what was said before it, and after it what was said after it, whether or not it is stored."""
    bob, lines = read
    said: list[str] = []
    for line in lines:
        word = bound % line.tags
        before = list(said)
        if line.verb in ("PRIVMSG", "NOTICE") and line.params[0] == "#c":
            said.append(line.params[-1])
        after = list(_SAID[len(said) :])
        assert texts(bob.ask(f"CHATHISTORY BEFORE #c {word} 50")) == before
        assert texts(bob.ask(f"CHATHISTORY AFTER #c {word} 50")) == after
        assert texts(bob.ask(f"CHATHISTORY LATEST #c {word} 50")) == after
        assert texts(bob.ask(f"CHATHISTORY AROUND #c {word} 50")) == list(_SAID)
        assert texts(bob.ask(f"CHATHISTORY BETWEEN #c {word} timestamp=2999-01-01T00:00:00.000Z 50")) == after


def test_the_history_shows_the_time_and_the_msgid_that_were_read(read: tuple[Client, list[Message]]) -> None:
    """Live and from the history, a message is the same to a client that compares them."""
    bob, lines = read
    live = [line for line in lines if line.verb in ("PRIVMSG", "NOTICE") and line.params[0] == "#c"]
    shown = [message for message in map(parse, bob.ask("CHATHISTORY LATEST #c * 50")) if message.verb != "BATCH"]
    for one, other in zip(live, shown, strict=True):
        assert one.tags is not None and other.tags is not None
        assert (one.tags["msgid"], one.tags["time"]) == (other.tags["msgid"], other.tags["time"])


def test_a_direct_message_between_guests_is_a_bound(keeping: Here) -> None:
    """Nothing is stored of it, so the answer is an empty batch, and no refusal."""
    alice, bob = keeping.connect("alice", caps=CAPS), keeping.connect("bob", caps=CAPS)
    alice.say("PRIVMSG bob :psst")
    (line,) = map(parse, bob.read())
    assert line.tags is not None
    assert texts(bob.ask(f"CHATHISTORY AFTER alice msgid={line.tags['msgid']} 5"), "chathistory alice") == []


def test_direct_messages_of_a_tick_have_times_of_their_own(keeping: Here) -> None:
    """Also those that a client without tags reads in a shorter way."""
    una, bob = keeping.member("una"), keeping.member("bob")
    with keeping.tick():
        una.say(*[f"PRIVMSG bob :{number}" for number in range(3)])
        bob.say("PRIVMSG una :3", "NOTICE una :4")
    assert len(bob.read()) == 3
    reader = keeping.connect("late", login="bob", caps=CAPS)
    reader.read()
    within = [message.tags for message in map(parse, reader.ask("CHATHISTORY LATEST una * 9")) if message.tags]
    assert len({tags["time"] for tags in within if "time" in tags}) == 5


@pytest.mark.parametrize("verb", ["PRIVMSG", "privmsg"])
@pytest.mark.parametrize("target, setting", [("bob", "direct_messages"), ("#c", "messages")])
def test_messages_that_are_not_stored_have_the_time_of_their_tick(
    make_here: Callable[..., Here], verb: str, target: str, setting: str
) -> None:
    """Nobody can ask for them by time. ``privmsg`` takes the long way."""
    here = make_here(keeping=True, history={setting: False})
    una, bob = here.member("una"), here.member("bob", caps=CAPS)
    una.say("JOIN #c")
    bob.ask("JOIN #c")
    with here.tick():
        una.say(*[f"{verb} {target} :{number}" for number in range(3)])
    tags = [message.tags or {} for message in map(parse, bob.read())]
    assert len({each["time"] for each in tags}) == 1
    assert len({each["msgid"] for each in tags}) == 3


def test_a_message_that_is_ahead_of_the_clock_can_be_marked_as_read(keeping: Here) -> None:
    """A read marker is not later than the clock, unless the conversation is."""
    una = keeping.member("una", caps=f"{CAPS} draft/read-marker echo-message")
    una.say("JOIN #c")
    una.read()
    with keeping.tick():
        una.say(*[f"PRIVMSG #c :{number}" for number in range(5)])
    last = [tags["time"] for tags in (message.tags for message in map(parse, una.read())) if tags]
    assert una.ask(f"MARKREAD #c timestamp={last[-1]}")[0].endswith(f" MARKREAD #c timestamp={last[-1]}")
    assert una.ask("MARKREAD #c timestamp=2999-01-01T00:00:00.000Z")[0].endswith(last[-1])
