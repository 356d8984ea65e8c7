"""REGISTER and VERIFY before and after the connection is complete (draft/account-registration)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, Here, params_of, verbs

from chatroom.chat.stored.records import Role

LINE = f"REGISTER * * :{PASSWORD}"


def early(here: Here, *lines: str) -> Client:
    """A client in CAP negotiation that has sent some lines."""
    client = here.open()
    client.say("CAP LS 302", "CAP REQ :draft/account-registration", *lines)
    client.read()
    return client


def fail(lines: list[str]) -> list[str]:
    """The parameters of the one FAIL line, without its text."""
    return params_of(lines, "FAIL")[:-1]


def test_a_name_may_be_registered_before_the_connection_is_complete(here: Here) -> None:
    """REGISTER after NICK makes the account and logs in. The connection completes as that account."""
    client = early(here, "NICK alice")
    sent = client.ask(LINE)
    assert verbs(sent) == ["REGISTER", "900"]
    assert params_of(sent, "REGISTER")[:2] == ["SUCCESS", "alice"]
    assert "001" in verbs(client.ask("USER a 0 * :A", "CAP END"))
    assert client.user.account_name == "alice"


def test_register_takes_the_nick_in_any_case_or_an_asterisk(here: Here) -> None:
    """The account gets the name of the nick, as the nick is spelled."""
    for account, nick in (("*", "Alice"), ("BOB", "Bob")):
        client = early(here, f"NICK {nick}")
        assert params_of(client.ask(f"REGISTER {account} * :{PASSWORD}"), "REGISTER")[1] == nick


def test_register_needs_a_nick(here: Here) -> None:
    """NEED_NICK has ``*`` in place of the account."""
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
def test_a_refused_register_has_its_code_and_the_account(
    here: Here, before: bool, line: str, code: str, account: str
) -> None:
    """The answer is the same before and after registration, and no account is made."""
    client = early(here, "NICK alice") if before else here.connect("alice")
    assert fail(client.ask(line)) == ["REGISTER", code, account]
    assert here.stores.accounts.list_all() == []


def test_a_mail_address_is_accepted_and_not_needed(here: Here) -> None:
    """The address is stored, and neither the audit nor the list of accounts has it."""
    assert verbs(early(here, "NICK alice").ask(f"REGISTER * alice@example.org :{PASSWORD}")) == ["REGISTER", "900"]
    account = here.stores.accounts.get("alice")
    assert here.stores.accounts.find_email(account.id) == "alice@example.org"
    assert "example.org" not in f"{here.stores.audit.list_entries()}{here.stores.accounts.list_all()}"
    early(here, "NICK bob", LINE)
    assert here.stores.accounts.find_email(here.stores.accounts.get("bob").id) is None


def test_a_registered_name_is_taken(here: Here) -> None:
    """ACCOUNT_EXISTS comes before registration too. The owner may still log in on the same connection."""
    here.account("alice")
    client = early(here, "NICK ALICE")
    assert fail(client.ask(LINE)) == ["REGISTER", "ACCOUNT_EXISTS", "ALICE"]
    client.say(f"PASS :{PASSWORD}", "USER a 0 * :A", "CAP END")
    assert client.user.account_name == "alice"


def test_a_logged_in_user_cannot_register(here: Here) -> None:
    """The answer is ALREADY_AUTHENTICATED after a login, and after REGISTER."""
    client = early(here, "NICK alice", LINE)
    assert fail(client.ask(LINE)) == ["REGISTER", "ALREADY_AUTHENTICATED", "*"]
    assert fail(client.ask("VERIFY alice 123")) == ["VERIFY", "ALREADY_AUTHENTICATED", "alice"]
    assert fail(here.member().ask(LINE)) == ["REGISTER", "ALREADY_AUTHENTICATED", "*"]


def test_a_banned_name_cannot_be_registered(here: Here) -> None:
    """BAD_ACCOUNT_NAME has the reason of the ban."""
    here.ban("alice", "noise")
    sent = early(here, "NICK alice").ask(LINE)
    assert fail(sent) == ["REGISTER", "BAD_ACCOUNT_NAME", "alice"]
    assert "banned: noise" in params_of(sent, "FAIL")[-1]


def test_a_nick_that_was_taken_meanwhile_cannot_be_registered(here: Here) -> None:
    """Another guest completed registration with the nick between NICK and REGISTER."""
    client = early(here, "NICK alice")
    here.connect("alice")
    assert fail(client.ask(LINE)) == ["REGISTER", "BAD_ACCOUNT_NAME", "alice"]


def test_a_nick_that_was_refused_as_in_use_cannot_be_registered(here: Here) -> None:
    """ACCOUNT_EXISTS has that nick, by its name or an asterisk, for as long as another user has it."""
    guest = here.connect("alice")
    client = early(here, "NICK ALICE")
    for line in (LINE, f"REGISTER alice * :{PASSWORD}"):
        assert fail(client.ask(line)) == ["REGISTER", "ACCOUNT_EXISTS", "ALICE"]
    assert fail(client.ask(f"REGISTER bob * :{PASSWORD}")) == ["REGISTER", "NEED_NICK", "*"]
    guest.say("QUIT")
    assert fail(client.ask(LINE)) == ["REGISTER", "NEED_NICK", "*"]
    assert verbs(client.ask("NICK alice", LINE)) == ["REGISTER", "900"]


def test_a_nick_that_was_refused_at_the_end_of_registration_cannot_be_registered(here: Here) -> None:
    """The nick is in use by a user with another account, so it was refused only when registration would complete."""
    here.account("owner")
    here.connect("alice", login="owner")
    client = here.open()
    assert "433" in verbs(client.ask("NICK alice", "USER a 0 * :A"))
    assert fail(client.ask(LINE)) == ["REGISTER", "ACCOUNT_EXISTS", "alice"]


def test_an_asterisk_means_the_nick_that_was_accepted(here: Here) -> None:
    """A nick that was refused after another one was accepted changes nothing."""
    here.connect("alice")
    client = early(here, "NICK bob", "NICK alice")
    assert params_of(client.ask(LINE), "REGISTER")[1] == "bob"


def test_register_before_connect_may_be_off(make_here: Callable[..., Here]) -> None:
    """The capability has no value, and REGISTER has the account as given in its refusal until the welcome."""
    here = make_here(accounts={"register_before_connect": False})
    client = here.open()
    assert "draft/account-registration" in " ".join(client.ask("CAP LS 302")).replace(":", " ").split()
    client.say("NICK alice", "USER a 0 * :A")
    for given in ("*", "alice", "other"):
        refused = fail(client.ask(f"REGISTER {given} * :{PASSWORD}"))
        assert refused == ["REGISTER", "COMPLETE_CONNECTION_REQUIRED", given]
    client.say("CAP END")
    assert verbs(client.ask(LINE))[0] == "REGISTER"


def test_a_mail_address_may_be_required(make_here: Callable[..., Here]) -> None:
    """The capability has email-required. INVALID_EMAIL refuses an asterisk and what is no address."""
    here = make_here(accounts={"email_required": True})
    assert " draft/account-registration=before-connect,email-required" in " ".join(here.open().ask("CAP LS 302"))
    client = early(here, "NICK alice")
    for email in ("*", "nonsense", f"a@{'b' * 253}", "a@b\x7f"):
        sent = client.ask(f"REGISTER * {email} :{PASSWORD}")
        assert fail(sent) == ["REGISTER", "INVALID_EMAIL", "alice"]
        assert "*" not in params_of(sent, "FAIL")[-1]
    assert verbs(client.ask(f"REGISTER * a@example.org :{PASSWORD}")) == ["REGISTER", "900"]
    other = make_here(accounts={"email_required": True, "register_before_connect": False})
    assert " draft/account-registration=email-required" in " ".join(other.open().ask("CAP LS 302"))


def test_register_waits_for_the_server_password(make_here: Callable[..., Here]) -> None:
    """With a server password, REGISTER answers COMPLETE_CONNECTION_REQUIRED until the connection is complete."""
    here = make_here(server={"password": "swordfish"})
    client = here.open()
    assert "draft/account-registration" in " ".join(client.ask("CAP LS 302")).replace(":", " ").split()
    client.say("NICK alice", "USER a 0 * :A")
    assert fail(client.ask(LINE)) == ["REGISTER", "COMPLETE_CONNECTION_REQUIRED", "*"]
    assert fail(client.ask("VERIFY alice 1")) == ["VERIFY", "COMPLETE_CONNECTION_REQUIRED", "alice"]
    client.say("PASS swordfish", "CAP END")
    assert verbs(client.ask(LINE))[0] == "REGISTER"


def test_the_capability_has_before_connect(here: Here) -> None:
    """The value of draft/account-registration is before-connect."""
    assert " draft/account-registration=before-connect" in " ".join(here.open().ask("CAP LS 302"))


def test_register_satisfies_require_login(make_here: Callable[..., Here]) -> None:
    """With ``accounts.require_login``, REGISTER before registration counts as a login."""
    here = make_here(accounts={"require_login": True})
    client = early(here, "NICK alice", LINE, "USER a 0 * :A")
    assert "001" in verbs(client.ask("CAP END"))


def test_verify_refuses_every_code(here: Here) -> None:
    """VERIFY answers INVALID_CODE. VERIFY and REGISTER answer 461 if a parameter is missing."""
    alice = here.connect("alice")
    assert fail(alice.ask("VERIFY alice 12345")) == ["VERIFY", "INVALID_CODE", "alice"]
    assert alice.ask("VERIFY alice") == [f":{SERVER} 461 alice VERIFY :Not enough parameters"]
    assert alice.ask("REGISTER * *") == [f":{SERVER} 461 alice REGISTER :Not enough parameters"]


def test_a_connection_that_ends_while_it_registers_leaves_the_account(here: Here) -> None:
    """The account is made, and no user is logged in to it."""
    client = early(here, "NICK alice")
    here.holding = True
    client.say(LINE)
    client.vanish()
    here.release()
    here.holding = False
    assert here.stores.accounts.find("alice") is not None
    assert here.world.users == {}
    here.connect("alice", login="alice")


def test_a_guest_registers_its_nick(here: Here) -> None:
    """REGISTER makes the account, logs in, and reserves the name, also after a restart."""
    alice = here.connect("Alice", caps="draft/account-registration")
    bob = here.connect("bob", caps="account-notify")
    bob.read()
    sent = alice.ask(f"REGISTER * * :{PASSWORD}")
    assert params_of(sent, "REGISTER")[:2] == ["SUCCESS", "Alice"]
    assert params_of(sent, "900")[2] == "Alice"
    assert bob.read() == [f":{alice.prefix} ACCOUNT Alice"]
    assert alice.user.role is Role.USER
    here.restart()
    assert "433" in verbs(here.open().ask("NICK alice", "USER a 0 * :A"))
    here.connect("alice", login="alice")


def test_register_is_for_guests_and_may_be_off(make_here: Callable[..., Here]) -> None:
    """A logged-in user gets ALREADY_AUTHENTICATED. With ``accounts.registration = "closed"`` it is DISALLOWED."""
    here = make_here()
    line = f"REGISTER * * :{PASSWORD}"
    assert params_of(here.member().ask(line), "FAIL")[:2] == ["REGISTER", "ALREADY_AUTHENTICATED"]
    closed = make_here(accounts={"registration": "closed"})
    assert params_of(closed.connect("alice").ask(line), "FAIL")[:2] == ["REGISTER", "DISALLOWED"]


def test_a_name_registered_by_the_shell_meanwhile_is_not_overwritten(here: Here) -> None:
    """The shell makes the account while the password is hashed. The answer is ACCOUNT_EXISTS, without a login."""
    alice = here.connect("alice")
    here.holding = True
    alice.say(f"REGISTER * * :{PASSWORD}")
    here.release(1)
    here.account("alice")
    here.release()
    assert params_of(alice.read(), "FAIL")[:2] == ["REGISTER", "ACCOUNT_EXISTS"]
    assert alice.user.account is None
    assert alice.user.nick == "Guest1"


def test_a_guest_loses_a_nick_that_was_registered_meanwhile(here: Here) -> None:
    """A guest that took the nick after the registering user left is renamed when the account is made."""
    alice = here.connect("alice")
    here.holding = True
    alice.say(f"REGISTER * * :{PASSWORD}")
    here.release(1)
    alice.vanish()
    thief = here.connect("alice")
    here.release()
    assert here.stores.accounts.find("alice") is not None
    assert thief.user.nick == "Guest1"


def test_registering_is_slowed_by_address(make_here: Callable[..., Here]) -> None:
    """Each further name that one address registers waits longer."""
    here = make_here(limits={"enabled": True})
    for number in range(5):
        here.connect(f"alice{number}").say(f"REGISTER * * :{PASSWORD}")
    assert here.delays_ms == [1000, 2000]
    assert len(here.stores.accounts.list_all()) == 5
