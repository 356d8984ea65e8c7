from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, params_of, verbs


@pytest.fixture
def op(here: Here) -> Client:
    """The operator of #a."""
    client = here.connect("op")
    client.say("JOIN #a")
    client.read()
    return client


def test_with_M_only_accounts_and_the_voiced_speak(here: Here, op: Client) -> None:
    """With +M a guest without a standing gets 404."""
    guest, una = here.connect("guest"), here.member()
    guest.say("JOIN #a")
    una.say("JOIN #a")
    op.say("MODE #a +M")
    here.forget_unread()
    assert guest.ask("PRIVMSG #a :x") == [f":{SERVER} 404 guest #a :Cannot send to channel"]
    assert una.ask("PRIVMSG #a :x") == []
    op.say("MODE #a +v guest")
    guest.read()
    assert guest.ask("PRIVMSG #a :x") == []


def test_with_R_only_accounts_and_the_invited_enter(here: Here, op: Client) -> None:
    """With +R a guest gets 477, unless it is invited."""
    guest, una = here.connect("guest"), here.member()
    op.say("MODE #a +R")
    assert guest.ask("JOIN #a") == [f":{SERVER} 477 guest #a :Cannot join channel (+R)"]
    assert "JOIN" in verbs(una.ask("JOIN #a"))
    op.say("INVITE guest #a")
    assert "JOIN" in verbs(guest.ask("JOIN #a"))


def test_with_C_only_action_passes_of_ctcp(here: Here, op: Client) -> None:
    """+C refuses CTCP to the channel, even of operators. ACTION and plain text pass."""
    bob = here.connect("bob")
    bob.say("JOIN #a")
    op.say("MODE #a +C")
    here.forget_unread()
    refusal = ":Cannot send to channel"
    assert bob.ask("PRIVMSG #a :\x01PING 1\x01") == [f":{SERVER} 404 bob #a {refusal}"]
    assert op.ask("PRIVMSG @#a :\x01VERSION\x01") == [f":{SERVER} 404 op #a {refusal}"]
    assert bob.ask("NOTICE #a :\x01PING 1\x01") == []
    assert op.read() == []
    bob.say("PRIVMSG #a :\x01ACTION waves\x01")
    assert op.read() == [f":{bob.prefix} PRIVMSG #a :\x01ACTION waves\x01"]


def test_a_refused_user_is_forwarded(here: Here, op: Client) -> None:
    """For every reason of a refusal: 470 with both names, then the JOIN of the other channel."""
    op.say("JOIN #b")
    op.say("MODE #a +f #B")
    assert params_of(op.ask("MODE #a"), "324") == ["op", "#a", "+ntf", "#b"]
    for number, change in enumerate(("+i", "+k x", "+l 1", "+b *!*@*", "+R")):
        op.say(f"MODE #a {change}")
        client = here.connect(f"c{number}")
        client.read()
        sent = client.ask("JOIN #a")
        assert params_of(sent, "470")[:3] == [client.user.nick, "#a", "#b"]
        assert sent[1] == f":{client.prefix} JOIN #b"
        assert [verbs(client.ask("JOIN #a"))] == [["470"]], "a member of the other channel stays there"
        op.say(f"MODE #a -{change[1:]}")
    op.say("MODE #a -f", "MODE #a +i")
    assert verbs(here.connect("last").ask("JOIN #a")) == ["473"]


def test_forwards_are_followed_to_their_end(here: Here, op: Client) -> None:
    """Forwards lead from channel to channel. In a circle, or if a channel is gone, the last channel refuses."""
    op.say("JOIN #b", "JOIN #c")
    op.say("MODE #a +if #b", "MODE #b +if #c")
    bob = here.connect("bob")
    bob.read()
    assert verbs(bob.ask("JOIN #a"))[:3] == ["470", "470", "JOIN"]
    op.say("MODE #c +if #a")
    carl = here.connect("carl")
    carl.read()
    assert verbs(carl.ask("JOIN #a")) == ["470", "470", "473"]
    op.say("JOIN #d", "MODE #c +f #d", "PART #d")
    assert verbs(carl.ask("JOIN #c")) == ["473"]


def test_a_forward_needs_a_channel_and_rights_in_it(here: Here, op: Client) -> None:
    """696 if the other channel does not exist or is the same one; 482 if the user is no operator there."""
    here.connect("bob").say("JOIN #b")
    op.say("JOIN #b")
    op.read()
    assert params_of(op.ask("MODE #a +f #none"), "696")[:4] == ["op", "#a", "f", "#none"]
    assert params_of(op.ask("MODE #a +f #A"), "696")[:4] == ["op", "#a", "f", "#A"]
    assert params_of(op.ask("MODE #a +f"), "696")[:4] == ["op", "#a", "f", "*"]
    assert params_of(op.ask("MODE #a +f #b"), "482")[:2] == ["op", "#b"]
    assert here.channel("#a").forward is None
    assert op.ask("MODE #a -f") == []


def test_a_forward_survives_a_restart(here: Here) -> None:
    """A forward is stored with the channel."""
    una = here.member()
    una.say("JOIN #a", "JOIN #b", "MODE #a +f #b")
    here.restart()
    assert here.channel("#a").forward == "#b"


def test_the_announced_modes_are_those_that_exist(here: Here) -> None:
    """CHANMODES, FORWARD and RPL_MYINFO name all mode letters."""
    client = here.open()
    client.say("NICK x", "USER x 0 * :x")
    welcome = client.read()
    assert params_of(welcome, "004")[4:] == ["CFHIMRUWbefijklmnostvz", "FIWbefjklov"]
    tokens = {token for line in welcome if " 005 " in line for token in line.split()}
    assert {"CHANMODES=Ibe,k,FWfjl,CHMRUimnstz", "FORWARD=f"} <= tokens
