"""SASL EXTERNAL: logging in by the certificate that the connection shows."""

from __future__ import annotations

import base64
from collections.abc import Callable
from ipaddress import ip_network

import pytest
from harness.session_client import Client
from harness.world import SERVER, SHELL, Here, change_settings, params_of, sasl_plain, verbs

from chatroom.chat.reload import use_settings
from chatroom.chat.stored.records import Role
from chatroom.commands.connecting.webirc import take_forwarded

ONE, OTHER = "ab" * 32, "cd" * 32


def add(here: Here, name: str, fingerprint: str = ONE) -> None:
    """Give an account a certificate, as the shell does."""
    here.stores.client_certificates.add(here.stores.accounts.get(name).id, fingerprint, SHELL)


def with_sasl(here: Here, certificate: str = ONE, nick: str = "una", address: str = "10.0.0.1") -> Client:
    """A client in CAP negotiation with the sasl capability."""
    client = here.open(address, certificate=certificate)
    client.say("CAP LS 302", "CAP REQ :sasl", f"NICK {nick}", "USER u 0 * :U")
    client.read()
    return client


def external(client: Client, name: str = "") -> list[str]:
    """Log in by EXTERNAL; the lines that end the exchange."""
    assert client.ask("AUTHENTICATE EXTERNAL") == ["AUTHENTICATE +"]
    return client.ask(f"AUTHENTICATE {base64.b64encode(name.encode()).decode() or '+'}")


@pytest.mark.parametrize("name", ["", "una", "UNA"])
def test_a_known_certificate_logs_in(here: Here, name: str) -> None:
    """The response is empty or the account's name. The logins of the account and of the certificate are stored."""
    here.account("una")
    add(here, "una")
    client = with_sasl(here)
    here.wait(5)
    assert verbs(external(client, name)) == ["900", "903"]
    assert "001" in verbs(client.ask("CAP END"))
    assert client.user.account_name == "una"
    account = here.stores.accounts.get("una")
    (certificate,) = here.stores.client_certificates.list_of(account.id)
    assert account.last_login_at == certificate.shown_at == here.now
    assert any("login una (user) from 10.0.0.1 by a certificate" in line for line in here.world.log_lines)


def test_an_unknown_certificate_is_904(here: Here) -> None:
    """The refusal and the log have the fingerprint, so that it can be added."""
    here.account("una")
    client = with_sasl(here)
    why = f"no account has the certificate {ONE}"
    assert external(client) == [f":{SERVER} 904 * :SASL authentication failed: {why}"]
    assert any(f"from 10.0.0.1: {why}" in line for line in here.world.log_lines)
    assert verbs(client.ask("AUTHENTICATE PLAIN")) == ["AUTHENTICATE"]


def test_a_certificate_is_not_for_another_account(here: Here) -> None:
    """A response that names another account is refused, also if that account has no certificate."""
    for name in ("una", "eve"):
        here.account(name)
    add(here, "una")
    for name in ("eve", "nobody", "una\0eve"):
        assert "another account" in params_of(external(with_sasl(here), name), "904")[-1]


def test_a_response_that_is_no_text_is_904(here: Here) -> None:
    """The name of an account is UTF-8."""
    here.account("una")
    add(here, "una")
    client = with_sasl(here)
    client.say("AUTHENTICATE EXTERNAL")
    client.read()
    assert verbs(client.ask(f"AUTHENTICATE {base64.b64encode(bytes([0xFF])).decode()}")) == ["904"]


def test_a_disabled_or_banned_account_is_refused(here: Here) -> None:
    """As by its password."""
    here.account("una", disabled=True)
    here.account("eve")
    here.ban("eve", "noise")
    add(here, "una")
    add(here, "eve", OTHER)
    assert "disabled" in params_of(external(with_sasl(here)), "904")[-1]
    assert "banned: noise" in params_of(external(with_sasl(here, OTHER, "eve")), "904")[-1]


def test_a_deleted_account_is_refused(here: Here) -> None:
    """Its certificates went with it."""
    here.account("una")
    add(here, "una")
    here.delete("una")
    assert verbs(external(with_sasl(here))) == ["904"]


def test_what_the_shell_changed_a_moment_ago_counts_at_once(here: Here) -> None:
    """An account and a certificate that the world has not heard of yet, and a certificate that is gone."""
    made = here.stores.accounts.create("una", Role.USER, [], SHELL)
    add(here, "una")
    client = with_sasl(here)
    assert verbs(external(client)) == ["900", "903"]
    here.stores.client_certificates.remove(made.id, ONE, SHELL)
    assert verbs(external(with_sasl(here, nick="other"))) == ["904"]


def test_external_is_offered_to_connections_with_a_certificate(here: Here) -> None:
    """The others do not see it, and read why it is refused."""
    assert " sasl=PLAIN,SCRAM-SHA-256,EXTERNAL" in " ".join(here.open(certificate=ONE).ask("CAP LS 302"))
    client = here.open(secure=True)
    assert " sasl=PLAIN,SCRAM-SHA-256 " in f"{' '.join(client.ask('CAP LS 302'))} "
    client.say("CAP REQ sasl")
    assert client.ask("AUTHENTICATE EXTERNAL") == [
        f":{SERVER} 908 * PLAIN,SCRAM-SHA-256 :are available SASL mechanisms",
        f":{SERVER} 904 * :SASL authentication failed: your connection shows no certificate",
    ]


