"""Registering with the token of an invite: by VERIFY and by NickServ, before and after the connection is complete."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, SHELL, Here, params_of, verbs

from chatroom.chat.admission.tokens import make_secret, make_token
from chatroom.chat.people.line_rates import limit_lines
from chatroom.chat.stored.invite_records import NewInvite

LINE = f"REGISTER * * :{PASSWORD}"


@pytest.fixture
def here(make_here: Callable[..., Here]) -> Here:
    """A world in which registering takes an invite."""
    return make_here(accounts={"registration": "invite"})


def token(here: Here, uses: int = 1, channel: str = "") -> str:
    """The token of a new invite."""
    return here.stores.invites.add(NewInvite(uses, 86_400, channel), SHELL).token


def early(here: Here, *lines: str, address: str = "10.0.0.1") -> Client:
    """A client in CAP negotiation that has sent some lines."""
    client = here.open(address)
    client.say("CAP LS 302", "CAP REQ :draft/account-registration", *lines)
    client.read()
    return client


def fail(lines: list[str]) -> list[str]:
    """The parameters of the one FAIL line."""
    return params_of(lines, "FAIL")


def test_verify_makes_the_account_that_register_has_named(here: Here) -> None:
    """REGISTER makes nothing and asks for the token. VERIFY with the token succeeds and logs in."""
    alice, bob = here.connect("Alice"), here.connect("bob", caps="account-notify")
    asked = params_of(alice.ask(LINE), "REGISTER")
    assert asked[:2] == ["VERIFICATION_REQUIRED", "Alice"]
    assert "VERIFY Alice <token>" in asked[2]
    assert here.stores.accounts.list_all() == []
    sent = alice.ask(f"VERIFY alice {token(here)}")
    assert verbs(sent) == ["VERIFY", "900"]
    assert params_of(sent, "VERIFY")[:2] == ["SUCCESS", "Alice"]
    assert f":{alice.prefix} ACCOUNT Alice" in bob.read()
    assert alice.session.held is None
    assert [line for line in map(str, here.world.log_lines) if "with invite 1 of root" in line]
    here.restart()
    here.connect("alice", login="alice")


def test_an_invited_user_comes_in_where_all_must_log_in(make_here: Callable[..., Here]) -> None:
    """The private server: no guest comes in, and who has an invite registers before the connection is complete."""
    here = make_here(accounts={"registration": "invite", "require_login": True})
    client = early(here, "NICK alice", "USER a 0 * :A", LINE)
    client.say(f"VERIFY * {token(here)}")
    assert "001" in verbs(client.ask("CAP END"))
    assert client.user.account_name == "alice"
    stranger = early(here, "NICK bob", "USER b 0 * :B", LINE)
    assert "FAIL" in verbs(stranger.ask("CAP END")) and stranger.closed


def test_an_invited_user_comes_in_during_a_lockdown(here: Here) -> None:
    """accounts-only keeps guests out, and not who has an invite. ``on`` keeps out all but moderators."""
    mona = here.moderator("mona")
    guest = here.connect("guest")
    mona.say("LOCKDOWN accounts-only")
    client = early(here, "NICK alice", "USER a 0 * :A", LINE, f"VERIFY * {token(here)}")
    assert "001" in verbs(client.ask("CAP END"))
    mona.say("LOCKDOWN on")
    assert fail(guest.ask(LINE))[:2] == ["REGISTER", "TEMPORARILY_UNAVAILABLE"]
    assert fail(guest.ask(f"VERIFY * {token(here)}"))[:2] == ["VERIFY", "TEMPORARILY_UNAVAILABLE"]


def test_an_open_server_in_lockdown_registers_nobody(make_here: Callable[..., Here]) -> None:
    """Its REGISTER takes no invite, so nobody can show one."""
    here = make_here()
    guest = here.connect("guest")
    here.moderator("mona").say("LOCKDOWN accounts-only")
    assert fail(guest.ask(LINE))[1] == "TEMPORARILY_UNAVAILABLE"


def test_the_server_password_comes_first(make_here: Callable[..., Here]) -> None:
    """With it, REGISTER works before the connection is complete; without it, it waits for that."""
    here = make_here(accounts={"registration": "invite", "require_login": True}, server={"password": "swordfish"})
    for first in ("PASS wrong", "PING x"):
        client = early(here, first, "NICK alice")
        assert fail(client.ask(LINE))[1] == "COMPLETE_CONNECTION_REQUIRED"
    client = early(here, "PASS swordfish", "NICK alice", "USER a 0 * :A", LINE)
    assert "900" in verbs(client.ask(f"VERIFY * {token(here)}"))
    assert "001" in verbs(client.ask("CAP END"))


def test_nickserv_takes_the_token_with_the_password(here: Here) -> None:
    """With or without a mail address, in any order. Without a token it says what is missing."""
    alice, bob = here.connect("alice"), here.connect("bob")
    assert "<token>" in alice.ask("PRIVMSG NickServ :REGISTER hunter22")[0]
    assert alice.session.held is None
    assert verbs(alice.ask(f"PRIVMSG NickServ :REGISTER hunter22 {token(here)}")) == ["NOTICE", "900"]
    bob.say(f"NS REGISTER hunter22 {token(here)} b@example.org")
    assert here.stores.accounts.find_email(here.stores.accounts.get("bob").id) == "b@example.org"
    eve = here.connect("eve")
    assert "no such invite" in eve.ask("NS REGISTER hunter22 nonsense")[0]
    assert "The form is" in eve.ask(f"NS REGISTER hunter22 {token(here)} {token(here)}")[0]
    assert eve.user.account is None


def test_an_open_server_takes_a_token_too(make_here: Callable[..., Here]) -> None:
    """Then it counts, and lets into its channel."""
    here = make_here()
    alice = here.connect("alice")
    alice.say(f"NS REGISTER hunter22 {token(here)}")
    assert here.stores.invites.list_all()[0].used == 1
    assert fail(here.connect("bob").ask(f"VERIFY bob {token(here)}"))[:2] == ["VERIFY", "INVALID_CODE"]


def test_a_closed_server_takes_none(make_here: Callable[..., Here]) -> None:
    """Only chatroomctl makes accounts there."""
    here = make_here(accounts={"registration": "closed"})
    alice = here.connect("alice")
    assert fail(alice.ask(f"VERIFY alice {token(here)}"))[1] == "DISALLOWED"
    alice.say(f"NS REGISTER hunter22 {token(here)}")
    assert here.stores.accounts.list_all() == []


@pytest.mark.parametrize("before", [True, False])
def test_a_refused_token_has_a_clear_line(here: Here, before: bool) -> None:
    """Unknown, used up, over and removed ones are INVALID_CODE. The registration still waits for a good one."""
    client = early(here, "NICK alice", LINE) if before else here.connect("alice")
    client.ask(LINE)
    used, late, removed = token(here), token(here), token(here)
    here.connect("bob").say(f"NS REGISTER hunter22 {used}")
    here.stores.invites.remove(3, SHELL)
    here.wait(86_400)
    for bad, why in (
        (make_token(1, make_secret()), "There is no such invite"),
        ("nonsense", "There is no such invite"),
        (used, "This invite is used up"),
        (late, "This invite ended at 2030-05-02 12:00 UTC"),
        (removed, "There is no such invite"),
    ):
        assert fail(client.ask(f"VERIFY alice {bad}")) == ["VERIFY", "INVALID_CODE", "alice", why]
    assert here.world.runtime.counts.logins_bad == 5
    assert verbs(client.ask(f"VERIFY alice {token(here)}")) == ["VERIFY", "900"]


def test_wrong_tokens_are_failed_logins(make_here: Callable[..., Here]) -> None:
    """They delay the next try of the address, are stored, and end a connection that does nothing else."""
    here = make_here(accounts={"registration": "invite"}, limits={"enabled": True, "login_tries": 5})
    client = early(here, "NICK alice", LINE, address="192.0.2.7")
    for _ in range(5):
        client.say("VERIFY * 1-wrong")
    assert here.delays_ms == [1000, 2000]
    assert client.closed
    here.world.kept_failures.flush()
    with here.tick():
        pass
    assert here.stores.failed_logins.find("address 4 c0000207") is not None
    # A good one takes back its own try, and no other.
    good = here.connect("bob", address="192.0.2.7")
    assert "900" in verbs(good.ask(f"NS REGISTER hunter22 {token(here)}"))
    assert here.world.throttle.count("address 4 c0000207", here.mono_ms) == 5


def test_strangers_cost_no_hash(here: Here) -> None:
    """The password is hashed when the token has proved good, so a wrong token costs a look-up."""
    alice = here.connect("alice")
    alice.say(LINE)
    here.holding = True
    alice.say("VERIFY * 1-wrong")
    assert [item.pending.queue for item in here.held if hasattr(item, "pending")] == ["store"]
    here.release()
    assert fail(alice.read())[1] == "INVALID_CODE"


def test_two_race_for_the_last_use(here: Here) -> None:
    """Both tokens were good when they were looked at. One account is made."""
    last = token(here)
    alice, bob = here.connect("alice"), here.connect("bob")
    alice.say(LINE)
    bob.say(LINE)
    alice.read()
    bob.read()
    here.holding = True
    alice.say(f"VERIFY * {last}")
    bob.say(f"VERIFY * {last}")
    here.release(4)  # both are checked, both passwords hashed
    assert here.stores.accounts.list_all() == []
    here.release()
    assert verbs(alice.read()) == ["VERIFY", "900"]
    assert fail(bob.read()) == ["VERIFY", "INVALID_CODE", "bob", "This invite is used up"]
    assert [account.name for account in here.stores.accounts.list_all()] == ["alice"]


def test_a_taken_name_uses_no_invite(here: Here) -> None:
    """The shell makes the account between REGISTER and VERIFY, or while the password is hashed."""
    alice = here.connect("alice")
    alice.say(LINE)
    good = token(here)
    here.account("alice")
    refused = alice.ask(f"VERIFY alice {good}")
    assert fail(refused)[:2] == ["VERIFY", "ACCOUNT_NAME_MUST_BE_NICK"]  # the guest has another nick now
    bob = here.connect("bob")
    bob.say(LINE)
    here.holding = True
    bob.say(f"VERIFY bob {good}")
    here.release(2)
    here.account("bob")
    here.release()
    assert fail(bob.read())[:2] == ["VERIFY", "ACCOUNT_EXISTS"]
    assert here.stores.invites.list_all()[0].used == 0


def test_verify_needs_a_registration_of_that_name(here: Here) -> None:
    """Otherwise the token is not looked at."""
    alice = here.connect("alice")
    good = token(here)
    assert "REGISTER first" in fail(alice.ask(f"VERIFY alice {good}"))[-1]
    alice.say(LINE)
    assert "alice" in fail(alice.ask(f"VERIFY bob {good}"))[-1]
    alice.say("NICK bob")
    assert fail(alice.ask(f"VERIFY alice {good}"))[1] == "ACCOUNT_NAME_MUST_BE_NICK"
    assert here.world.runtime.counts.logins_bad == 0


def test_names_and_passwords_are_checked_before_the_token(here: Here) -> None:
    """What REGISTER would refuse anyway waits for no token."""
    here.account("una")
    alice = here.connect("alice")
    bad = {"REGISTER * * abc": "WEAK_PASSWORD", "REGISTER bob * :long enough": "ACCOUNT_NAME_MUST_BE_NICK"}
    for line, code in bad.items():
        assert fail(alice.ask(line))[1] == code
        assert alice.session.held is None


def test_the_limit_of_registrations_holds(make_here: Callable[..., Here]) -> None:
    """For invited users too."""
    here = make_here(accounts={"registration": "invite"}, limits={"enabled": True, "registrations_per_hour": 1})
    alice, bob = here.connect("alice"), here.connect("bob")
    for client in (alice, bob):
        limit_lines(client.session, here.world.settings)
    alice.say(f"NS REGISTER hunter22 {token(here)}")
    assert fail(bob.ask(LINE))[1] == "TEMPORARILY_UNAVAILABLE"
    assert "Too many names" in bob.ask(f"NS REGISTER hunter22 {token(here)}")[0]


@pytest.mark.parametrize("before", [True, False])
def test_an_invite_lets_into_its_channel(here: Here, before: bool) -> None:
    """Once, in spite of +i. The user reads an INVITE of the server."""
    ada = here.admin()
    ada.say("JOIN #tea", "MODE #tea +i")
    if before:
        client = early(here, "NICK alice", "USER a 0 * :A", LINE, f"VERIFY * {token(here, channel='#tea')}")
        sent = client.ask("CAP END")
    else:
        client = here.connect("alice")
        sent = client.ask(f"NS REGISTER hunter22 {token(here, channel='#tea')}")
    assert sent[-1] == f":{SERVER} INVITE alice #tea"
    assert "JOIN" in verbs(client.ask("JOIN #tea"))
    stranger = here.connect("bob")
    assert "473" in verbs(stranger.ask("JOIN #tea"))


def test_an_invite_to_a_channel_that_is_gone_still_registers(here: Here) -> None:
    """There is nothing to be let in to."""
    assert verbs(here.connect("alice").ask(f"NS REGISTER hunter22 {token(here, channel='#gone')}")) == ["NOTICE", "900"]
