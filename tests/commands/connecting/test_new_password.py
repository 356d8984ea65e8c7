"""A new password ends what the old one has begun, and a user learns of a device from elsewhere."""

from __future__ import annotations

from harness.session_client import Client
from harness.world import PASSWORD, SHELL, Here, sasl_plain, verbs

from chatroom.chat.admission.credentials import make_credentials
from chatroom.chat.enforcement import apply_account
from chatroom.chat.stored.records import Role

NEW = "a whole new phrase"


def change_from_the_shell(here: Here, name: str) -> None:
    """Set a new password as ``chatroomctl`` does, and have the daemon follow."""
    account = here.stores.accounts.find(name)
    assert account is not None
    credentials = make_credentials(NEW, here.world.settings.accounts)
    here.stores.accounts.set_credentials(account.id, credentials, SHELL)
    with here.tick():
        apply_account(here.world, account.id, here.stores.accounts.find_entry(account.id))


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
    account = here.stores.accounts.find("una")
    assert account is not None
    with here.tick():
        apply_account(here.world, account.id, here.stores.accounts.find_entry(account.id))
    assert not phone.closed
