from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here

from chatroom.irc.message import parse


@pytest.fixture
def room(here: Here) -> dict[str, Client]:
    """Four users in #a: op is an operator, both has operator and voice, vic has a voice, una has no standing."""
    clients = {name: here.connect(name) for name in ("op", "both", "vic", "una")}
    for client in clients.values():
        client.say("JOIN #a")
    clients["op"].say("MODE #a +ovv both both vic")
    here.forget_unread()
    return clients


@pytest.mark.parametrize(
    "target, shown, readers",
    [
        ("@#A", "@#a", {"both"}),
        ("+#a", "+#a", {"both", "vic"}),
        ("@+#a", "+#a", {"both", "vic"}),
        ("+@#a", "+#a", {"both", "vic"}),
    ],
)
def test_only_members_with_the_standing_read_it(
    here: Here, room: dict[str, Client], target: str, shown: str, readers: set[str]
) -> None:
    """``@`` is for operators. ``+``, or both signs, is for members with any standing. The sender does not read it."""
    room["op"].say(f"PRIVMSG {target} :psst")
    said = f":{room['op'].prefix} PRIVMSG {shown} :psst"
    assert {name: client.read() for name, client in room.items()} == {
        name: [said] if name in readers else [] for name in room
    }


def test_a_member_without_a_standing_may_write_to_the_operators(here: Here, room: dict[str, Client]) -> None:
    """The right to speak in the channel is enough, for NOTICE too."""
    room["una"].say("NOTICE @#a :help")
    assert room["op"].read() == [f":{room['una'].prefix} NOTICE @#a :help"]
    assert room["una"].read() == room["vic"].read() == []


def test_a_tagmsg_and_an_echo_go_to_a_standing_too(here: Here, room: dict[str, Client]) -> None:
    """A TAGMSG reaches members of the standing with message-tags. The sender's echo has the sign before the channel."""
    eve = here.connect("eve", caps="message-tags echo-message")
    eve.say("JOIN #a")
    room["op"].say("MODE #a +o eve")
    here.forget_unread()
    assert parse(eve.ask("@+a=b TAGMSG @#a")[0]).params == ["@#a"]
    assert room["op"].read() == []
    assert len(eve.ask("PRIVMSG +#a :hi")) == 1
    assert room["vic"].read() == [f":{eve.prefix} PRIVMSG +#a :hi"]


def test_a_refused_message_to_a_standing_has_its_numeric(here: Here, room: dict[str, Client]) -> None:
    """403 if there is no such channel, 404 if the sender may not speak, 401 for a sign without a channel."""
    out = here.connect("out")
    out.read()
    assert out.ask("PRIVMSG @#none :x") == [f":{SERVER} 403 out @#none :No such channel"]
    assert out.ask("PRIVMSG @#a :x") == [f":{SERVER} 404 out #a :Cannot send to channel"]
    assert out.ask("PRIVMSG @bob :x") == [f":{SERVER} 401 out @bob :No such nick/channel"]
    assert out.ask("PRIVMSG @x#a :x") == [f":{SERVER} 401 out @x#a :No such nick/channel"]
    assert out.ask("NOTICE @#a :x", "NOTICE @bob :x") == []


def test_isupport_has_statusmsg(here: Here) -> None:
    """STATUSMSG names both signs."""
    assert "STATUSMSG=@+" in " ".join(here.connect("x").ask("VERSION")).split()
