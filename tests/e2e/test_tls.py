"""TLS, seen from outside: the daemon as a process, the standard library's ssl as the client."""

from __future__ import annotations

import contextlib
import os
import ssl
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import CAP_S, Place, until
from harness.tls import Pair, TlsClient, TlsDaemon, client_context, tls_running
from harness.web import TEXT
from websockets.sync.client import connect
from websockets.typing import Subprotocol


@pytest.fixture(scope="module")
def daemon() -> Iterator[TlsDaemon]:
    """One daemon for all tests that change nothing of it."""
    with tls_running(limits__enabled=False) as started:
        yield started


def test_encrypted_and_plain_clients_chat(daemon: TlsDaemon) -> None:
    """The log names the TLS address as such, and both kinds of client are in one chat."""
    assert any(line.endswith(" (TLS)") for line in daemon.log_lines("listening on "))
    with daemon.open_tls() as tessa, daemon.connect("paul") as paul:
        tessa.register("tessa")
        paul.expect("JOIN")
        tessa.send("PRIVMSG #lobby :hello from inside")
        assert "hello from inside" in paul.expect("PRIVMSG")
        paul.send("PRIVMSG tessa :and back")
        assert "and back" in tessa.expect("PRIVMSG")


def test_many_lines_at_once_come_whole_and_in_order(daemon: TlsDaemon) -> None:
    """More than fits into one record, both ways: no line is lost, doubled or out of order."""
    with daemon.open_tls() as tina:
        tina.register("tina")
        tina.send(*(f"PING {number:05}-{'x' * 300}" for number in range(600)))
        answers = [tina.expect("PONG").split(" ")[-1][1:6] for _ in range(600)]
        assert answers == [f"{number:05}" for number in range(600)]


def test_quit_ends_with_a_closing_alert(daemon: TlsDaemon) -> None:
    """A client reads the ERROR and then a proper end, not a cut connection."""
    with daemon.open_tls() as quinn:
        quinn.register("quinn")
        quinn.send("QUIT :bye")
        assert quinn.expect_closed()[-1].startswith("ERROR ")


def test_an_old_protocol_is_refused(daemon: TlsDaemon) -> None:
    """TLS 1.1 and older have known weaknesses."""
    context = client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        TlsClient(daemon.tls_port, context=context)
    assert daemon.is_well()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed(daemon: TlsDaemon, version: ssl.TLSVersion) -> None:
    """A client that comes again needs no whole handshake."""
    context = client_context()
    context.minimum_version = context.maximum_version = version
    with TlsClient(daemon.tls_port, context=context) as first:
        first.register("resa")
        session = first.tls.session
    with TlsClient(daemon.tls_port, context=context, session=session) as second:
        assert second.tls.session_reused
        second.register("resa2")


def test_alpn_names_irc_and_refuses_a_browser(daemon: TlsDaemon) -> None:
    """A client that offers ``irc`` gets it. One that only offers HTTP is a browser that a page sent here."""
    context = client_context()
    context.set_alpn_protocols(["h2", "irc"])
    with TlsClient(daemon.tls_port, context=context) as client:
        assert client.tls.selected_alpn_protocol() == "irc"
    context = client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with pytest.raises(ssl.SSLError):
        TlsClient(daemon.tls_port, context=context)


def test_silence_and_nonsense_are_in_nobodys_way(daemon: TlsDaemon) -> None:
    """Connections that do not begin a handshake, or send something else, delay no other client."""
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(daemon.connect_raw())
        loud = stack.enter_context(daemon.connect_raw())
        loud.sendall(b"NICK plain\r\nUSER plain 0 * :plain\r\n")
        with contextlib.suppress(ConnectionResetError):  # it is closed with our lines unread
            while loud.recv(4096):
                pass
        stack.enter_context(daemon.open_tls()).register("tom")
    assert daemon.is_well()


def test_a_client_may_show_any_certificate(daemon: TlsDaemon) -> None:
    """A self-signed certificate is accepted: accounts are bound to its fingerprint."""
    with daemon.open_tls(certificate=Pair(daemon.place.root, "somebody", label="client")) as clara:
        clara.register("clara")


def test_the_certificate_is_chosen_by_name() -> None:
    """With several certificates, the name that the client connects to chooses; the first is for all others."""
    with Place.make() as place:
        one = Pair(place.root, "one.example.org", label="one")
        two = Pair(place.root, "*.two.example.org", label="two")
        listen = f'certificate = ["{one.certificate}", "{two.certificate}"]\nkey = ["{one.key}", "{two.key}"]\n'
        daemon = TlsDaemon(place, one, listen)
        for name, pair in (("one.example.org", one), ("chat.two.example.org", two), ("other.example.org", one)):
            with daemon.open_tls(name) as client:
                assert client.certificate == pair.der
        assert daemon.stop() == 0


