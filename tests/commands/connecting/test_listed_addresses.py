"""Users whose address is on a DNS blocklist. The lists are the runtime's; here it is the test's."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, Here, change_settings, params_of, verbs

from chatroom.errors import Overloaded

LISTED, CLEAN = "45.6.7.8", "45.6.7.9"


@pytest.fixture
def make(make_here: Callable[..., Here]) -> Callable[..., Here]:
    """Make a world with a blocklist that has one address."""

    def make_one(action: str = "refuse", **sections: dict[str, Any]) -> Here:
        here = make_here(dnsbl={"zones": ("list.example",), "action": action}, **sections)
        here.runtime.listings[int(ip_address(LISTED))] = "list.example"
        return here

    return make_one


def enter(here: Here, address: str, *first: str, nick: str = "alice") -> tuple[Client, list[str]]:
    """Connect from an address; return the client and what it has read."""
    client = here.open(address)
    return client, client.ask(*first, f"NICK {nick}", f"USER {nick} 0 * :{nick}")


def test_a_listed_address_is_refused(make: Callable[..., Here]) -> None:
    """With the list's name, for the user and in the log. Others come in."""
    here = make()
    client, lines = enter(here, LISTED)
    assert params_of(lines, "465")[-1] == f"Your address {LISTED} is on the blocklist list.example"
    assert client.closed and here.world.find_user("alice") is None
    assert f"refused alice from {LISTED}: on the blocklist list.example" in here.world.log_lines
    client, lines = enter(here, CLEAN)
    assert "001" in verbs(lines) and not client.closed
    assert here.runtime.asked_for == [int(ip_address(LISTED)), int(ip_address(CLEAN))]


def test_accounts_are_refused_too(make: Callable[..., Here]) -> None:
    """Unless the setting says otherwise."""
    here = make()
    here.account("una")
    client, lines = enter(here, LISTED, f"PASS :una:{PASSWORD}", nick="una")
    assert verbs(lines)[-2:] == ["465", "ERROR"] and client.closed


def test_a_listed_address_may_log_in(make: Callable[..., Here]) -> None:
    """With the action ``login``; then the list is not even asked. A guest reads what to do."""
    here = make("login")
    here.account("una")
    client, lines = enter(here, LISTED, f"PASS :una:{PASSWORD}", nick="una")
    assert "001" in verbs(lines) and not client.closed
    assert here.runtime.asked_for == []
    client, lines = enter(here, LISTED)
    assert params_of(lines, "FAIL")[:2] == ["*", "ACCOUNT_REQUIRED"]
    assert "log in to an account" in params_of(lines, "FAIL")[-1]
    assert client.closed


def test_moderators_and_admins_come_in(make: Callable[..., Here]) -> None:
    """A list of others must not lock out who has to mend it."""
    here = make()
    assert not here.moderator(address=LISTED).closed
    assert not here.admin(address=LISTED).closed
    assert here.runtime.asked_for == []


@pytest.mark.parametrize("action", ["refuse", "login"])
def test_no_name_is_registered_from_a_listed_address(make: Callable[..., Here], action: str) -> None:
    """Before the connection is complete: with an account the guest would come in."""
    here = make(action)
    client = here.open(LISTED)
    client.say("CAP LS 302", "NICK alice")
    assert params_of(client.ask("REGISTER * * :xyzzy plugh"), "FAIL")[1] == "DISALLOWED"
    assert here.world.accounts.find("alice") is None
    lines = client.ask("USER a 0 * :a", "CAP END")
    assert verbs(lines)[-1] == "ERROR" and client.closed
    assert len(here.runtime.asked_for) == 1
    other = here.open(CLEAN)
    other.say("CAP LS 302", "NICK bob")
    assert verbs(other.ask("REGISTER * * :xyzzy plugh"))[0] == "REGISTER"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "fd00::1", "fe80::1", "45.1.0.9"])
def test_some_addresses_are_not_asked_for(make: Callable[..., Here], address: str) -> None:
    """This machine's, private ones and exempt ones: no list knows them."""
    here = make(limits={"enabled": False, "exempt": (ip_network("45.1.0.0/16"),)})
    here.runtime.listings[int(ip_address(address))] = "list.example"
    _, lines = enter(here, address)
    assert "001" in verbs(lines)
    assert here.runtime.asked_for == []


def test_a_gateways_user_is_asked_for(make: Callable[..., Here]) -> None:
    """By the address that the gateway gives, and the gateway itself is not."""
    here = make(webirc={"password": "x", "gateways": (ip_network("45.9.9.9"),)})
    here.runtime.listings[int(ip_address("45.9.9.9"))] = "list.example"
    _, lines = enter(here, "45.9.9.9", f"WEBIRC x gw host {LISTED}")
    assert verbs(lines)[-2:] == ["465", "ERROR"]
    _, lines = enter(here, "45.9.9.9")
    assert "001" in verbs(lines)
    assert here.runtime.asked_for == [int(ip_address(LISTED))]


def test_without_lists_nobody_is_asked_for(here: Here) -> None:
    """As the default is."""
    here.runtime.listings[int(ip_address(LISTED))] = "list.example"
    _, lines = enter(here, LISTED)
    assert "001" in verbs(lines)
    assert here.runtime.asked_for == []


def test_a_reload_switches_the_lists_on(here: Here) -> None:
    """Those who are there stay."""
    here.runtime.listings[int(ip_address(LISTED))] = "list.example"
    present, _ = enter(here, LISTED)
    here.world.settings = change_settings(here.world.settings, dnsbl={"zones": ("list.example",)})
    client, _ = enter(here, LISTED, nick="bob")
    assert client.closed and not present.closed


def test_the_answer_is_remembered_while_the_client_tries_nicks(make: Callable[..., Here]) -> None:
    """One connection asks once."""
    here = make()
    here.account("una")
    client, lines = enter(here, CLEAN, nick="una")
    assert "433" in verbs(lines)
    assert "001" in verbs(client.ask("NICK alice"))
    assert len(here.runtime.asked_for) == 1


def test_who_leaves_while_the_list_is_asked_is_gone(make: Callable[..., Here]) -> None:
    """The answer comes for nobody."""
    here = make()
    here.holding = True
    client, other = here.open(LISTED), here.open(CLEAN)
    client.say("NICK alice", "USER a 0 * :a")
    other.say("CAP LS 302", "NICK bob", "REGISTER * * :xyzzy plugh")
    for one in (client, other):
        one.vanish()
    here.release()
    assert here.world.users == {} and here.world.accounts.find("bob") is None


def test_too_many_questions_let_nobody_in(make: Callable[..., Here], monkeypatch: pytest.MonkeyPatch) -> None:
    """They are asked again in a second, or the connection runs out of time."""
    here = make()
    answers: list[str | None] = [None, None, "list.example"]

    def find(*_: object) -> str:
        answer = answers.pop(0)
        if answer is None:
            raise Overloaded("too much waits already")
        return answer

    monkeypatch.setattr(here.runtime, "find_listing", find)
    client, lines = enter(here, CLEAN)
    assert client.closed and verbs(lines)[-2:] == ["465", "ERROR"]
    assert here.delays_ms.count(1000) == 2
    monkeypatch.setattr(here.runtime, "find_listing", lambda *_: (_ for _ in ()).throw(Overloaded("full")))
    here.holding = True
    gone = here.open(CLEAN)
    gone.say("NICK bob", "USER b 0 * :b")
    gone.vanish()
    here.release()
    assert here.world.users == {}
