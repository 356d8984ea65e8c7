"""Channel modes j (joins), F (nick changes) and W (slow mode): setting them, and what j and F refuse."""

from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, params_of, verbs


@pytest.fixture
def op(here: Here) -> Client:
    """The operator of #a, in a server that has run for a minute."""
    client = here.connect("op")
    client.say("JOIN #a")
    here.wait(60)
    client.read()
    return client


def test_they_are_shown_with_their_parameters(here: Here, op: Client) -> None:
    """MODE shows them to everyone, in one line with the others."""
    bob = here.connect("bob")
    bob.say("JOIN #a")
    bob.read()
    op.say("MODE #a +jFWkl 05:10 2:060 30 key 9")
    assert bob.read() == [f":{op.prefix} MODE #a +jFWkl 5:10 2:60 30 key 9"]
    assert params_of(bob.ask("MODE #a"), "324")[1:] == ["#a", "+ntFWjkl", "2:60", "30", "5:10", "key", "9"]


@pytest.mark.parametrize("letter, param", [("j", "5:10"), ("F", "2:60"), ("W", "30")])
def test_setting_and_removing(here: Here, op: Client, letter: str, param: str) -> None:
    """What changes nothing is not told; removing takes no parameter."""
    assert op.ask(f"MODE #a -{letter}") == []
    assert op.ask(f"MODE #a +{letter} {param}") == [f":{op.prefix} MODE #a +{letter} {param}"]
    assert op.ask(f"MODE #a +{letter} {param}") == []
    assert op.ask(f"MODE #a +{letter} {param.replace('0', '1')}") != []
    assert op.ask(f"MODE #a -{letter}") == [f":{op.prefix} MODE #a -{letter}"]
    assert op.ask("MODE #a")[0].endswith("#a +nt")


@pytest.mark.parametrize(
    "change, shown",
    [("j 0:10", "0:10"), ("j 5", "5"), ("F 5:10:2", "5:10:2"), ("F x:y", "x:y"), ("W 0", "0"), ("W 21601", "21601")],
)
def test_what_is_no_parameter(here: Here, op: Client, change: str, shown: str) -> None:
    """696 says what the mode takes, and nothing changes."""
    refusal = params_of(op.ask(f"MODE #a +{change}"), "696")
    assert refusal[1:4] == ["#a", change[0], shown]
    assert "seconds" in refusal[-1]
    assert params_of(op.ask(f"MODE #a +{change[0]}"), "696")[2:4] == [change[0], "*"]
    assert op.ask("MODE #a")[0].endswith("#a +nt")


def test_they_are_for_operators(here: Here, op: Client) -> None:
    """A member is refused."""
    bob = here.connect("bob")
    bob.say("JOIN #a")
    assert verbs(bob.ask("MODE #a +W 10")[-1:]) == ["482"]


def test_they_survive_a_restart(here: Here) -> None:
    """They are stored with the channel."""
    una = here.member()
    una.say("JOIN #c", "MODE #c +jFW 5:10 2:60 30")
    here.restart()
    assert here.channel("#c").modes(with_secrets=True) == ["+ntFWj", "2:60", "30", "5:10"]
    una = here.connect("una", login="una")
    una.say("JOIN #c", "MODE #c -FWj")
    here.restart()
    assert here.channel("#c").modes(with_secrets=True) == ["+nt"]


def test_further_joins_wait(here: Here, op: Client) -> None:
    """480 says when to try again; refused tries count for nothing; those inside stay."""
    op.say("MODE #a +j 2:10")
    guests = [here.connect(f"guest{number}") for number in range(3)]
    for guest in guests[:2]:
        assert "JOIN" in verbs(guest.ask("JOIN #a"))
        here.wait(4)
    text = "Cannot join channel (+j): at most 2 joins in 10 s, try again in 2 s"
    assert guests[2].ask("JOIN #a") == [f":{SERVER} 480 guest2 #a :{text}"]
    here.wait(2)
    assert "JOIN" in verbs(guests[2].ask("JOIN #a"))
    assert len(here.channel("#a").members) == 4


def test_whom_the_throttle_does_not_hold_for(here: Here, op: Client) -> None:
    """Users with an invitation or a standing, and moderators, come in and count for nothing."""
    una = here.member()
    assert una.user.account is not None
    here.channel("#a").access[una.user.account.id] = "v"
    mo, bob, eve, carl = here.moderator(), here.connect("bob"), here.connect("eve"), here.connect("carl")
    op.say("MODE #a +j 1:10", "INVITE bob #a")
    for client in (una, mo, bob, eve):
        assert "JOIN" in verbs(client.ask("JOIN #a"))
    assert verbs(carl.ask("JOIN #a")) == ["480"]


def test_a_refused_join_follows_the_forward(here: Here, op: Client) -> None:
    """As for any other refusal."""
    op.say("JOIN #b", "MODE #a +jf 1:10 #b")
    here.connect("bob").say("JOIN #a")
    told = here.connect("eve").ask("JOIN #a")
    assert verbs(told)[:2] == ["470", "JOIN"]
    assert "try again in 10 s, you are forwarded to #b" in told[0]


def test_the_lobby_throttles_those_who_connect(here: Here) -> None:
    """A channel that everyone joins at the start defends itself as well: the user is connected, and outside."""
    here.wait(60)
    here.admin().say("MODE #lobby +j 1:60")
    here.connect("bob")
    eve = here.open()
    eve.say("NICK eve", "USER eve 0 * :eve")
    welcome = eve.read()
    assert "001" in verbs(welcome) and params_of(welcome, "480")[1] == "#lobby"
    assert eve.user not in here.channel("#lobby").members


def test_all_may_come_back_after_a_start(here: Here) -> None:
    """In the first half minute the throttle lets all in, whom the end of the server has disconnected."""
    una = here.member()
    una.say("JOIN #c", "MODE #c +j 1:60")
    here.restart()
    for number in range(3):
        assert "JOIN" in verbs(here.connect(f"guest{number}").ask("JOIN #c"))
    here.wait(30)
    assert "JOIN" in verbs(here.connect("bob").ask("JOIN #c"))
    assert verbs(here.connect("eve").ask("JOIN #c")) == ["480"]


def test_further_nick_changes_wait(here: Here, op: Client) -> None:
    """447 says where and when to try again; the changes of all members count together."""
    bob, eve = here.connect("bob"), here.connect("eve")
    for client in (bob, eve):
        client.say("JOIN #a")
    op.say("MODE #a +F 2:60")
    bob.say("NICK rob")
    here.wait(9.5)
    eve.say("NICK eva")
    text = "Cannot change nick in #a (+F): at most 2 nick changes in 60 s, try again in 51 s"
    assert bob.ask("NICK bobby") == [f":{SERVER} 447 rob :{text}"]
    assert bob.ask("NICK rob") == []
    bob.say("PART #a")
    assert "NICK" in verbs(bob.ask("NICK bobby"))
    here.wait(51)
    assert "NICK" in verbs(eve.ask("NICK eve"))


def test_whose_nick_changes_count_for_nothing(here: Here, op: Client) -> None:
    """Operators, the voiced and moderators change their nicks freely."""
    bob, eve, mo = here.connect("bob"), here.connect("eve"), here.moderator()
    for client in (bob, eve, mo):
        client.say("JOIN #a")
    op.say("MODE #a +Fv 1:60 bob")
    for client in (op, bob, mo, eve):
        nick = client.user.nick
        assert "NICK" in verbs(client.ask(f"NICK {nick}2"))
    assert verbs(eve.ask("NICK eve3")) == ["447"]
    assert "NICK" in verbs(bob.ask("NICK bob3"))
