from __future__ import annotations

import pytest
from harness.world import SERVER, Here, verbs

from chatroom.commands.talking.messages import is_ctcp_request


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
    ],
)
def test_what_a_ctcp_request_is(text: str, expected: bool) -> None:
    """Every text in the form of CTCP but the one word ACTION."""
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
