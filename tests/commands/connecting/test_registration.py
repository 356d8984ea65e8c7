from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, permutations

import pytest
from harness.logins import log_in_by_sasl
from harness.world import PASSWORD, SERVER, Here, params_of, verbs

from chatroom.chat.stored.records import Role

WELCOME = ["001", "002", "003", "004", "005", "251", "252", "253", "254", "255", "265", "266", "422"]


@pytest.mark.parametrize("lines", list(permutations(["CAP END", "NICK alice", "USER al 0 * :Alice A"])))
def test_what_registration_needs_may_come_in_any_order(here: Here, lines: tuple[str, ...]) -> None:
    """The last of NICK, USER and CAP END completes registration, and the user joins the lobby."""
    client = here.open()
    client.say("CAP LS 302")
    client.read()
    client.say(*lines[:2])
    assert client.session.user is None
    sent = client.ask(lines[2])
    assert [verb for verb, _ in groupby(verbs(sent))] == [*WELCOME, "JOIN", "353", "366"]
    assert client.prefix == f"alice!al@{client.session.host}"


def test_nick_and_user_are_enough_without_cap(here: Here) -> None:
    """A client without CAP reads the welcome at once."""
    client = here.open()
    sent = client.ask("NICK alice", "USER al 0 * :Alice A")
    assert params_of(sent, "001") == ["alice", f"Welcome to the chatroom chat, {client.prefix}"]
    assert params_of(sent, "004")[:2] == ["alice", SERVER]


def test_other_users_read_join_and_quit(here: Here) -> None:
    """The lobby reads the JOIN of a new user, and a QUIT after QUIT and after a lost connection."""
    bob = here.connect("bob")
    alice = here.connect("alice")
    prefix = alice.prefix
    assert bob.read() == [f":{prefix} JOIN #lobby"]
    alice.say("QUIT :so long")
    assert bob.read() == [f":{prefix} QUIT :Quit: so long"]
    assert alice.closed
    again = here.connect("alice")
    bob.read()
    again.vanish()
    assert bob.read() == [f":{prefix} QUIT :Connection reset by peer"]


def test_a_reserved_nick_without_a_login_is_refused_and_the_connection_stays(here: Here) -> None:
    """433 and FAIL NICK_RESERVED come when registration would complete, and not at NICK."""
    here.account("admin", Role.ADMIN)
    client = here.open()
    assert client.ask("NICK Admin") == []
    sent = client.ask("USER a 0 * :A")
    assert params_of(sent, "433")[:2] == ["*", "Admin"]
    assert params_of(sent, "FAIL")[:3] == ["NICK", "NICK_RESERVED", "Admin"]
    assert not client.closed
    assert client.session.user is None


@pytest.mark.parametrize("way", ["PASS", "PASS account", "SASL", "another NICK"])
def test_registration_goes_on_after_a_reserved_nick(here: Here, way: str) -> None:
    """PASS, a SASL login or another NICK completes it."""
    here.account("admin", Role.ADMIN)
    client = here.open()
    client.say("CAP REQ :sasl", "CAP END", "NICK admin", "USER a 0 * :A")
    client.read()
    if way == "PASS":
        sent = client.ask(f"PASS :{PASSWORD}")
    elif way == "PASS account":
        sent = client.ask(f"PASS :ADMIN:{PASSWORD}")
    elif way == "SASL":
        sent = log_in_by_sasl(client, "admin")
        assert verbs(sent)[:3] == ["AUTHENTICATE", "900", "903"]
    else:
        sent = client.ask("NICK somebody")
    assert "001" in verbs(sent)
    if way == "another NICK":
        assert client.user.account is None
    else:
        assert client.user.role is Role.ADMIN
        assert params_of(sent, "MODE") == ["admin", "+o"]
        assert params_of(sent, "900") == ["*", *params_of(sent, "900")[1:2], "admin", "You are now logged in as admin"]


@pytest.mark.parametrize("before", [True, False])
def test_a_wrong_pass_is_refused_with_the_reason_and_closed(here: Here, before: bool) -> None:
    """A wrong PASS, before or after NICK, is answered with 464 and ERROR, and the connection closes."""
    here.account("admin", Role.ADMIN)
    bob = here.connect("bob")
    client = here.open()
    said = ["NICK admin", "USER a 0 * :A"]
    sent = client.ask("PASS wrong", *said) if before else client.ask(*said, "PASS wrong")
    assert params_of(sent, "464") == ["*", "Password incorrect: wrong name or password"]
    assert sent[-1] == "ERROR :Closing Link: 10.0.0.1 (Password incorrect: wrong name or password)"
    assert client.closed
    assert bob.read() == []


