from __future__ import annotations

import pytest
from harness.logins import log_in_by_sasl
from harness.world import PASSWORD, START, Here, params_of, verbs

from chatroom.chat.stored.records import Role


@pytest.mark.parametrize("nick", ["Spammer", "SPAMMER", "spammer"])
def test_a_banned_name_is_refused_in_any_case(here: Here, nick: str) -> None:
    """The client reads the reason and the end of the ban, and is closed. Another name gets in."""
    here.ban("Spammer", "too loud", until=START.replace(day=2))
    client = here.open()
    sent = client.ask(f"NICK {nick}", "USER a 0 * :A")
    words = "You are banned: too loud (until 2030-05-02 12:00 UTC)"
    assert params_of(sent, "465") == ["*", words]
    assert sent[-1] == f"ERROR :Closing Link: 10.0.0.1 ({words})"
    assert client.closed
    here.connect("decent")


def test_a_banned_account_is_refused_over_sasl_and_pass(here: Here) -> None:
    """A ban of a name holds for the account of that name too, under any nick."""
    here.account("spammer")
    here.ban("spammer", "too loud")
    client = here.open()
    client.say("CAP REQ :sasl", "NICK other", "USER a 0 * :A")
    sent = log_in_by_sasl(client, "spammer")
    assert "banned: too loud (permanently)" in params_of(sent, "904")[-1]
    by_pass = here.open()
    sent = by_pass.ask(f"PASS :spammer:{PASSWORD}", "NICK other", "USER a 0 * :A")
    assert params_of(sent, "465")[-1] == "You are banned: too loud (permanently)"
    assert "464" not in verbs(sent)
    assert not any("Password incorrect" in line for line in sent)
    assert by_pass.closed


def test_a_ban_between_login_and_cap_end_holds(here: Here) -> None:
    """A session that logged in before the ban is refused when registration would complete."""
    here.account("spammer")
    client = here.open()
    client.say("CAP REQ :sasl", "NICK other", "USER a 0 * :A")
    assert "903" in verbs(log_in_by_sasl(client, "spammer"))
    here.ban("spammer", "too loud")
    assert "465" in verbs(client.ask("CAP END"))
    assert client.closed


def test_a_banned_address_is_refused_at_once(here: Here) -> None:
    """A connection from a banned network reads the reason before it sends anything."""
    here.ban("10.1.0.0/16", "bots", kind="ip")
    client = here.open("10.1.2.3")
    assert verbs(client.read()) == ["465", "ERROR"]
    assert client.closed
    assert not here.open("10.2.0.1").closed


@pytest.mark.parametrize("by_sasl", [True, False])
def test_a_disabled_account_stays_out_and_its_name_reserved(here: Here, by_sasl: bool) -> None:
    """A disabled account cannot log in, and a guest cannot have its name."""
    here.account("una", disabled=True)
    client = here.open()
    if by_sasl:
        client.say("CAP REQ :sasl")
        assert "disabled" in params_of(log_in_by_sasl(client, "una"), "904")[-1]
        client.say("CAP END")
    else:
        assert "disabled" in params_of(client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER a 0 * :A"), "465")[-1]
        assert client.closed
    guest = here.open()
    assert "433" in verbs(guest.ask("NICK una", "USER a 0 * :A"))


def test_an_account_that_changes_between_login_and_cap_end_counts_as_it_is(here: Here) -> None:
    """An account that lost its role, was disabled or was deleted after SASL has no more rights after CAP END."""
    for name in ("demoted", "disabled", "deleted"):
        here.account(name, Role.ADMIN)
    clients = {}
    for name in ("demoted", "disabled", "deleted"):
        client = clients[name] = here.open()
        client.say("CAP REQ :sasl", f"NICK {name}", "USER a 0 * :A")
        assert "903" in verbs(log_in_by_sasl(client, name))
    here.set_role("demoted", Role.USER)
    here.disable("disabled")
    here.delete("deleted")
    answers = {name: verbs(client.ask("CAP END")) for name, client in clients.items()}
    assert clients["demoted"].user.role is Role.USER
    assert "433" in answers["disabled"]
    assert clients["deleted"].user.account is None