def test_renewed_files_are_used_by_themselves() -> None:
    """New connections get a renewed certificate. Files that do not fit are reported, and the old pair stays."""
    with tls_running() as daemon:
        old = daemon.pair.der
        with daemon.open_tls() as stays:
            stays.register("stays")
            daemon.pair.key.write_text("nonsense")
            daemon.expect_log("the old certificate stays in use")
            with daemon.open_tls() as client:
                assert client.certificate == old
            daemon.pair.write("localhost")

            def is_renewed() -> bool:
                with daemon.open_tls() as client:
                    return client.certificate == daemon.pair.der

            until(is_renewed, "the new certificate")
            daemon.expect_log("read the new certificate")
            assert stays.ask("PING still") != []


def test_the_deploy_hook_hands_over_a_renewed_certificate(tmp_path: Path) -> None:
    """As certbot runs it: the daemon uses the copies, which no other user can read."""
    hook = Path(__file__).parents[2] / "deploy" / "certbot-deploy-hook"
    lineage, directory = tmp_path / "live", tmp_path / "tls"
    lineage.mkdir()

    def renew() -> bytes:
        pair = Pair(lineage, "localhost")
        pair.certificate.rename(lineage / "fullchain.pem")
        pair.key.rename(lineage / "privkey.pem")
        environment = {
            **os.environ,
            "RENEWED_LINEAGE": str(lineage),
            "CHATROOM_TLS_DIRECTORY": str(directory),
            "CHATROOM_TLS_OWNER": f"{os.getuid()}:{os.getgid()}",
        }
        subprocess.run([hook], env=environment, check=True)
        return ssl.PEM_cert_to_DER_cert((lineage / "fullchain.pem").read_text())

    renew()
    files = f'certificate = "{directory}/fullchain.pem"\nkey = "{directory}/privkey.pem"\n'
    with tls_running(files) as daemon:
        renewed = renew()
        assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o640}

        def is_renewed() -> bool:
            with daemon.open_tls() as client:
                return client.certificate == renewed

        until(is_renewed, "the renewed certificate")


@pytest.mark.parametrize("broken", ["missing", "key", "mismatch"])
def test_a_certificate_that_cannot_be_used_prevents_the_start(broken: str) -> None:
    """One line says which file is wrong; nothing is migrated or made."""
    with Place.make() as place:
        pair, other = Pair(place.root, "localhost"), Pair(place.root, "localhost", label="other")
        if broken == "missing":
            pair.certificate.unlink()
        elif broken == "key":
            pair.key.write_text("nonsense")
        else:
            pair.key.write_text(other.key.read_text())
        file = place.root / "chatroom.toml"
        table = f'tls = true\nport = 0\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"'
        file.write_text(f"[[listen]]\n{table}\n")
        done = place.run("--config", file, "serve")
        assert done.returncode == 1
        assert str(pair.certificate if broken == "missing" else pair.key) in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not place.database.exists()


def test_a_stop_ends_encrypted_connections_in_order() -> None:
    """At SIGTERM a client over TLS reads the farewell and a proper end."""
    with tls_running() as daemon, daemon.open_tls() as tess:
        tess.register("tess")
        assert daemon.stop() == 0
        assert tess.expect_closed()[-1].startswith("ERROR ")


def test_websocket_over_tls() -> None:
    """A page of an encrypted site needs it: a browser refuses ws:// there."""
    with tls_running('kind = "websocket"', limits__enabled=False) as daemon:
        listening = daemon.log_lines("listening on ")[1]
        assert listening.endswith(" (websocket, TLS)")
        with (
            connect(
                f"wss://localhost:{daemon.tls_port}/",
                ssl=client_context(),
                subprotocols=[Subprotocol(TEXT)],
                open_timeout=CAP_S,
                proxy=None,
            ) as web,
            daemon.connect("pia") as pia,
        ):
            web.send("NICK wanda")
            web.send("USER wanda 0 * :Wanda")
            pia.expect("JOIN")
            for number in range(300):
                pia.send(f"PRIVMSG wanda :{number} {'x' * 300}")
            read: list[int] = []
            while len(read) < 300:
                line = str(web.recv(timeout=CAP_S))
                if " PRIVMSG wanda :" in line:
                    read.append(int(line.split(" ")[3][1:]))
            assert read == list(range(300))
            told = pia.ask("WHOIS wanda")
            assert any(" 671 pia wanda " in line for line in told), told
