from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.logins import log_in_by_sasl
from harness.session_client import Client
from harness.verifiers import find_verifier
from harness.world import PASSWORD, SERVER, Here, change_settings, verbs

from chatroom.chat.stored.records import Role


def open_with_sasl(here: Here, address: str) -> Client:
    """A new connection with the sasl capability."""
    client = here.open(address)
    client.say("CAP REQ :sasl")
    return client


def test_an_unknown_account_gets_the_same_answer(here: Here) -> None:
    """The answers for a known and an unknown account are the same."""
    here.account("admin", Role.ADMIN)
    known, unknown = here.open(), here.open()
    answers = [client.ask(f"PASS :{name}:wrong", f"NICK g{name}", "USER a 0 * :A") for client, name in
               ((known, "admin"), (unknown, "nobody"))]  # fmt: skip
    assert answers[0] == answers[1]


def test_known_and_unknown_accounts_cost_one_check_each(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login makes exactly one bcrypt check, even if there is no such account."""
    import bcrypt

    here.account("una")
    checks: list[bytes] = []
    real = bcrypt.checkpw

    def count(password: bytes, stored: bytes) -> bool:
        checks.append(stored)
        return real(password, stored)

    monkeypatch.setattr(bcrypt, "checkpw", count)
    for name in ("una", "nobody"):
        checks.clear()
        log_in_by_sasl(open_with_sasl(here, "10.0.0.1"), name, "wrong")
        assert len(checks) == 1


def test_lines_wait_in_order_behind_a_password_check(here: Here) -> None:
    """Lines that come during the check are answered after it. Other sessions do not wait."""
    here.account("una")
    bob = here.connect("bob")
    here.holding = True
    client = here.open()
    assert client.ask(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U", "PING :1", "PRIVMSG bob :hi") == []
    assert bob.ask("PING :2") == [f":{SERVER} PONG {SERVER} :2"]
    here.release()
    sent = client.read()
    assert verbs(sent)[:2] == ["900", "001"]
    assert verbs(sent)[-1] == "PONG"
    assert bob.read()[-1] == f":{client.prefix} PRIVMSG bob :hi"


def test_a_session_may_end_during_its_password_check(here: Here) -> None:
    """The result of the check then adds no user to the world."""
    here.account("una")
    here.holding = True
    client = here.open()
    client.say(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    client.vanish()
    here.release()
    assert here.world.users == {}


def test_failed_logins_are_slowed_by_address_and_account(make_here: Callable[..., Here]) -> None:
    """From the fourth failure on, each try waits longer, from other addresses too. Another account does not wait."""
    here = make_here(limits={"enabled": True, "login_tries": 100})
    here.account("una")
    here.account("other")
    client = here.open()
    client.say("CAP REQ :sasl", "NICK x", "USER u 0 * :U")
    for _ in range(5):
        log_in_by_sasl(client, "una", "wrong")
    assert here.delays_ms == [1000, 2000]
    elsewhere = here.open("10.7.7.7")
    elsewhere.say("CAP REQ :sasl", "NICK y", "USER u 0 * :U")
    log_in_by_sasl(elsewhere, "una", "wrong")
    assert here.delays_ms[2:] == [4000]
    log_in_by_sasl(open_with_sasl(here, "10.8.8.8"), "other")
    assert here.delays_ms[3:] == []


def test_a_good_login_renews_a_hash_of_another_cost(here: Here) -> None:
    """After the setting has changed, the next good login stores a hash of the new cost."""
    here.account("una")
    here.world.settings = change_settings(here.world.settings, accounts={"bcrypt_cost": 5})
    here.connect("una", login="una")
    stored = find_verifier(here.stores, "una")
    assert stored is not None
    assert stored.startswith("$2b$05$")
    assert here.stores.accounts.get("una").last_login_at is not None
    here.connect("una", login="una")
