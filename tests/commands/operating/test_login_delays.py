from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.logins import log_in_by_sasl
from harness.world import SERVER, Here, params_of, verbs

from chatroom.chat.admission.login_keys import account_key
from chatroom.chat.stored.records import Role


@pytest.fixture
def here(make_here: Callable[..., Here]) -> Here:
    """A world with limits, some accounts and failed logins."""
    here = make_here(limits={"enabled": True, "login_tries": 100})
    for name, role in (("una", Role.USER), ("mo", Role.MODERATOR), ("ada", Role.ADMIN)):
        here.account(name, role)
    return here


def fail(here: Here, times: int, name: str, address: str) -> None:
    """Log in with a wrong password, so many times, and have that stored."""
    client = here.open(address)
    client.say("CAP REQ :sasl", "NICK x", "USER u 0 * :U")
    for _ in range(times):
        log_in_by_sasl(client, name, "wrong")
    with here.tick():
        here.world.kept_failures.flush()


def texts(lines: list[str]) -> list[str]:
    """Return the texts of some lines."""
    return [line.split(" :", 1)[1] for line in lines]


def test_the_list_has_those_that_wait(here: Here) -> None:
    """The newest first, with the next delay. A name that nobody has registered may be a password: it is counted."""
    mo = here.moderator(address="192.0.2.1")
    fail(here, 3, "una", "2001:db8::1")
    fail(here, 4, "hunter2", "192.0.2.5")
    fail(here, 2, "ada", "192.0.2.6")
    assert texts(mo.ask("LOGINDELAY LIST")) == [
        "192.0.2.5: 4 failed logins in 10 minutes, the next try waits 2 s",
        "una: 3 failed logins in 10 minutes, the next try waits 0 s",
        "2001:db8::/64: 3 failed logins in 10 minutes, the next try waits 0 s",
        "4 delayed, of which 1 by names that nobody has registered",
    ]
    assert not any("hunter2" in line for line in mo.ask("LOGINDELAY list"))


def test_a_moderator_lifts_the_delay_of_an_account(here: Here) -> None:
    """The next login does not wait, after a restart neither. The audit and the log say who did it."""
    mo = here.moderator(address="192.0.2.1")
    fail(here, 6, "una", "192.0.2.5")
    assert here.stores.failed_logins.find(account_key("una")) is not None
    assert texts(mo.ask("LOGINDELAY LIFT UNA")) == ["The next login of una does not wait"]
    assert here.stores.failed_logins.find(account_key("una")) is None
    for restarts in (False, True):
        if restarts:
            here.restart()
        here.delays_ms.clear()
        fail(here, 1, "una", "192.0.2.99")
        assert here.delays_ms == []
    entry = here.stores.audit.list_entries()[-1]
    assert (entry.actor, entry.action, entry.target) == ("mo", "user.lift-delay", "una")


def test_an_address_can_be_freed_too(here: Here) -> None:
    """Of an IPv6 address, its /64 and its /48."""
    control = here.control()
    fail(here, 6, "una", "2001:db8::1")
    (told,) = control.ask("LOGINDELAY LIFT 2001:db8::77")
    assert told == (f":{SERVER} NOTE LOGINDELAY DONE :The next login of 2001:db8::/64 and 2001:db8::/48 does not wait")
    here.delays_ms.clear()
    fail(here, 1, "other", "2001:db8::1")
    assert here.delays_ms == []


def test_what_has_failed_while_it_is_lifted_goes_too(here: Here) -> None:
    """The write of the failure comes first, or not at all."""
    control = here.control()
    fail(here, 3, "una", "192.0.2.5")
    here.holding = True
    control.say("LOGINDELAY LIFT una")
    client = here.open("192.0.2.6")
    client.say("CAP REQ :sasl", "AUTHENTICATE PLAIN", "AUTHENTICATE AHVuYQB3cm9uZw==")
    here.holding = False
    here.release()
    control.say("LOGINDELAY LIFT una")
    with here.tick():
        here.world.kept_failures.flush()
    assert here.stores.failed_logins.find(account_key("una")) is None


def test_what_is_refused(here: Here) -> None:
    """Users without privileges, the account of someone of a higher rank, and what has not failed."""
    una = here.member("una", address="192.0.2.2")
    assert verbs(una.ask("LOGINDELAY LIST")) == ["481"]
    mo = here.moderator(address="192.0.2.1", caps="standard-replies")
    fail(here, 6, "ada", "192.0.2.5")
    fail(here, 6, "mo", "192.0.2.6")
    assert "ada is an admin" in params_of(mo.ask("LOGINDELAY LIFT ada"), "481")[-1]
    assert "NOTE" in verbs(mo.ask("LOGINDELAY LIFT mo"))
    for line in ("LOGINDELAY LIFT una", "LOGINDELAY LIFT 192.0.2.77"):
        assert params_of(mo.ask(line), "FAIL")[1] == "NOT_FOUND"
    for line in ("LOGINDELAY", "LOGINDELAY LIFT", "LOGINDELAY FOO", "LOGINDELAY LIFT 192.0.2.0/24"):
        assert verbs(mo.ask(line))[0] in ("FAIL", "461"), line
    assert here.control().ask("STATUS delayed_logins")
    assert any(line.endswith(" delayed_logins :3") for line in here.control().ask("STATUS"))
