"""Slow mode (channel mode W): one message of a user every so many seconds, by whatever verb."""

from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, params_of, verbs

from chatroom.irc.message import parse

CAPS = "batch draft/multiline message-tags"


@pytest.fixture
def room(here: Here) -> tuple[Client, Client]:
    """An operator, who has put #a into slow mode, and eve, who has no standing there."""
    op, eve = here.connect("op", caps="message-tags draft/message-redaction"), here.connect("eve", caps=CAPS)
    for client in (op, eve):
        client.say("JOIN #a")
    op.say("MODE #a -t+W 10")
    here.forget_unread()
    return op, eve


def texts(lines: list[str]) -> list[str]:
    """The last parameters of what was said."""
    said = [message for message in map(parse, lines) if message.verb in ("PRIVMSG", "NOTICE", "TAGMSG", "PART", "QUIT")]
    return [message.params[-1] if message.params else "" for message in said]


def test_a_second_message_waits(here: Here, room: tuple[Client, Client]) -> None:
    """404 says why and for how long; then it is said. Each user waits for itself."""
    op, eve = room
    bob = here.connect("bob")
    bob.say("JOIN #a")
    eve.say("PRIVMSG #a :one")
    here.wait(2.5)
    text = "Slow mode (+W) allows one message every 10 s, try again in 8 s"
    assert eve.ask("PRIVMSG #a :two", "PRIVMSG #A :two") == [f":{SERVER} 404 eve #a :{text}"] * 2
    assert eve.ask("NOTICE #a :two") == []
    bob.say("PRIVMSG #a :mine")
    here.wait(7.5)
    assert eve.ask("PRIVMSG #a :three") == []
    assert texts(op.read())[-3:] == ["one", "mine", "three"]


def test_one_second(here: Here, room: tuple[Client, Client]) -> None:
    """The shortest interval is told as one."""
    op, eve = room
    op.say("MODE #a +W 1")
    eve.read()
    told = eve.ask("PRIVMSG #a :one", "PRIVMSG #a :two")
    assert params_of(told, "404")[-1] == "Slow mode (+W) allows one message every second, try again in 1 s"


@pytest.mark.parametrize("line", ["PRIVMSG @#a :two", "PRIVMSG +#a :two", "@+draft/react=x TAGMSG #a", "TOPIC #a :two"])
def test_other_ways_of_saying_something_count_too(here: Here, room: tuple[Client, Client], line: str) -> None:
    """To operators only, as a reaction, or as the topic: refused after a message, and a message is refused after it."""
    op, eve = room
    eve.say("PRIVMSG #a :one")
    op.read()
    assert "try again in 10 s" in params_of(eve.ask(line), "404")[-1]
    assert op.read() == []
    here.wait(10)
    eve.say(line)
    assert len(op.read()) == 1
    assert verbs(eve.ask("PRIVMSG #a :three")) == ["404"]


def test_typing_is_no_message(here: Here, room: tuple[Client, Client]) -> None:
    """It is told while the user waits, and the user waits for nothing after it."""
    op, eve = room
    eve.say("@+typing=active TAGMSG #a")
    eve.say("PRIVMSG #a :one")
    assert eve.ask("@+typing=active TAGMSG #a") == []
    assert verbs(op.read()) == ["TAGMSG", "PRIVMSG", "TAGMSG"]


def test_a_multiline_message_is_one(here: Here, room: tuple[Client, Client]) -> None:
    """All its lines are said at once, and the next message waits."""
    op, eve = room
    batch = ["@batch=1 PRIVMSG #a :one", "@batch=1 PRIVMSG #a :two", "BATCH -1"]
    assert eve.ask("BATCH +1 draft/multiline #a", *batch) == []
    assert texts(op.read()) == ["one", "two"]
    assert verbs(eve.ask("BATCH +1 draft/multiline #a", *batch)) == ["404"]
    assert op.read() == []


