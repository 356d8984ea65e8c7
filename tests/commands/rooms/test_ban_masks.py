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


def test_isupport_tells_the_kinds(here: Here) -> None:
    """EXTBAN lists the letters that follow the tilde; ACCOUNTEXTBAN names the letter for accounts."""
    tokens = " ".join(here.connect("x").ask("VERSION")).split()
    assert {"EXTBAN=~,am", "ACCOUNTEXTBAN=a"} <= set(tokens)


def test_a_muted_user_joins_and_cannot_speak(here: Here, op: Client) -> None:
    """PRIVMSG and TAGMSG are 404 and NOTICE is dropped, until a voice, an exception or the end of the mute."""
    bob = here.connect("bob", caps="message-tags")
    assert op.ask("MODE #a +b ~m:bob") == [f":{op.prefix} MODE #a +b ~m:bob!*@*"]
    assert "JOIN" in verbs(bob.ask("JOIN #a"))
    op.read()
    assert verbs(bob.ask("PRIVMSG #a :x", "@+a TAGMSG #a", "NOTICE #a :x")) == ["404", "404"]
    assert op.read() == []
    for undo, redo in (("+v bob", "-v bob"), ("+e bob", "-e bob"), ("+e ~m:bob", "-e ~m:bob"), ("-b ~m:bob!*@*", "")):
        op.say(f"MODE #a {undo}")
        here.forget_unread()
        assert bob.ask("PRIVMSG #a :hi") == [], undo
        if redo:
            op.say(f"MODE #a {redo}")
            assert verbs(bob.ask("PRIVMSG #a :hi")) == ["404"], redo


def test_an_exception_from_mutes_does_not_lift_a_ban(here: Here, op: Client) -> None:
    """``+e ~m:`` lifts mutes only; ``+e`` of a plain mask lifts mutes and bans."""
    bob = here.connect("bob")
    op.say("MODE #a +b bob", "MODE #a +e ~m:bob")
    assert verbs(bob.ask("JOIN #a")) == ["474"]
    op.say("MODE #a +e bob")
    assert "JOIN" in verbs(bob.ask("JOIN #a"))


def test_accounts_are_banned_under_every_nick(here: Here, op: Client) -> None:
    """``~a:`` matches the account, in any case or by a mask, and never a guest."""
    una, guest = here.member(), here.connect("guest")
    op.say("MODE #a +b ~a:UNA")
    assert verbs(una.ask("JOIN #a")) == ["474"]
    assert "JOIN" in verbs(guest.ask("JOIN #a"))
    op.say("MODE #a -b ~a:una", "MODE #a +b ~a:*")
    assert verbs(una.ask("JOIN #a")) == ["474"]
    guest.read()
    assert guest.ask("PRIVMSG #a :x") == []
    op.say("MODE #a +e ~a:u?a")
    assert "JOIN" in verbs(una.ask("JOIN #a"))


def test_mutes_and_invite_exceptions_by_account(here: Here, op: Client) -> None:
    """``~m:~a:`` mutes an account; ``+I ~a:`` lets it in despite +i."""
    una = here.member()
    op.say("MODE #a +i", "MODE #a +bI ~m:~a:una ~a:una")
    assert "JOIN" in verbs(una.ask("JOIN #a"))
    assert verbs(una.ask("PRIVMSG #a :x")) == ["404"]


@pytest.mark.parametrize("change", ["+b ~q:x", "+e ~a:", "+b ~m:", "+b ~m:~m:x", "+I ~m:bob"])
def test_kinds_that_mean_nothing_are_refused(here: Here, op: Client, change: str) -> None:
    """696 for an unknown letter, an empty mask, a mute of a mute, and a mute as an invite exception."""
    assert params_of(op.ask(f"MODE #a {change}"), "696")[:3] == ["op", "#a", change[1]]
    assert here.channel("#a").lists.get("b", {}) == {}


def test_mutes_are_listed_and_survive_a_restart(here: Here) -> None:
    """The mutes of a stored channel are listed and in force after a restart."""
    una = here.member()
    una.say("JOIN #a", "MODE #a +b ~m:bob!*@*")
    una.say("QUIT")
    here.restart()
    una, bob = here.member(), here.connect("bob")
    una.say("JOIN #a")
    assert params_of(una.ask("MODE #a b"), "367")[1:3] == ["#a", "~m:bob!*@*"]
    bob.say("JOIN #a")
    bob.read()
    assert bob.ask("PRIVMSG #a :x") == [f":{SERVER} 404 bob #a :Cannot send to channel"]
