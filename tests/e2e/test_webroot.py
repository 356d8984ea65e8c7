"""A listener with a ``webroot``: a browser gets the files of a web client, and that page chats."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import CAP_S, Daemon, Place, stopped_well
from harness.tls import Pair, client_context
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

LARGE = os.urandom(3_000_000)


class PageDaemon(Daemon):
    """A daemon whose second listener, at ``web_port``, has a ``webroot``."""

    def __init__(self, place: Place, options: str = "", webroot: str = "site") -> None:
        site = place.config_file.parent / "site"
        site.mkdir(exist_ok=True)
        (site / "index.html").write_text("<!doctype html><title>A client</title>")
        (site / "large.js").write_bytes(LARGE)
        table = f'[[listen]]\nport = 1\n[[listen]]\nkind = "websocket"\nport = 0\nwebroot = "{webroot}"\n{options}\n'
        place.config_file.write_text(table)
        super().__init__(place)
        self.web_port = int(self.expect_log("web page at ").removesuffix("/").rpartition(":")[2])

    def get(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET", tls: ssl.SSLContext | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Ask for a file; status, body and header fields."""
        where = ("127.0.0.1", self.web_port, CAP_S)
        made = http.client.HTTPConnection(*where[:2], timeout=CAP_S)
        if tls is not None:
            made = http.client.HTTPSConnection(*where[:2], timeout=CAP_S, context=tls)
        with contextlib.closing(made):
            made.request(method, path, headers=headers or {})
            answer = made.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())


@contextlib.contextmanager
def page_running(options: str = "", **settings: float | str) -> Iterator[PageDaemon]:
    """Run a daemon with a ``webroot``."""
    with Place.make(**settings) as place:
        yield from stopped_well(PageDaemon(place, options))


@pytest.fixture(scope="module")
def daemon() -> Iterator[PageDaemon]:
    """One daemon for most tests here."""
    with page_running(limits__enabled=False) as started:
        yield started


def test_a_browser_gets_the_page_and_its_files(daemon: PageDaemon) -> None:
    """Whole, with their types; a version that it has is not sent again; the configuration is made."""
    status, body, fields = daemon.get("/")
    assert (status, body) == (200, b"<!doctype html><title>A client</title>")
    assert fields["Content-Type"] == "text/html; charset=utf-8"
    assert daemon.get("/large.js")[:2] == (200, LARGE)
    assert daemon.get("/", {"If-None-Match": fields["ETag"]})[:2] == (304, b"")
    assert daemon.get("/", method="HEAD")[1:] == (b"", {**fields, "Date": daemon.get("/", method="HEAD")[2]["Date"]})
    assert b'"url": "/"' in daemon.get("/config.json")[1]
    assert daemon.get("/nothing")[0] == 404
    assert daemon.get("/../../etc/passwd")[0] == 404
    assert daemon.get("/", method="POST")[0] == 405


def test_the_page_chats_under_the_name_that_it_came_from(daemon: PageDaemon) -> None:
    """Its origin is the request's host, so it needs no setting."""
    with socket.create_connection(("127.0.0.1", daemon.web_port), CAP_S) as sock:
        url = f"ws://chatbox.lan:{daemon.web_port}/"
        origin = Origin(url.replace("ws", "http")[:-1])
        # With a bound it would not read on to the answer to its close, and wait for that for ten seconds.
        with connect(url, sock=sock, origin=origin, proxy=None, max_queue=None) as page:
            page.send("NICK paige")
            page.send("USER paige 0 * :Paige")
            assert any(" 001 " in str(page.recv(timeout=CAP_S)) for _ in range(5))


def test_a_page_under_a_strangers_name_gets_nothing(daemon: PageDaemon) -> None:
    """A name that its owner has pointed at this server: neither files nor a connection."""
    host = f"evil.example:{daemon.web_port}"
    assert daemon.get("/", {"Host": host})[0] == 421
    with (
        socket.create_connection(("127.0.0.1", daemon.web_port), CAP_S) as sock,
        pytest.raises(InvalidStatus) as caught,
    ):
        connect(f"ws://{host}/", sock=sock, origin=Origin(f"http://{host}"), proxy=None).__enter__()
    assert caught.value.response.status_code == 403
    daemon.expect_log(f"refused 127.0.0.1: pages of http://{host} may not connect (server.websocket_origins)")


