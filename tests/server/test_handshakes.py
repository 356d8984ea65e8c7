"""The handshake thread, its certificates and its sockets, in this process: a client of the standard library's ssl."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from harness.daemon import CAP_S, until
from harness.tls import Pair, client_context

from chatroom.chat.people.session import Session
from chatroom.config import Settings
from chatroom.config.serving import Listen
from chatroom.config.values import Networks
from chatroom.errors import CertificateUnusable
from chatroom.server import handshakes as handshakes_module
from chatroom.server.certificates import Certificates, covers, read_names
from chatroom.server.entrance import Entrance, open_entrance
from chatroom.server.handshakes import Arrival, Handshakes
from chatroom.server.tls_socket import TlsSocket

LOOPBACK = Networks().read(["127.0.0.1"])


class Door:
    """A handshake thread, with what it has told."""

    def __init__(self, listen: Listen) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.entrance = open_entrance(listen, self.listening, Settings())
        self.ready: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self.failed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.reported: list[str] = []
        self.thread = Handshakes(
            [self.entrance], self.ready.put, lambda arrival, why: self.failed.put(why), self.reported.append
        )
        self.thread.start()

    def connect(self) -> socket.socket:
        """Connect a client, and hand the server's end over."""
        client = socket.create_connection(self.listening.getsockname(), CAP_S)
        accepted, _ = self.listening.accept()
        accepted.setblocking(False)
        self.thread.add(Arrival(accepted, self.entrance, Session(1, "127.0.0.1", 4, 0x7F000001, "host", 0)))
        return client

    def close(self) -> None:
        """End the thread."""
        self.thread.stop(CAP_S)
        assert not self.thread.is_alive()
        self.listening.close()
        while not self.ready.empty():
            self.ready.get().transport.close()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """The server's certificate."""
    return Pair(tmp_path, "localhost", "127.0.0.1")


@pytest.fixture
def door(pair: Pair) -> Iterator[Door]:
    """A door with TLS."""
    made = Door(Listen(port=0, tls=True, certificate=(pair.certificate,), key=(pair.key,)))
    yield made
    made.close()


@pytest.fixture
def proxied() -> Iterator[Door]:
    """A door behind a proxy, without TLS."""
    made = Door(Listen(port=0, proxy_protocol_from=LOOPBACK))
    yield made
    made.close()


def receive(transport: TlsSocket, size: int = 65_536) -> bytes:
    """Receive what comes next."""

    def look() -> list[bytes]:
        try:
            return [transport.recv(size)]
        except BlockingIOError:
            return []

    return until(look, "data")[0]


def test_a_connection_is_encrypted_both_ways(door: Door, tmp_path: Path) -> None:
    """The arrival has the fingerprint of the client's certificate. The end is told by an alert."""
    shown = Pair(tmp_path, "somebody", label="client")
    with client_context(shown).wrap_socket(door.connect(), server_hostname="localhost") as client:
        client.sendall(b"hello")
        arrival = door.ready.get(timeout=CAP_S)
        tls = arrival.transport
        assert isinstance(tls, TlsSocket)
        assert arrival.encrypted
        assert len(arrival.fingerprint) == 64
        assert receive(tls) == b"hello"
        assert tls.send(b"and back") == 8
        assert client.recv(100) == b"and back"
        tls.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""
        client.unwrap().close()
        assert receive(tls) == b""
        tls.close()


def test_a_long_record_is_received_whole(door: Door) -> None:
    """What is longer than the caller asked for is not left where epoll does not see it."""
    with client_context().wrap_socket(door.connect(), server_hostname="localhost") as client:
        tls = door.ready.get(timeout=CAP_S).transport
        assert isinstance(tls, TlsSocket)
        client.sendall(b"x" * 16_000)
        assert receive(tls, 8192) == b"x" * 16_000
        tls.close()


def test_a_lost_peer_is_an_error_of_the_system(door: Door) -> None:
    """As with a plain socket, so the connection needs no case of its own."""
    client = client_context().wrap_socket(door.connect(), server_hostname="localhost")
    tls = door.ready.get(timeout=CAP_S).transport
    assert isinstance(tls, TlsSocket)
    client.close()

    def is_refused() -> bool:
        try:
            tls.send(b"x" * 10_000)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return False

    until(is_refused, "the peer is gone")
    tls.close()


@pytest.mark.parametrize("sent", [b"NICK plain\r\n" * 4, b""])
def test_what_is_no_handshake_fails_with_a_reason(door: Door, sent: bytes) -> None:
    """Other bytes, or none and an end."""
    with door.connect() as client:
        client.sendall(sent)
        if not sent:
            client.close()
        assert door.failed.get(timeout=CAP_S)


def test_a_client_that_offers_only_http_is_refused(door: Door) -> None:
    """A page has sent its reader's browser here."""
    context = client_context()
    context.set_alpn_protocols(["http/1.1"])
    with door.connect() as sock, pytest.raises(ssl.SSLError):
        context.wrap_socket(sock, server_hostname="localhost")
    assert door.failed.get(timeout=CAP_S)


