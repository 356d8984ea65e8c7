"""Whatever bytes come first on a port, and however the network cuts them: each parser reads them, or refuses them.

Each check takes a ``Random``: hypothesis makes a few hundred in every run, and the soak ``FUZZ_STREAMS`` of each kind.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from harness.byte_streams import ADDRESSES, cut, mutate, proxy, random_stream, tls, websocket
from harness.tls import Pair, client_context
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from chatroom.config.serving import Listen
from chatroom.config.values import Networks
from chatroom.irc.framing import CLIENT_TAGS_BYTES, LINE_BYTES, LineBuffer, Malformed
from chatroom.server.certificates import Certificates
from chatroom.server.proxy_header import LONGEST, ProxyHeader, read_header
from chatroom.server.tls_socket import TlsSocket
from chatroom.server.web_answers import WebPages
from chatroom.server.websocket import HANDSHAKE_BYTES, MESSAGE_BYTES, WebSocketStream

PROXIES = Networks().read(["127.0.0.1", "192.0.2.0/24"])
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
SOAK_STREAMS = int(os.environ.get("FUZZ_STREAMS", "100000"))
SOAK_SEED = int(os.environ.get("FUZZ_SEED", "1"))


def check_framing(random: Random) -> None:
    """The lines depend on the bytes alone, and what is kept of an unfinished line is bounded."""
    data = b"".join(random_stream(random) for _ in range(random.randint(1, 3)))
    buffer, lines = LineBuffer(), []
    for piece in cut(random, data):
        lines += buffer.feed(piece)
        assert len(buffer._tail) <= CLIENT_TAGS_BYTES + LINE_BYTES + 3
    assert lines == LineBuffer().feed(data)
    for line in lines:
        assert isinstance(line, Malformed) or not set(line) & set("\r\n\0")


def check_proxy_header(random: Random) -> None:
    """A header that is refused stays refused, and a whole one is not changed by what follows it."""
    data = proxy(random)
    if random.random() < 0.7:
        data = mutate(random, data)
    final = judge(data)
    for end in range(min(len(data), 300)):
        early = judge(data[:end])
        assert early is None or early == final, data[:end]
    if isinstance(final, ProxyHeader):
        assert 0 < final.size <= min(LONGEST, len(data))
        assert final.address is None or str(ipaddress.ip_address(final.address)) == final.address


def judge(data: bytes) -> ProxyHeader | str | None:
    """Return the header at the beginning of the data, None for an incomplete one, or a word for no header."""
    try:
        return read_header(data)
    except ValueError:
        return "refused"


def check_websocket(random: Random) -> None:
    """Lines, answers and the end depend on the bytes alone, and what is kept of them is bounded."""
    data = websocket(random) if random.random() < 0.7 else random_stream(random)
    if random.random() < 0.5:
        data = mutate(random, data)
    data = data or b"x"  # no read is empty
    forwarders, pages = random.choice([(), PROXIES]), random.choice([None, WebPages({}, "chat.local", False)])
    whole, parts = WebSocketStream((), forwarders, pages), WebSocketStream((), forwarders, pages)
    lines = []
    for piece in cut(random, data):
        lines += parts.feed(piece)
        assert len(parts._head) <= HANDSHAKE_BYTES
        assert len(parts._message) <= MESSAGE_BYTES
    assert lines == whole.feed(data)
    assert (parts.is_open, bool(parts.refusal)) == (whole.is_open, bool(whole.refusal))
    assert (parts.asked, parts.is_pipelined) == (whole.asked, whole.is_pipelined)
    assert bool(parts.ended) == bool(whole.ended)  # of two faults, either may be named
    if parts.refusal:
        assert not lines
        assert parts.take_outgoing().startswith(b"HTTP/1.1 ")


def check_forwarded(random: Random) -> None:
    """The client is the last in the chain that is none of our proxies: nothing before that can be believed."""
    chain = random.choices([*ADDRESSES, "192.0.2.9", "192.0.2.9"], k=random.randint(1, 6))
    at = random.randrange(len(chain))  # in several headers, as proxies may append their own
    headers = f"X-Forwarded-For: {','.join(chain[:at])}\r\nx-forwarded-for:{', '.join(chain[at:])}\r\n" if at else ""
    headers = headers or f"X-Forwarded-For: {' , '.join(chain)}\r\n"
    stream = WebSocketStream((), PROXIES)
    stream.feed(REQUEST.replace(b"\r\n\r\n", b"\r\n" + headers.encode() + b"\r\n"))
    while len(chain) > 1 and chain[-1] in ("127.0.0.1", "192.0.2.9", "::ffff:192.0.2.1"):
        chain.pop()
    expected = {"::ffff:192.0.2.1": "192.0.2.1", "fe80::1%eth0": "fe80::1"}.get(chain[-1], chain[-1])
    if expected in ("unknown", "", "1.2.3.4:5"):
        assert stream.refusal
    else:
        assert stream.forwarded is not None
        assert stream.forwarded.address == expected


@cache
def server_context() -> SSL.Context:
    """What a TLS listener has."""
    with TemporaryDirectory() as directory:
        pair = Pair(Path(directory), "localhost")
        return Certificates(Listen(tls=True, certificate=(pair.certificate,), key=(pair.key,))).context


@contextlib.contextmanager
def accepted() -> Iterator[tuple[TlsSocket, socket.socket]]:
    """The server's end of a connection before its handshake, and the peer's."""
    near, peer = socket.socketpair()
    near.setblocking(False)
    peer.setblocking(False)
    server = TlsSocket(near, server_context())
    with peer:
        yield server, peer
        server.close()


def check_tls_handshake(random: Random) -> None:
    """A handshake waits for more or fails with an ``OSError``. It is never done by rubbish."""
    data = random_stream(random) if random.random() < 0.3 else mutate(random, tls(random))
    with accepted() as (server, peer):
        for piece in cut(random, data):
            try:
                peer.sendall(piece)
                assert server.handshake() is not None
            except OSError:
                return


def check_tls_records(random: Random) -> None:
    """Behind a handshake, rubbish is an ``OSError`` or an end. The bytes before it are read."""
    with accepted() as (server, peer):
        client = client_context().wrap_socket(peer, do_handshake_on_connect=False, server_hostname="localhost")
        is_done = False
        while not is_done:
            with contextlib.suppress(ssl.SSLWantReadError):
                client.do_handshake()
                is_done = True
            server.handshake()
        client.sendall(b"NICK a\r\n")
        assert server.recv(65_536) == b"NICK a\r\n"
        raw = socket.socket(fileno=client.detach())
        with raw, contextlib.suppress(OSError):
            for piece in cut(random, random_stream(random)):
                raw.sendall(piece)
                with contextlib.suppress(BlockingIOError):
                    assert server.recv(65_536) == b""
                    return


CHECKS = [
    *(check_framing, check_proxy_header, check_websocket, check_forwarded),
    *(check_tls_handshake, check_tls_records),
]


@pytest.mark.parametrize("check", CHECKS)
def test_no_first_bytes_break_a_parser(check: Callable[[Random], None]) -> None:
    """A bounded part of the soak below."""

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.integers(0, 2**32))
    def run(seed: int) -> None:
        check(Random(seed))

    run()


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("check", CHECKS)
def test_many_first_bytes_break_no_parser(check: Callable[[Random], None]) -> None:
    """``FUZZ_STREAMS`` streams for each parser, from ``FUZZ_SEED`` on. The message of a failure names the seed."""
    for seed in range(SOAK_SEED, SOAK_SEED + SOAK_STREAMS):
        try:
            check(Random(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
