"""Logging in by the certificate of the TLS connection, with a real daemon and both ways to manage certificates."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

import pytest
from harness.daemon import PASSWORD, Daemon, Place
from harness.tls import Pair, TlsClient, TlsDaemon, client_context, tls_running


@pytest.fixture(scope="module")
def daemon() -> Iterator[TlsDaemon]:
    """A daemon for all tests that do not end it."""
    with tls_running() as running:
        yield running


def external(client: TlsClient, nick: str) -> list[str]:
    """Log in by EXTERNAL and register; the lines up to the end of the exchange."""
    client.send("CAP LS 302", "CAP REQ :sasl", f"NICK {nick}", "USER u 0 * :U", "AUTHENTICATE EXTERNAL")
    client.expect("AUTHENTICATE")
    client.send("AUTHENTICATE +")
    lines: list[str] = []
    while not lines or lines[-1].split(" ")[1] not in ("903", "904"):
        line = client.read_line()
        assert line is not None
        lines.append(line)
    client.send("CAP END")
    return lines


def test_an_account_adds_its_certificate_and_comes_back_by_it(daemon: TlsDaemon) -> None:
    """CERT ADD takes the certificate of the connection. Another certificate is of no use, nor is none."""
    daemon.create("clara")
    mine = Pair(daemon.place.root, "clara", label="clara")
    with daemon.open_tls(certificate=mine) as clara:
        clara.register("clara", password=f"clara:{PASSWORD}")
        assert mine.fingerprint in "\n".join(clara.ask("CERT ADD"))
    with daemon.open_tls(certificate=mine) as again:
        assert " 900 " in external(again, "clara")[0]
        again.expect("001")
        assert f" 276 clara clara :has client certificate fingerprint {mine.fingerprint}" in "\n".join(
            again.ask("WHOIS clara")
        )
    (row,) = daemon.place.ctl_json("user", "cert", "list", "clara")
    assert (row["fingerprint"], row["shown_at"] is None) == (mine.fingerprint, False)
    with daemon.open_tls(certificate=Pair(daemon.place.root, "clara", label="forged")) as eve:
        assert "no account has the certificate" in external(eve, "eve")[-1]
    with daemon.open_tls() as bare:
        bare.send("CAP LS 302", "CAP REQ :sasl", "AUTHENTICATE EXTERNAL")
        assert "shows no certificate" in bare.expect("904")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_has_its_certificate(daemon: TlsDaemon, version: ssl.TLSVersion) -> None:
    """A client does not show the certificate again then. The first handshake has proved it."""
    name = f"resa{version.name[-1]}"
    daemon.create(name)
    mine = Pair(daemon.place.root, name, label=name)
    daemon.place.ctl("user", "cert", "add", name, mine.fingerprint)
    context = client_context(mine)
    context.minimum_version = context.maximum_version = version
    with TlsClient(daemon.tls_port, context=context) as first:
        assert " 900 " in external(first, name)[0]
        first.expect("001")
        session = first.tls.session
    with TlsClient(daemon.tls_port, context=context, session=session) as second:
        assert second.tls.session_reused
        assert " 900 " in external(second, name)[0]


def test_the_shell_changes_them_under_the_daemon(daemon: TlsDaemon) -> None:
    """A certificate that it adds is good at once, and one that it removes is not. Who logged in by it stays."""
    daemon.create("shelly")
    mine = Pair(daemon.place.root, "shelly", label="shelly")
    with daemon.open_tls(certificate=mine) as before:
        assert " 904 " in external(before, "s1")[-1]
    daemon.place.ctl("user", "cert", "add", "shelly", "--file", mine.certificate)
    with daemon.open_tls(certificate=mine) as stays:
        assert " 900 " in external(stays, "shelly")[0]
        daemon.place.ctl("user", "cert", "remove", "shelly", mine.fingerprint)
        with daemon.open_tls(certificate=mine) as after:
            assert " 904 " in external(after, "s2")[-1]
        stays.expect("001")
        assert stays.ask("PING still") != []


def test_they_outlive_the_daemon() -> None:
    """With the daemon down, the shell adds one; the next daemon knows it."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(Place.make())
        pair, mine = Pair(place.root, "localhost"), Pair(place.root, "una", label="una")
        assert Daemon(place).stop() == 0
        place.create("una")
        place.ctl("user", "cert", "add", "una", mine.fingerprint)
        daemon = TlsDaemon(place, pair)
        with daemon.open_tls(certificate=mine) as una:
            assert " 900 " in external(una, "una")[0]
        assert daemon.stop() == 0
