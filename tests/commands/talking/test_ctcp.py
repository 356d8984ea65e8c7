from __future__ import annotations

import pytest
from harness.world import SERVER, Here, verbs

from chatroom.irc.ctcp import is_ctcp_request
from chatroom.irc.message import parse


@pytest.mark.parametrize(
    "text, expected",
    [
        ("hello", False),
        ("\x01VERSION\x01", True),
        ("\x01", True),
        ("\x01ACTION waves\x01", False),
        ("\x01ACTION\x01", False),
        ("\x01ACTIONVERSION\x01", True),
        ("\x01action waves\x01", True),
        ("\x01ACTION waves\x01\x01VERSION\x01", True),
        ("\x01ACTION waves \x01VERSION\x01", True),
        ("\x01ACTION \x01", False),
        ("\x01ACTION waves", False),
        ("hello \x01VERSION\x01", True),
        ("a lone \x01 mark", False),
    ],
)
def test_what_a_ctcp_request_is(text: str, expected: bool) -> None:
    """Every text in the form of CTCP but the one word ACTION, wherever the request stands in it."""
    assert is_ctcp_request(text) is expected


def test_mode_c_looks_at_every_line_of_a_message(here: Here) -> None:
    """A request behind a harmless first line is refused with the whole message; without mode C it is sent."""
    bob = here.connect("bob")
    mia = here.connect("mia", caps="batch draft/multiline message-tags")
    bob.say("JOIN #c", "MODE #c +C")
    mia.say("JOIN #c")
    lines = ["BATCH +1 draft/multiline #c", "@batch=1 PRIVMSG #c :hello", "@batch=1 PRIVMSG #c :\x01VERSION\x01"]
    here.forget_unread()
    assert verbs(mia.ask(*lines, "BATCH -1")) == ["404"]
    assert bob.read() == []
    bob.say("MODE #c -C")
    here.forget_unread()
    mia.say(*lines, "BATCH -1")
    assert verbs(bob.read()) == ["PRIVMSG", "PRIVMSG"]


def test_mode_t_keeps_ctcp_from_the_user(here: Here) -> None:
    """A user with mode T gets ACTION and no other CTCP, in no line of a message. Channels and oneself are free."""
    bob, mia = here.connect("bob"), here.connect("mia", caps="batch draft/multiline message-tags")
    bob.say("MODE bob +T")
    here.forget_unread()
    assert mia.ask("PRIVMSG bob :\x01VERSION\x01") == [f":{SERVER} 531 mia bob :This person receives no CTCP"]
    assert mia.ask("NOTICE bob :\x01PING 1\x01") == []
    lines = ["BATCH +1 draft/multiline bob", "@batch=1 PRIVMSG bob :hello", "@batch=1 PRIVMSG bob :\x01VERSION\x01"]
    assert verbs(mia.ask(*lines, "BATCH -1")) == ["531"]
    assert bob.read() == []
    mia.say("PRIVMSG bob :\x01ACTION waves\x01", "PRIVMSG #lobby :\x01VERSION\x01")
    assert verbs(bob.read()) == ["PRIVMSG", "PRIVMSG"]
    assert verbs(bob.ask("PRIVMSG bob :\x01VERSION\x01")) == ["PRIVMSG"]
    bob.say("MODE bob -T")
    bob.read()
    mia.say("PRIVMSG bob :\x01VERSION\x01")
    assert verbs(bob.read()) == ["PRIVMSG"]


@pytest.mark.parametrize("caps", ["", "echo-message", "batch server-time"], ids=["plain", "echo", "batches"])
def test_the_history_keeps_no_request(keeping: Here, caps: str) -> None:
    """Who joins later is shown what was said and done, and no request that the client would answer."""
    alice = keeping.member("alice", caps=f"{caps} message-tags draft/multiline batch".strip())
    alice.say("JOIN #a", "PRIVMSG #a :\x01VERSION\x01", "NOTICE #a :\x01VERSION irssi\x01", "PRIVMSG #a :hello")
    alice.say("PRIVMSG #a :\x01ACTION waves\x01", "PRIVMSG #a :\x01DCC SEND x 1 2 3\x01")
    alice.say(
        "BATCH +1 draft/multiline #a", "@batch=1 PRIVMSG #a :see", "@batch=1 PRIVMSG #a :\x01PING\x01", "BATCH -1"
    )
    bob = keeping.connect("bob", caps="server-time batch")
    for question in ("JOIN #a", "CHATHISTORY LATEST #a * 9"):
        lines = [parse(line) for line in bob.ask(question)]
        said = [line.params[1] for line in lines if line.verb in ("PRIVMSG", "NOTICE")]
        assert said == ["hello", "\x01ACTION waves\x01"]


def test_a_request_to_who_is_away_for_good_is_refused(keeping: Here) -> None:
    """An account that is not connected reads no request later, so the sender learns that it does not arrive."""
    alice = keeping.member("alice")
    bob = keeping.member("bob")
    bob.vanish()
    assert verbs(alice.ask("PRIVMSG bob :\x01VERSION\x01")) == ["401"]
    assert verbs(alice.ask("PRIVMSG bob :hello")) == ["NOTICE"]  # it is kept


def test_a_request_that_was_stored_once_is_not_replayed(keeping: Here) -> None:
    """The history of an earlier version has requests; who joins is not shown them."""
    alice, bob = keeping.member("alice"), keeping.connect("bob", caps="server-time")
    alice.say("JOIN #a", "PRIVMSG #a :hello")
    with keeping.tick():
        world, channel = keeping.world, keeping.channel("#a")
        assert world.ledger.ready()
        event = world.outbox.event(alice.prefix, "PRIVMSG #a :\x01VERSION\x01", alice.user, channel)
        world.ledger.add_line(event.seq, event.time_ms, alice.user, alice.session, "#a", "#a", "\x01VERSION\x01")
    assert [parse(line).params[1] for line in bob.ask("JOIN #a") if " PRIVMSG " in line] == ["hello"]
