"""Proxies in front of the daemon: PROXY protocol and X-Forwarded-For, with and without TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator

import pytest
from harness.daemon import CAP_S, Client, until
from harness.tls import ListeningDaemon, TlsClient, listening, tls_running
from harness.web import TEXT
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

LOOPBACK = '["127.0.0.1"]'


def header(address: str) -> bytes:
    """Return the header of a proxy whose client has that address."""
    return f"PROXY TCP4 {address} 203.0.113.1 50000 6667\r\n".encode()


def address_of(daemon: ListeningDaemon, nick: str) -> str:
    """Return the address that the operator sees of a user."""
    return next(str(one["address"]) for one in daemon.place.ctl_json("who") if one["nick"] == nick)


@pytest.fixture(scope="module")
def proxied() -> Iterator[ListeningDaemon]:
    """A daemon whose second listener is behind a proxy of this machine."""
    with listening(f"proxy_protocol_from = {LOOPBACK}") as started:
        yield started


def test_users_keep_their_addresses_behind_a_proxy(proxied: ListeningDaemon) -> None:
    """Header and first lines may come in one packet, or the header in pieces."""
    with Client(proxied.second_port) as pat, Client(proxied.second_port) as pia:
        pat.send_bytes(header("198.51.100.3") + b"NICK pat\r\n")
        pat.send("USER pat 0 * :pat")
        pat.expect("001")
        assert address_of(proxied, "pat") == "198.51.100.3"
        whole = header("198.51.100.4")
        pia.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in whole:
            pia.send_bytes(bytes([byte]))
        pia.register("pia")
        assert address_of(proxied, "pia") == "198.51.100.4"


def test_bans_judge_the_address_that_the_proxy_gives(proxied: ListeningDaemon) -> None:
    """A ban of the client's address turns it away; the proxy's other clients come in."""
    proxied.place.ctl("ban", "add", "198.51.100.66")

    def is_banned() -> bool:
        with Client(proxied.second_port) as banned:
            banned.send_bytes(header("198.51.100.66") + b"QUIT\r\n")
            return any("anned" in line for line in banned.expect_closed())

    until(is_banned, "the daemon knows the ban")
    with Client(proxied.second_port) as free:
        free.send_bytes(header("198.51.100.67"))
        free.register("free")


@pytest.fixture
def crowded() -> Iterator[ListeningDaemon]:
    """As ``proxied``, with one connection for each address."""
    with listening(f"proxy_protocol_from = {LOOPBACK}", limits__connections_per_address=1) as started:
        yield started


def test_limits_count_the_clients_and_not_the_proxy(crowded: ListeningDaemon) -> None:
    """One client of a proxy that connects too often is refused, another is not."""
    port = crowded.second_port
    with Client(port) as one, Client(port) as two, Client(port) as other:
        one.send_bytes(header("198.51.100.3"))
        one.register("one")
        two.send_bytes(header("198.51.100.3"))
        assert "ERROR" in two.expect_closed()[-1]
        other.send_bytes(header("198.51.100.4"))
        other.register("other")


def test_a_connection_without_a_header_is_closed(proxied: ListeningDaemon) -> None:
    """Even from the proxy's address: nobody may be let in under the proxy's address."""
    with Client(proxied.second_port) as client:
        client.send("NICK sly", "USER sly 0 * :sly")
        assert client.expect_closed() == []
    assert proxied.is_well()


def test_a_header_from_elsewhere_gains_nothing() -> None:
    """The listener is for its proxies only, and a plain listener takes no header."""
    with listening('proxy_protocol_from = ["192.0.2.0/24"]') as daemon:
        with Client(daemon.second_port) as client:
            with contextlib.suppress(ConnectionError):
                client.send_bytes(header("198.51.100.3") + b"NICK sly\r\nUSER sly 0 * :sly\r\n")
            assert client.expect_closed() == []
        with daemon.open() as client:
            client.send_bytes(header("198.51.100.3"))
            client.register("sly")
            assert address_of(daemon, "sly") == "127.0.0.1"


def test_tls_begins_behind_the_header() -> None:
    """A proxy may pass encrypted connections on, with their clients' addresses in front."""
    with tls_running(f"proxy_protocol_from = {LOOPBACK}") as daemon:
        with TlsClient(daemon.tls_port, header=header("198.51.100.3")) as client:
            client.register("tess")
            assert address_of(daemon, "tess") == "198.51.100.3"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            TlsClient(daemon.tls_port)


@contextlib.contextmanager
def open_web(port: int, forwarded: str | None) -> Iterator[ClientConnection]:
    """Connect over WebSocket with that X-Forwarded-For."""
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    with (
        socket.create_connection(("127.0.0.1", port), CAP_S) as sock,
        connect(
            f"ws://127.0.0.1:{port}/",
            sock=sock,
            subprotocols=[Subprotocol(TEXT)],
            additional_headers=headers,
            open_timeout=CAP_S,
            proxy=None,
        ) as web,
    ):
        yield web


@pytest.fixture(scope="module")
def forwarded_to() -> Iterator[ListeningDaemon]:
    """A daemon whose second listener is behind an HTTP proxy of this machine."""
    with listening(f'kind = "websocket"\nforwarded_from = {LOOPBACK}') as started:
        yield started


@pytest.mark.parametrize(
    "forwarded, address",
    [
        ("198.51.100.3", "198.51.100.3"),
        ("10.1.1.1, 198.51.100.3", "198.51.100.3"),
        ("198.51.100.3, 127.0.0.1", "198.51.100.3"),
        ("2001:db8::7", "2001:db8::7"),
    ],
)
def test_web_users_keep_their_addresses(forwarded_to: ListeningDaemon, forwarded: str, address: str) -> None:
    """The last address that is no proxy counts: what stands before it may come from the client itself."""
    with open_web(forwarded_to.second_port, forwarded) as web:
        web.send("NICK webby")
        web.send("USER webby 0 * :webby")
        while " 366 " not in str(web.recv(timeout=CAP_S)):  # all of it: the library does not close with much unread
            pass
        assert address_of(forwarded_to, "webby") == address


@pytest.mark.parametrize("forwarded", [None, "", "nonsense", "198.51.100.3, unknown"])
def test_a_web_user_without_an_address_is_refused(forwarded_to: ListeningDaemon, forwarded: str | None) -> None:
    """The proxy's own address would stand for all its users."""
    with pytest.raises(InvalidStatus), open_web(forwarded_to.second_port, forwarded):
        pass
    assert forwarded_to.is_well()