def test_a_reload_tells_each_connection_its_mechanisms(here: Here) -> None:
    """With a certificate, EXTERNAL stays on the list."""
    una = here.connect("una", caps="sasl", certificate=ONE)
    bob = here.connect("bob", caps="sasl")
    una.read()
    with here.tick():
        use_settings(here.world, change_settings(here.world.settings, accounts={"scram": False}))
    assert una.read() == [f":{SERVER} CAP una NEW :sasl=PLAIN,EXTERNAL"]
    assert bob.read() == [f":{SERVER} CAP bob NEW :sasl=PLAIN"]


def test_after_registration(here: Here) -> None:
    """A guest logs in by it too. A user with several connections does not change the account of the others."""
    here.account("una")
    add(here, "una")
    guest = here.connect("guest", caps="sasl", certificate=ONE)
    assert verbs(external(guest)) == ["900", "903"]
    assert guest.user.account_name == "una"
    here.account("bob")
    bob = here.connect("bob", login="bob", caps="sasl", certificate=ONE)
    here.connect("bob", login="bob")
    assert verbs(external(bob)) == ["907"]


def test_failures_close_the_connection_and_wait(make_here: Callable[..., Here]) -> None:
    """They count with failed passwords. From the fourth failure on, tries from the address wait."""
    here = make_here(limits={"enabled": True})
    client = with_sasl(here)
    assert [verbs(external(client)) for _ in range(3)] == [["904"], ["904"], ["904", "ERROR"]]
    assert client.closed
    assert verbs(external(with_sasl(here))) == ["904"]
    assert here.delays_ms == [1000]


def test_failures_do_not_delay_the_passwords_of_the_account(make_here: Callable[..., Here]) -> None:
    """A client that only names an account has not guessed its password, nor does it wait for the guesses of others."""
    here = make_here(limits={"enabled": True})
    here.account("una")
    add(here, "una", OTHER)
    for number in range(5):
        external(with_sasl(here, address=f"10.0.1.{number}"), "una")
    client = with_sasl(here, "")
    assert verbs(client.ask("AUTHENTICATE PLAIN", sasl_plain("una", "wrong"))) == ["AUTHENTICATE", "904"]
    assert here.delays_ms == []
    for number in range(5):
        with_sasl(here, "", address=f"10.0.2.{number}").say("AUTHENTICATE PLAIN", sasl_plain("una", "wrong"))
    here.delays_ms.clear()
    assert verbs(external(with_sasl(here, OTHER, address="10.0.3.1"))) == ["900", "903"]
    assert here.delays_ms == []


def test_tls_only_lets_it_in(make_here: Callable[..., Here]) -> None:
    """``accounts.require_tls`` is about connections in clear, which cannot show a certificate."""
    here = make_here(accounts={"require_tls": True})
    here.account("una")
    add(here, "una")
    assert verbs(external(with_sasl(here))) == ["900", "903"]


def test_the_certificate_of_a_gateway_is_not_its_clients(make_here: Callable[..., Here]) -> None:
    """Behind WEBIRC and behind a proxy for WebSocket, users cannot log in by the certificate of the connection."""
    here = make_here(webirc={"password": "hunter2", "gateways": (ip_network("192.0.2.1"),)})
    here.account("gateway")
    add(here, "gateway")
    client = here.open("192.0.2.1", certificate=ONE)
    client.say("WEBIRC hunter2 Example host.example.net 198.51.100.3 :secure")
    assert client.session.secure
    assert "EXTERNAL" not in " ".join(client.ask("CAP LS 302"))
    client.say("CAP REQ sasl")
    assert verbs(client.ask("AUTHENTICATE EXTERNAL")) == ["908", "904"]
    proxied = here.open("127.0.0.1", certificate=ONE)
    with here.tick():
        assert take_forwarded(here.world, proxied.session, "198.51.100.4", https=True) is None
    assert "EXTERNAL" not in " ".join(proxied.ask("CAP LS 302"))


def test_the_author_of_a_change_by_certificate_is_the_account(here: Here) -> None:
    """A login by certificate has all rights of the account."""
    here.account("ada", Role.ADMIN)
    add(here, "ada")
    ada = with_sasl(here, nick="ada")
    external(ada)
    ada.say("CAP END", "UBAN ADD mallory spam")
    assert here.stores.bans.list_in_force(here.now)[0].by == "ada"


def test_an_account_added_by_cert_comes_back_by_it(here: Here) -> None:
    """The whole way: log in by password, CERT ADD, leave, and come back without the password."""
    here.account("una")
    una = here.connect("una", login="una", certificate=ONE)
    una.say("CERT ADD", "QUIT :later")
    client = with_sasl(here)
    assert verbs(external(client)) == ["900", "903"]
    client.say("CAP END")
    assert client.user.account_name == "una"
