"""A full server keeps its last places for those who log in, whatever way they come."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from harness.daemon import CAP_S, PASSWORD, Client, Place, stopped_well, until
from harness.tls import Pair, TlsClient
from harness.web import WebClient, WebDaemon

WAYS = ("plain", "tls", "websocket")
PLACES = 6
"""Connections of the server: three for all, two more for accounts, one more for operators."""

WITHOUT_RESERVE = {"limits__reserved_for_accounts": 0, "limits__reserved_for_operators": 0}


class CrowdedDaemon(WebDaemon):
    """A daemon with few places, on a plain, a WebSocket and a TLS port."""

    def __init__(self, place: Place, pair: Pair) -> None:
        table = f'[[listen]]\nport = 0\ntls = true\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"'
        super().__init__(place, table)
        self.tls_port = next(
            int(line.split()[2].rpartition(":")[2]) for line in self.log_lines("listening on ") if "(TLS)" in line
        )

    def open_by(self, way: str) -> Client | WebClient:
        """Connect by ``plain``, ``tls`` or ``websocket``."""
        if way == "tls":
            return TlsClient(self.tls_port)
        return self.open_web() if way == "websocket" else self.open()


def is_closed(sock: socket.socket) -> bool:
    """Read what has come, and return True if the peer has closed the connection."""
    sock.setblocking(False)
    with suppress(BlockingIOError):
        while sock.recv(4096):
            pass
        return True
    return False


def test_the_last_places(tmp_path: Path) -> None:
    """Guests come first, then accounts, then an operator, then nobody. Those who are refused read what would help."""
    limits = {"limits__connections": PLACES, "limits__reserved_for_accounts": 2, "limits__reserved_for_operators": 1}
    with ExitStack() as stack:
        place = stack.enter_context(Place.make(**limits))
        place.create("una")
        place.create("mo", "moderator")
        daemon = CrowdedDaemon(place, Pair(tmp_path, "localhost"))
        stack.enter_context(contextmanager(stopped_well)(daemon))

        def come(way: str, nick: str, password: str = "") -> Client | WebClient:
            return stack.enter_context(daemon.open_by(way)).register(nick, password=password)

        def is_refused(way: str, *first: str) -> str:
            with daemon.open_by(way) as late:
                late.send(*first, "NICK late", "USER late 0 * :late")
                return late.expect("FAIL")

        guests = [come(way, f"guest-{way}") for way in WAYS]
        for way in WAYS:
            assert "log in (SASL, or PASS account:password), or try again later" in is_refused(way)
        # A connection has its place until the daemon has closed it.
        until(lambda: place.ctl_json("status")["connections"] == 3, "those refused are gone")
        for way in ("tls", "websocket"):
            come(way, f"una-{way}", f"una:{PASSWORD}")
        assert "TEMPORARILY_UNAVAILABLE" in is_refused("plain", f"PASS :una:{PASSWORD}")
        until(lambda: place.ctl_json("status")["connections"] == 5, "the one refused is gone")
        come("plain", "mo", f"mo:{PASSWORD}")
        with daemon.open() as nobody:
            text = "too many connections to this server, try again later"
            assert nobody.expect_closed() == [f"ERROR :Closing Link: 127.0.0.1 ({text})"]
        with socket.create_connection(("127.0.0.1", daemon.web_port)) as sock:
            sock.settimeout(CAP_S)
            assert b"".join(iter(lambda: sock.recv(4096), b"")).startswith(b"HTTP/1.1 429 ")
        daemon.expect_log("6 connections are open, as many as limits.connections allows")
        assert place.ctl_json("status")["most_connections"] == PLACES
        for guest in guests:
            guest.send("PING still-here")
            guest.expect("PONG")


@pytest.mark.parametrize("silent", WAYS)
def test_silent_connections_keep_nobody_out(tmp_path: Path, silent: str) -> None:
    """On a full server, each new connection takes the place of the oldest that has not registered."""
    with ExitStack() as stack:
        place = stack.enter_context(Place.make(limits__connections=PLACES, **WITHOUT_RESERVE))
        daemon = CrowdedDaemon(place, Pair(tmp_path, "localhost"))
        stack.enter_context(contextmanager(stopped_well)(daemon))
        port = daemon.tls_port if silent == "tls" else daemon.web_port if silent == "websocket" else daemon.port
        socks = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(PLACES)]
        until(lambda: place.ctl_json("status")["connections"] == PLACES, "the server is full")
        people = [stack.enter_context(daemon.connect(f"person{number}")) for number in range(PLACES - 1)]
        daemon.expect_log("the server is full, and a new connection has taken its place")
        # The system may have accepted them in another order than they connected in.
        until(lambda: sum(is_closed(sock) for sock in socks) == PLACES - 1, "the places of all but one are taken")
        for person in people:
            person.send("PING still-here")
            person.expect("PONG")