def test_whom_it_does_not_hold_for(here: Here, room: tuple[Client, Client]) -> None:
    """Operators, the voiced, and moderators, in the channel and outside, write on; slow mode knows nothing of them."""
    op, eve = room
    mo = here.moderator()
    op.say("MODE #a -n+v eve")
    for client in (op, eve, mo):
        assert "404" not in verbs(client.ask("PRIVMSG #a :one", "PRIVMSG #a :two"))
    slow = here.channel("#a").slow_mode
    assert slow is not None and len(slow) == 0
    op.say("MODE #a -v eve")
    eve.read()
    assert verbs(eve.ask("PRIVMSG #a :one", "PRIVMSG #a :two")) == ["404"]


def test_it_holds_outside(here: Here, room: tuple[Client, Client]) -> None:
    """Without mode n users outside write to the channel, and wait as those inside do; then joining is no way out."""
    op, _ = room
    bob = here.connect("bob", address="10.0.0.9")
    op.say("MODE #a -n")
    assert verbs(bob.ask("PRIVMSG #a :one", "PRIVMSG #a :two")) == ["404"]
    bob.say("JOIN #a")
    bob.read()
    assert verbs(bob.ask("PRIVMSG #a :three")) == ["404"]


@pytest.mark.parametrize("line", ["PART #a", "PART #a :bye", "QUIT :bye", "JOIN 0", "NICK eva"])
def test_no_way_out(here: Here, room: tuple[Client, Client], line: str) -> None:
    """Leaving, reconnecting and another nick change nothing. A reason would be a message, so none is told."""
    op, eve = room
    eve.say("PRIVMSG #a :one")
    op.read()
    eve.say(line)
    assert not any("bye" in one for one in op.read())
    again = here.connect("eve2") if eve.closed else eve
    again.say("JOIN #a")
    again.read()
    assert verbs(again.ask("PRIVMSG #a :two")) == ["404"]
    here.wait(10)
    assert again.ask("PRIVMSG #a :two") == []


@pytest.mark.parametrize("line", ["PART #a :bye", "QUIT :bye"])
def test_a_reason_is_a_message(here: Here, room: tuple[Client, Client], line: str) -> None:
    """It is told if the user may say something, and who comes back after it waits."""
    op, eve = room
    eve.say(line)
    assert any("bye" in one for one in op.read())
    again = here.connect("eve2") if eve.closed else eve
    again.say("JOIN #a")
    again.read()
    assert verbs(again.ask("PRIVMSG #a :two")) == ["404"]


def test_the_reason_of_a_redaction_is_a_message(keeping: Here) -> None:
    """Within the time a user may redact its message, and not comment on that; the reason that is told counts."""
    op, eve = keeping.connect("op", caps="message-tags draft/message-redaction"), keeping.connect("eve")
    eve.say("CAP REQ :message-tags draft/message-redaction")
    for client in (op, eve):
        client.say("JOIN #a")
    op.say("MODE #a +W 10")
    op.read()
    msgids = []
    for text in ("one", "two"):
        eve.say(f"PRIVMSG #a :{text}")
        msgids.append((parse(op.read()[-1]).tags or {})["msgid"])
        keeping.wait(9 if text == "two" else 10)
    eve.say(f"REDACT #a {msgids[0]} :never mind")
    assert parse(op.read()[-1]).params == ["#a", msgids[0]]
    keeping.wait(1)
    eve.say(f"REDACT #a {msgids[1]} :never mind")
    assert parse(op.read()[-1]).params == ["#a", msgids[1], "never mind"]
    eve.read()
    assert verbs(eve.ask("PRIVMSG #a :three")) == ["404"]


def test_a_new_interval_counts_from_the_last_message(here: Here, room: tuple[Client, Client]) -> None:
    """A longer one holds for what was said before; after -W all write on."""
    op, eve = room
    eve.say("PRIVMSG #a :one")
    here.wait(10)
    op.say("MODE #a +W 60")
    eve.read()
    assert "try again in 50 s" in params_of(eve.ask("PRIVMSG #a :two"), "404")[-1]
    op.say("MODE #a -W")
    eve.read()
    assert eve.ask("PRIVMSG #a :two", "PRIVMSG #a :three") == []
