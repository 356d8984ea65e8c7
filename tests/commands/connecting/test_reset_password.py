"""RESETPASS: a new password with a token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SHELL, Here, params_of, verbs

from chatroom.chat.stored.records import Role

NEW = "quite another one"


def token(here: Here, name: str = "una", duration_s: int = 3600) -> str:
    """A token for an account, which is made if there is none."""
    if here.world.accounts.find(name) is None:
        here.account(name)
    return here.stores.reset_tokens.add(here.stores.accounts.get(name).id, duration_s, SHELL)[0]


def early(here: Here, address: str = "192.0.2.7") -> Client:
    """A client in CAP negotiation."""
    client = here.open(address)
    client.say("CAP LS 302", "CAP REQ :standard-replies", "NICK una", "USER u 0 * :U")
    client.read()
    return client


def test_it_works_before_the_connection_is_complete(make_here: Callable[..., Here]) -> None:
    """Where all must log in, too. The new password logs in, the old one does not."""
    here = make_here(accounts={"require_login": True})
    made = token(here)
    client = early(here)
    sent = client.ask(f"RESETPASS UNA {made} :{NEW}")
    assert params_of(sent, "NOTE")[:3] == ["RESETPASS", "CHANGED", "una"]
    client.say(f"PASS :{NEW}")
    assert "001" in verbs(client.ask("CAP END"))
    assert client.user.account_name == "una"
    old = here.open()
    old.say(f"PASS :una:{PASSWORD}", "NICK x", "USER x 0 * :X")
    assert old.closed
    assert not any(made in str(line) or NEW in str(line) for line in here.world.log_lines)
    assert any("una got a new password by a token, from 192.0.2.7" in str(line) for line in here.world.log_lines)


def test_nickserv_takes_it_from_a_guest(here: Here) -> None:
    """And other sessions of the account end, which may be those of a thief."""
    thief = here.member("una")
    guest = here.connect("guest")
    assert "is changed" in guest.ask(f"PRIVMSG NickServ :RESETPASS una {token(here)} hunter22")[0]
    assert thief.closed
    assert guest.user.account is None
    guest.say("NS IDENTIFY una hunter22")
    assert guest.user.account_name == "una"


def test_a_refused_token_has_a_clear_line_and_counts(make_here: Callable[..., Here]) -> None:
    """As a failed login of the address, and not of the account."""
    here = make_here(limits={"enabled": True, "login_tries": 3})
    used, late = token(here), ""
    here.connect("guest").say(f"NS RESETPASS una {used} hunter22")
    late = token(here, duration_s=1)
    here.wait(1)
    client = early(here)
    for bad, why in ((used, "no such token"), (late, "This token ended at"), ("nonsense", "no such token")):
        assert why in " ".join(client.ask(f"RESETPASS una {bad} :{NEW}"))
    assert client.closed
    assert here.world.throttle.count("address 4 c0000207", here.mono_ms) == 3
    assert here.world.throttle.count("account una", here.mono_ms) == 0


def test_a_password_that_is_too_weak_uses_no_token(here: Here) -> None:
    """The owner tries again. An admin needs a strong one."""
    here.account("ada", Role.ADMIN)
    made = token(here, "ada")
    client = early(here)
    assert "WEAK_PASSWORD" in client.ask(f"RESETPASS ada {made} :abc")[0]
    assert "WEAK_PASSWORD" in client.ask(f"RESETPASS ada {made} :password1")[0]
    assert "CHANGED" in client.ask(f"RESETPASS ada {made} :a very long and new password")[0]


@pytest.mark.parametrize("how", ["disabled", "banned"])
def test_a_barred_account_stays_barred(here: Here, how: str) -> None:
    """The token is not used up."""
    made = token(here)
    if how == "disabled":
        here.disable("una")
    else:
        here.ban("una", "noise")
    assert "DISALLOWED" in early(here).ask(f"RESETPASS una {made} :{NEW}")[0]
    assert here.stores.reset_tokens.check("una", made).name == "una"


def test_two_race_for_it(here: Here) -> None:
    """One of them sets the password."""
    made = token(here)
    first, second = early(here), early(here, "192.0.2.8")
    here.holding = True
    first.say(f"RESETPASS una {made} :{NEW}")
    second.say(f"RESETPASS una {made} :another password")
    here.release()
    here.holding = False
    answers = [" ".join(first.read()), " ".join(second.read())]
    assert ["CHANGED" in answer for answer in answers] == [True, False]
    assert "INVALID_CODE" in answers[1]


def test_certificates_are_mentioned(here: Here) -> None:
    """Who has taken the account over may have added one."""
    here.account("una")
    here.stores.client_certificates.add(here.stores.accounts.get("una").id, "a" * 64, SHELL)
    assert "Certificates that log in without it: 1" in " ".join(early(here).ask(f"RESETPASS una {token(here)} :{NEW}"))