def test_a_needless_pass_is_ignored(here: Here) -> None:
    """The server has no password and the nick is not registered, so PASS changes nothing."""
    client = here.open()
    assert "001" in verbs(client.ask("PASS hunter2", "NICK alice", "USER a 0 * :A"))


def test_each_client_needs_the_server_password(make_here: Callable[..., Here]) -> None:
    """No password and a wrong password are both answered with 464, and the connection closes."""
    here = make_here(server={"password": "swordfish"})
    for lines in (["NICK a", "USER a 0 * :A"], ["PASS wrong", "NICK a", "USER a 0 * :A"]):
        client = here.open()
        sent = client.ask(*lines)
        assert verbs(sent) == ["464", "ERROR"]
        assert client.closed
    client = here.open()
    assert "001" in verbs(client.ask("PASS swordfish", "NICK a", "USER a 0 * :A"))


@pytest.mark.parametrize("order", [["swordfish", f"una:{PASSWORD}"], [f"una:{PASSWORD}", "swordfish"]])
def test_both_passwords_come_in_any_order(make_here: Callable[..., Here], order: list[str]) -> None:
    """Two PASS lines give the server's password and that of an account, in either order."""
    here = make_here(server={"password": "swordfish"})
    here.account("una")
    client = here.open()
    client.say(*[f"PASS :{word}" for word in order], "NICK una", "USER a 0 * :A")
    assert client.user.account_name == "una"


def test_an_account_does_not_replace_the_server_password(make_here: Callable[..., Here]) -> None:
    """The right password of an account is refused if the server's password is missing."""
    here = make_here(server={"password": "swordfish"})
    here.account("una")
    client = here.open()
    assert verbs(client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER a 0 * :A"))[-2:] == ["464", "ERROR"]


def test_require_login_lets_no_guest_in(make_here: Callable[..., Here]) -> None:
    """A guest reads FAIL ACCOUNT_REQUIRED and is closed. An account gets in under any free nick."""
    here = make_here(accounts={"require_login": True})
    here.account("una")
    guest = here.open()
    sent = guest.ask("NICK guest", "USER a 0 * :A")
    assert params_of(sent, "FAIL")[:2] == ["*", "ACCOUNT_REQUIRED"]
    assert guest.closed
    here.connect("free", login="una")


def test_a_nick_in_use_is_refused_at_once(here: Here) -> None:
    """433 has the nick as it was sent. Registration goes on with another nick."""
    here.connect("alice")
    client = here.open()
    assert params_of(client.ask("NICK ALICE"), "433") == ["*", "ALICE", "Nickname is already in use"]
    assert "001" in verbs(client.ask("USER a 0 * :A", "NICK bob"))


@pytest.mark.parametrize("nick", ["1up", "-x", "a.b", "#x", "a!b", "x" * 33, "a\u0301" + "\u200b", "*", "a,b"])
def test_a_bad_nick_is_432(here: Here, nick: str) -> None:
    """432 has the nick as it was sent, before and after registration."""
    client = here.open()
    assert params_of(client.ask(f"NICK {nick}"), "432")[:2] == ["*", nick]
    alice = here.connect("alice")
    assert params_of(alice.ask(f"NICK {nick}"), "432")[:2] == ["alice", nick]


def test_missing_parameters_and_the_wrong_time(here: Here) -> None:
    """431, 461, 451 and 462 have the parameters of the specification."""
    client = here.open()
    assert client.ask("NICK") == [f":{SERVER} 431 * :No nickname given"]
    assert client.ask("USER a") == [f":{SERVER} 461 * USER :Not enough parameters"]
    assert client.ask("PASS") == [f":{SERVER} 461 * PASS :Not enough parameters"]
    assert client.ask("JOIN #a") == [f":{SERVER} 451 * :You have not registered"]
    assert client.ask("FOO") == [f":{SERVER} 421 * FOO :Unknown command"]
    alice = here.connect("alice")
    assert alice.ask("USER a 0 * :A") == [f":{SERVER} 462 alice :You may not reregister"]
    assert alice.ask("PASS x") == [f":{SERVER} 462 alice :You may not reregister"]
