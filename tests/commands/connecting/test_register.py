"""REGISTER and VERIFY before and after the connection is complete (draft/account-registration)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.world import PASSWORD, SERVER, Client, Here, params_of, verbs

LINE = f"REGISTER * * :{PASSWORD}"


def early(here: Here, *lines: str) -> Client:
    """A client that holds registration open and has said some lines."""
    client = here.open()
    client.say("CAP LS 302", "CAP REQ :draft/account-registration", *lines)
    client.read()
    return client


def fail(lines: list[str]) -> list[str]:
    """The parameters of the one FAIL line but its words."""
    return params_of(lines, "FAIL")[:-1]


def test_a_name_may_be_registered_before_the_connection_is_complete(here: Here) -> None:
    """With NICK alone REGISTER makes the account and logs in; registration completes as that account."""
    client = early(here, "NICK alice")
    sent = client.ask(LINE)
    assert verbs(sent) == ["REGISTER", "900"]
    assert params_of(sent, "REGISTER")[:2] == ["SUCCESS", "alice"]
    assert "001" in verbs(client.ask("USER a 0 * :A", "CAP END"))
    assert client.user.account_name == "alice"


def test_the_account_may_be_named_by_the_nick_in_any_case_or_by_an_asterisk(here: Here) -> None:
    """Both stand for the nick, which is what the account is called."""
    for account, nick in (("*", "Alice"), ("BOB", "Bob")):
        client = early(here, f"NICK {nick}")
        assert params_of(client.ask(f"REGISTER {account} * :{PASSWORD}"), "REGISTER")[1] == nick


def test_without_a_nick_there_is_nothing_to_register(here: Here) -> None:
    """NEED_NICK has an asterisk where the account would be."""
    assert fail(early(here).ask(LINE)) == ["REGISTER", "NEED_NICK", "*"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    "line, code, account",
    [
        (f"REGISTER other * :{PASSWORD}", "ACCOUNT_NAME_MUST_BE_NICK", "other"),
        ("REGISTER * * :abc", "WEAK_PASSWORD", "alice"),
        ("REGISTER alice * :tab\tinside", "UNACCEPTABLE_PASSWORD", "alice"),
        ("REGISTER * nonsense :long enough", "INVALID_EMAIL", "alice"),
        ("REGISTER * a@b@c :long enough", "INVALID_EMAIL", "alice"),
    ],
)
def test_what_register_refuses_has_its_code_and_the_account(
    here: Here, before: bool, line: str, code: str, account: str
) -> None:
    """Before and after registration alike; no account is made."""
    client = early(here, "NICK alice") if before else here.connect("alice")
    assert fail(client.ask(line)) == ["REGISTER", code, account]
    assert here.stores.accounts.list_all() == []


def test_a_mail_address_is_taken_and_not_needed(here: Here) -> None:
    """Nothing is mailed: an address changes nothing."""
    assert verbs(early(here, "NICK alice").ask(f"REGISTER * alice@example.org :{PASSWORD}")) == ["REGISTER", "900"]


def test_a_registered_name_is_taken(here: Here) -> None:
    """ACCOUNT_EXISTS, before registration too; its owner may still log in on that connection."""
    here.account("alice")
    client = early(here, "NICK ALICE")
    assert fail(client.ask(LINE)) == ["REGISTER", "ACCOUNT_EXISTS", "ALICE"]
    client.say(f"PASS :{PASSWORD}", "USER a 0 * :A", "CAP END")
    assert client.user.account_name == "alice"


def test_who_is_logged_in_registers_no_second_name(here: Here) -> None:
    """ALREADY_AUTHENTICATED, whether the login was just now or the registration was."""
    client = early(here, "NICK alice", LINE)
    assert fail(client.ask(LINE)) == ["REGISTER", "ALREADY_AUTHENTICATED", "*"]
    assert fail(client.ask("VERIFY alice 123")) == ["VERIFY", "ALREADY_AUTHENTICATED", "alice"]
    assert fail(here.member().ask(LINE)) == ["REGISTER", "ALREADY_AUTHENTICATED", "*"]


def test_a_banned_name_is_no_account_name(here: Here) -> None:
    """BAD_ACCOUNT_NAME says why."""
    here.ban("alice", "noise")
    sent = early(here, "NICK alice").ask(LINE)
    assert fail(sent) == ["REGISTER", "BAD_ACCOUNT_NAME", "alice"]
    assert "banned: noise" in params_of(sent, "FAIL")[-1]


def test_a_nick_that_somebody_took_meanwhile_is_no_account_name(here: Here) -> None:
    """Between NICK and REGISTER another guest may have become that name."""
    client = early(here, "NICK alice")
    here.connect("alice")
    assert fail(client.ask(LINE)) == ["REGISTER", "BAD_ACCOUNT_NAME", "alice"]


def test_with_a_server_password_nobody_registers_before_having_given_it(make_here: Callable[..., Here]) -> None:
    """before-connect is not offered then; COMPLETE_CONNECTION_REQUIRED has no account, and afterwards it works."""
    here = make_here(server={"password": "swordfish"})
    client = here.open()
    assert "draft/account-registration" in " ".join(client.ask("CAP LS 302")).replace(":", " ").split()
    client.say("NICK alice", "USER a 0 * :A")
    assert fail(client.ask(LINE)) == ["REGISTER", "COMPLETE_CONNECTION_REQUIRED"]
    assert fail(client.ask("VERIFY alice 1")) == ["VERIFY", "COMPLETE_CONNECTION_REQUIRED"]
    client.say("PASS swordfish", "CAP END")
    assert verbs(client.ask(LINE))[0] == "REGISTER"


def test_before_connect_is_told_by_the_capability(here: Here) -> None:
    """The capability's value is before-connect where that is so."""
    assert " draft/account-registration=before-connect" in " ".join(here.open().ask("CAP LS 302"))


def test_register_lets_members_in_where_guests_may_not(make_here: Callable[..., Here]) -> None:
    """Where a login is required, registering first is one."""
    here = make_here(accounts={"require_login": True})
    client = early(here, "NICK alice", LINE, "USER a 0 * :A")
    assert "001" in verbs(client.ask("CAP END"))


def test_there_is_nothing_to_verify(here: Here) -> None:
    """VERIFY answers INVALID_CODE, and 461 without its parameters, as REGISTER does."""
    alice = here.connect("alice")
    assert fail(alice.ask("VERIFY alice 12345")) == ["VERIFY", "INVALID_CODE", "alice"]
    assert alice.ask("VERIFY alice") == [f":{SERVER} 461 alice VERIFY :Not enough parameters"]
    assert alice.ask("REGISTER * *") == [f":{SERVER} 461 alice REGISTER :Not enough parameters"]


def test_a_connection_that_ends_while_it_registers_leaves_the_account(here: Here) -> None:
    """The account is made and nobody is logged in to it."""
    client = early(here, "NICK alice")
    here.holding = True
    client.say(LINE)
    client.vanish()
    here.release()
    here.holding = False
    assert here.stores.accounts.find("alice") is not None
    assert here.world.users == {}
    here.connect("alice", login="alice")
