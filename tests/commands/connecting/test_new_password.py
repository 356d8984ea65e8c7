"""A new password ends what the old one has begun, and a user learns of a device from elsewhere."""

from __future__ import annotations

import pytest
from harness.held_work import HeldPending
from harness.logins import scram_steps
from harness.session_client import Client
from harness.world import PASSWORD, SHELL, Here, sasl_plain, verbs

from chatroom.chat.admission.credentials import make_credentials
from chatroom.chat.enforcement import apply_account
from chatroom.chat.stored.records import Role

NEW = "a whole new phrase"


def set_password(here: Here, name: str) -> None:
    """Set a new password as ``chatroomctl`` does. The daemon has not followed yet."""
    account = here.stores.accounts.get(name)
    here.stores.accounts.set_credentials(account.id, make_credentials(NEW, here.world.settings.accounts), SHELL)


def follow(here: Here, name: str) -> None:
    """Have the daemon follow a change of an account."""
    account = here.stores.accounts.get(name)
    with here.tick():
        apply_account(here.world, account.id, account.entry)


def change_from_the_shell(here: Here, name: str) -> None:
    """Set a new password as ``chatroomctl`` does, and have the daemon follow."""
    set_password(here, name)
    follow(here, name)


def devices(here: Here, *addresses: str) -> list[Client]:
    """Connect una from each address."""
    return [here.connect("una", login="una", address=address) for address in addresses]


def test_a_new_password_from_the_shell_ends_all_sessions(here: Here) -> None:
    """A thief of the old one does not stay. Other users are left alone."""
    here.account("una")
    phone, laptop = devices(here, "10.0.0.1", "10.0.0.2")
    bob = here.connect("bob")
    change_from_the_shell(here, "una")
    assert phone.closed and laptop.closed
    assert "password of your account was changed" in phone.read()[-1]
    assert not bob.closed


def test_the_session_that_changes_the_password_stays(here: Here) -> None:
    """The others go."""
    here.account("una")
    phone, laptop = devices(here, "10.0.0.1", "10.0.0.2")
    phone.say(f"NICKSERV SET PASSWORD :{NEW}")
    assert not phone.closed
    assert laptop.closed
    assert phone.user.account_name == "una"
    assert not here.connect("una", login="una", password=NEW).closed


def test_oper_rights_end_with_the_password_that_gave_them(here: Here) -> None:
    """The session stays as what it was before."""
    here.account("boss", Role.ADMIN)
    una = here.member()
    una.say(f"OPER boss :{PASSWORD}")
    assert verbs(una.ask("LOCKDOWN")) == ["NOTICE"]
    change_from_the_shell(here, "boss")
    assert verbs(una.ask("LOCKDOWN")) == ["481"]


def test_a_login_before_the_registration_is_forgotten(here: Here) -> None:
    """The session cannot complete its registration with it."""
    here.account("una")
    client = here.open()
    client.say("CAP LS 302", "CAP REQ sasl", "AUTHENTICATE PLAIN", sasl_plain("una"), "NICK una", "USER una 0 * :U")
    change_from_the_shell(here, "una")
    client.read()
    assert any(" 433 " in line for line in client.ask("CAP END"))


def test_a_device_from_elsewhere_is_told_to_the_others(here: Here) -> None:
    """One from the same place is not: every reconnect would be a notice."""
    here.account("una")
    [phone] = devices(here, "10.0.0.1")
    phone.read()
    devices(here, "10.0.0.1")
    assert not any("One more device" in line for line in phone.read())
    devices(here, "192.0.2.9")
    assert any("One more device" in line and "192.0.2.9" in line for line in phone.read())


def test_a_renewed_hash_ends_no_session(here: Here) -> None:
    """Only a new password does, not a new cost."""
    here.account("una")
    [phone] = devices(here, "10.0.0.1")
    follow(here, "una")
    assert not phone.closed


def log_in(client: Client, way: str, password: str) -> None:
    """Log in to una's account."""
    if way == "SCRAM":
        list(scram_steps(client, "una", password))
    elif way == "PLAIN":
        client.say("AUTHENTICATE PLAIN", sasl_plain("una", password))
    else:
        client.say(f"OPER una :{password}")


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM", "OPER"])
def test_who_logs_in_with_the_new_password_stays(here: Here, way: str) -> None:
    """The daemon hears of a change from the shell a moment later: then the others end, and this session does not."""
    here.account("una", Role.MODERATOR)
    [phone] = devices(here, "10.0.0.1")
    set_password(here, "una")
    laptop = here.connect("lap", caps="sasl")
    log_in(laptop, way, NEW)
    assert laptop.user.account_name == "una"
    follow(here, "una")
    assert phone.closed and not laptop.closed
    assert laptop.user.account_name == "una"


@pytest.mark.parametrize("way", ["PLAIN", "OPER"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_old_password_does_not_hold_if_it_is_changed_meanwhile(here: Here, way: str, jobs: int) -> None:
    """It was right when a worker looked, and is changed before the session is logged in."""
    here.account("una", Role.MODERATOR)
    client = here.connect("lap", caps="sasl")
    here.holding = True
    log_in(client, way, PASSWORD)
    here.release(jobs - 1)  # the second reads the account's data
    while not isinstance(held := here.held.popleft(), HeldPending):
        held.do()
    outcome = held.run_job()
    change_from_the_shell(here, "una")
    here.go_on(held.context, held.pending, outcome)
    here.release()
    assert client.user.account is None
    assert any("password was changed just now" in line for line in client.read())


@pytest.mark.parametrize("steps", [1, 2])
def test_the_old_password_does_not_hold_if_it_is_changed_during_scram(here: Here, steps: int) -> None:
    """Its verifier is read at the first of three steps."""
    here.account("una", Role.MODERATOR)
    client = here.connect("lap", caps="sasl")
    dialogue = scram_steps(client, "una")
    for _ in range(steps):
        next(dialogue)
    change_from_the_shell(here, "una")
    *_, last = dialogue
    assert verbs(last) == ["904"]
    assert client.user.account is None