def test_who_does_not_read_is_in_nobodys_way(daemon: PageDaemon) -> None:
    """Thirty browsers ask for a large file and read nothing: others chat, and no session has begun."""
    with contextlib.ExitStack() as slow, daemon.connect("pia") as pia, daemon.connect("quinn") as quinn:
        before = daemon.status()["sessions"]
        for _ in range(30):
            sock = slow.enter_context(socket.create_connection(("127.0.0.1", daemon.web_port), CAP_S))
            sock.sendall(b"GET /large.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        for number in range(20):
            pia.send(f"PRIVMSG quinn :{number}")
            assert quinn.expect("PRIVMSG").endswith(f" :{number}")
        assert daemon.get("/")[0] == 200
        assert daemon.status()["sessions"] == before


def test_a_slow_reader_gets_everything_in_the_end(daemon: PageDaemon) -> None:
    """However small its receive buffer is."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(CAP_S)
        sock.connect(("127.0.0.1", daemon.web_port))
        sock.sendall(b"GET /large.js HTTP/1.0\r\n\r\n")
        received = b""
        while data := sock.recv(100_000):
            received += data
    assert received.endswith(LARGE)


def test_requests_are_limited_as_connections_are() -> None:
    """An address that connects too often reads 429, and no other connection can be used for ever."""
    with page_running(limits__connects_per_minute=3) as daemon:
        answers = []
        for _ in range(4):
            with socket.socket() as sock:
                sock.bind(("127.0.0.5", 0))
                sock.settimeout(CAP_S)
                sock.connect(("127.0.0.1", daemon.web_port))
                with contextlib.suppress(OSError):
                    sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answers.append(sock.recv(65_536)[:12])
        assert answers == [b"HTTP/1.1 200"] * 3 + [b"HTTP/1.1 429"]


def test_behind_a_proxy_clients_are_limited_by_their_own_addresses() -> None:
    """Each request counts for the address that the proxy names, and for no other."""
    with page_running('forwarded_from = ["127.0.0.1"]', limits__connects_per_minute=3) as daemon:
        mine = [daemon.get("/", {"X-Forwarded-For": "192.0.2.7"})[0] for _ in range(4)]
        assert mine == [200, 200, 200, 429]
        assert daemon.get("/", {"X-Forwarded-For": "192.0.2.8"})[0] == 200
        assert daemon.get("/")[0] == 400
        daemon.expect_log("refused 192.0.2.7: too many connections from your address")


def test_files_come_by_tls_too() -> None:
    """A large file, in pieces; the name that the browser has checked is the server's own."""
    with Place.make() as place:
        pair = Pair(place.root, "localhost")
        options = f'tls = true\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"'
        for daemon in stopped_well(PageDaemon(place, options)):
            daemon.expect_log("web page at https://")
            assert daemon.get("/large.js", {"Host": "chat.example.com"}, tls=client_context())[:2] == (200, LARGE)


@pytest.mark.parametrize(
    "table, why",
    [
        ('kind = "websocket"\nwebroot = "nowhere"', "nowhere: No such file or directory"),
        ('kind = "websocket"\nwebroot = "empty"', "there is no index.html"),
        ('webroot = "empty"', 'webroot is only for kind = "websocket"'),
    ],
)
def test_a_webroot_that_cannot_be_served_ends_the_start(table: str, why: str, tmp_path: Path) -> None:
    """With one line that says what is wrong."""
    (tmp_path / "empty").mkdir()
    with Place.make() as place:
        (place.config_file.parent / "empty").mkdir()
        place.config_file.write_text(f"[[listen]]\nport = 0\n{table}\n")
        done = place.run("serve")
        assert done.returncode == 1
        assert why in done.stderr and "Traceback" not in done.stderr
        assert not place.database.exists()