def test_a_silent_client_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is up at once here."""
    monkeypatch.setattr(handshakes_module, "HANDSHAKE_S", 0.0)
    with door.connect():
        assert "in time" in door.failed.get(timeout=CAP_S)


def test_with_too_many_the_oldest_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real client is done in a moment, and so is rarely the oldest."""
    monkeypatch.setattr(handshakes_module, "MOST_WAITING", 1)
    with door.connect(), door.connect():
        assert "too many" in door.failed.get(timeout=CAP_S)


def test_a_proxy_names_its_client(proxied: Door) -> None:
    """The header may come in pieces. What follows it is left for the connection."""
    with proxied.connect() as client:
        for piece in (b"PROXY TCP4 198.51.100.3 ", b"203.0.113.1 1 2\r\nNICK a\r\n"):
            client.sendall(piece)
        arrival = proxied.ready.get(timeout=CAP_S)
        assert arrival.header is not None
        assert arrival.header.address == "198.51.100.3"
        assert isinstance(arrival.transport, socket.SocketType)
        assert arrival.transport.recv(100) == b"NICK a\r\n"
        arrival.transport.close()


def test_the_time_in_which_the_thread_was_held_up_does_not_count(
    proxied: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client in the middle of its header may go on after a minute in which nobody could read it."""
    with proxied.connect() as client:
        client.sendall(b"PROXY TCP4 198.51.100.3 ")
        until(lambda: proxied.thread._waiting, "the handshake has begun")
        ahead = SimpleNamespace(monotonic=lambda: time.monotonic() + 60, sleep=time.sleep)
        monkeypatch.setattr(handshakes_module, "time", ahead)
        until(lambda: proxied.thread._turned_s > time.monotonic() + 30, "the clock has jumped")
        client.sendall(b"203.0.113.1 1 2\r\n")
        proxied.ready.get(timeout=CAP_S).transport.close()


@pytest.mark.parametrize("sent", [b"NICK a\r\n", b"", b"PROXY TCP4 198.51"])
def test_without_a_header_nobody_comes_in(proxied: Door, sent: bytes) -> None:
    """Neither with other bytes, nor without any, nor with a part of it. An end is noticed at once."""
    with proxied.connect() as client:
        client.sendall(sent)
        with contextlib.suppress(OSError):  # the server may have closed it already
            client.shutdown(socket.SHUT_WR)
        assert proxied.failed.get(timeout=CAP_S)


def test_renewed_files_are_seen_when_they_have_settled(pair: Pair) -> None:
    """One look sees the change, the next one loads it. A pair that does not fit is reported once."""
    certificates = Certificates(Listen(tls=True, certificate=(pair.certificate,), key=(pair.key,)))
    old = certificates.context
    assert certificates.look() == ""
    pair.write("renewed.example.org")
    assert certificates.look() == ""
    assert "renewed.example.org" in certificates.look()
    assert certificates.context is not old
    pair.key.unlink()
    assert certificates.look() == ""
    assert "the old certificate stays in use" in certificates.look()
    assert certificates.look() == ""


@pytest.mark.parametrize("broken", ["certificate", "key", "mismatch", "missing"])
def test_a_pair_that_cannot_be_used_says_why(pair: Pair, tmp_path: Path, broken: str) -> None:
    """The file is named."""
    if broken == "certificate":
        pair.certificate.write_text("nonsense")
    elif broken == "key":
        pair.key.write_text("nonsense")
    elif broken == "mismatch":
        pair.key.write_text(Pair(tmp_path, "other", label="other").key.read_text())
    else:
        pair.certificate.unlink()
    named = pair.key if broken in ("key", "mismatch") else pair.certificate
    with pytest.raises(CertificateUnusable, match=str(named)):
        Certificates(Listen(tls=True, certificate=(pair.certificate,), key=(pair.key,)))


def test_names_choose_the_certificate(tmp_path: Path) -> None:
    """A wildcard covers one label; the first certificate is for all other names."""
    one, two = Pair(tmp_path, "one.example", label="one"), Pair(tmp_path, "*.two.example", label="two")
    door = Door(Listen(port=0, tls=True, certificate=(one.certificate, two.certificate), key=(one.key, two.key)))
    for name, expected in (("chat.two.example", two), ("one.example", one), ("else.example", one)):
        with client_context().wrap_socket(door.connect(), server_hostname=name) as client:
            assert client.getpeercert(binary_form=True) == expected.der
            door.ready.get(timeout=CAP_S).transport.close()
    door.close()
    assert read_names(two.certificate) == ["*.two.example"]
    assert not covers("*.two.example", "two.example")
    assert not covers("one.example", "")


def test_an_entrance_lets_in_its_proxies_only() -> None:
    """Without any it lets in everybody."""
    with socket.socket() as sock:
        entrance = Entrance(sock, proxies=LOOPBACK)
        assert entrance.lets_in(4, 0x7F000001)
        assert not entrance.lets_in(4, 0x0A000001)
        assert Entrance(sock).lets_in(4, 0x0A000001)
        assert Entrance(sock).is_plain
        assert not entrance.is_plain
