"""What an account's other sessions read of its certificates and of logins by them."""

from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SHELL, Here, sasl_plain, verbs

ONE, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def una(here: Here) -> Client:
    """A user with an account that has a certificate."""
    una = here.member("una")
    here.stores.client_certificates.add(here.stores.accounts.get("una").id, ONE, SHELL)
    return una


def log_in_by_certificate(here: Here, address: str, nick: str = "una") -> Client:
    """Connect a device that logs in by EXTERNAL."""
    client = here.open(address, certificate=ONE)
    client.say("CAP LS 302", "CAP REQ :sasl", f"NICK {nick}", "USER u 0 * :U", "AUTHENTICATE EXTERNAL")
    client.say("AUTHENTICATE +", "CAP END")
    assert "001" in verbs(client.read())
    return client


@pytest.mark.parametrize("say", ["", "PRIVMSG NickServ :"])
def test_the_other_devices_read_of_a_change(here: Here, una: Client, say: str) -> None:
    """They read what was added or removed, from where, and what to do. The device itself reads the answer only."""
    phone = here.connect("una", login="una", address="192.0.2.7")
    una.read()
    assert len(phone.ask(f"{say}CERT ADD {OTHER}")) == 1
    (told,) = una.read()
    assert f"The certificate {OTHER} was added to your account, from 192.0.2.7" in told
    assert f"CERT DEL {OTHER}" in told
    assert len(phone.ask(f"{say}CERT DEL {OTHER}")) == 1
    (told,) = una.read()
    assert f"The certificate {OTHER} was removed from your account, from 192.0.2.7" in told


def test_a_refused_change_is_not_told(here: Here, una: Client) -> None:
    """Nothing has changed, and others read nothing."""
    phone, bob = here.connect("una", login="una", address="192.0.2.7"), here.member("bob")
    una.read()
    phone.say(f"CERT ADD {ONE}", "CERT ADD nonsense", f"CERT DEL {OTHER}", "CERT LIST")
    phone.say(f"CERT ADD {OTHER}")
    assert len(una.read()) == 1
    assert bob.read() == []


def test_a_login_by_a_certificate_is_told_with_the_certificate(here: Here, una: Client) -> None:
    """Once, and only if the device comes from where none of the others is."""
    phone = log_in_by_certificate(here, "192.0.2.7")
    (told,) = una.read()
    assert f"logged in to your account by the certificate {ONE}, from 192.0.2.7" in told
    assert f"CERT DEL {ONE}" in told
    assert not any("One more device" in line for line in phone.read())
    log_in_by_certificate(here, "192.0.2.7")
    assert una.read() == [] and phone.read() == []


def test_a_device_with_a_nick_of_its_own_is_told_of_too(here: Here, una: Client) -> None:
    """Also a guest that logs in by its certificate later."""
    log_in_by_certificate(here, "192.0.2.7", "una2")
    assert any("One more device" in line for line in una.read())
    guest = here.connect("gus", address="192.0.2.8", certificate=ONE, caps="sasl")
    guest.say("AUTHENTICATE EXTERNAL", "AUTHENTICATE +")
    assert guest.user.account_name == "una"
    assert any("One more device" in line for line in una.read())


def test_a_certificate_does_not_hide_a_login_by_password(here: Here, una: Client) -> None:
    """A device that logs in to its own account first, by a certificate, is told of in the second one too."""
    here.account("eve")
    here.stores.client_certificates.add(here.stores.accounts.get("eve").id, OTHER, SHELL)
    client = here.open("192.0.2.9", certificate=OTHER)
    client.say("CAP LS 302", "CAP REQ :sasl", "NICK una", "USER u 0 * :U", "AUTHENTICATE EXTERNAL", "AUTHENTICATE +")
    client.say("AUTHENTICATE PLAIN", sasl_plain("una"), "CAP END")
    assert client.user.account_name == "una"
    (told,) = una.read()
    assert "One more device has logged in to your account, from 192.0.2.9" in told
