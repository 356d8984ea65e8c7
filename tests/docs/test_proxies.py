"""docs/proxies.md: each program runs with the configuration of the page, before a daemon with that of the page."""

from __future__ import annotations

import random
import socket
import subprocess
from collections.abc import Iterator

import pytest
from harness.daemon import CAP_S, Daemon, Place, stopped_well, until
from harness.doc_pages import CHECKOUT, read_blocks
from harness.proxied_client import ProxiedClient
from harness.tls import Pair, client_context
from harness.web import TEXT
from websockets.sync.client import connect
from websockets.typing import Subprotocol

BLOCKS = {block.language: block.text for block in read_blocks(CHECKOUT / "docs" / "proxies.md")}
CLIENT = "127.66.7.8"
"""Where the clients connect from, which the daemon must see."""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """A daemon with the configuration of the page, on ports that are free."""
    with Place.make() as place:
        place.environment["CHATROOM_CONFIG"] = str(place.root / "chatroom.toml")
        text = BLOCKS["toml"].replace("port = 6668", "port = 0").replace("port = 8097", "port = 0")
        (place.root / "chatroom.toml").write_text(text)
        Pair(place.root, "chat.example.org")
        yield from stopped_well(Daemon(place))


class Proxy:
    """One of the programs, at an address of this machine that no other test has."""

    def __init__(self, daemon: Daemon, text: str) -> None:
        ports = [line.partition(" (")[0].rpartition(":")[2] for line in daemon.log_lines("listening on ")]
        self.root = daemon.place.root
        self.address = f"127.{random.randint(100, 250)}.{random.randint(1, 250)}.{random.randint(2, 250)}"
        for written, here in {
            "127.0.0.1:6668": f"127.0.0.1:{ports[1]}",
            "127.0.0.1:8097": f"127.0.0.1:{ports[2]}",
            "listen 443": f"listen {self.address}:8443",
            "bind :443": f"bind {self.address}:8443",
            "bind :": f"bind {self.address}:",
            "accept = 0.0.0.0:": f"accept = {self.address}:",
            "/etc/letsencrypt/live/chat.example.org/fullchain.pem": str(self.root / "server.crt"),
            "/etc/letsencrypt/live/chat.example.org/privkey.pem": str(self.root / "server.key"),
            "/etc/haproxy/chat.pem": str(self.root / "chat.pem"),
            "/etc/stunnel/fullchain.pem": str(self.root / "server.crt"),
            "/etc/stunnel/privkey.pem": str(self.root / "server.key"),
        }.items():
            text = text.replace(written, here)
        both = [(self.root / f"server.{end}").read_text() for end in ("crt", "key")]
        (self.root / "chat.pem").write_text("".join(both))
        self.file = self.root / "proxy.conf"
        self.file.write_text(text)

    def run(self, *call: str) -> Iterator[Proxy]:
        """Run the program until the test is over. It gets SIGTERM: nginx then ends its workers too."""
        with (self.root / "proxy.log").open("w") as log:
            process = subprocess.Popen(call, cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._process = process
            yield self
        finally:
            process.terminate()
            process.wait(CAP_S)

    def open(self, port: int) -> socket.socket:
        """Connect over TLS from the client's address, as soon as the program accepts."""

        def try_it() -> socket.socket | None:
            assert self._process.poll() is None, (self.root / "proxy.log").read_text()
            raw = socket.socket()
            raw.bind((CLIENT, 0))
            raw.settimeout(CAP_S)
            try:
                raw.connect((self.address, port))
            except ConnectionRefusedError:
                raw.close()
                return None
            return raw

        raw = until(try_it, "the proxy accepts")
        assert raw is not None
        return client_context().wrap_socket(raw, server_hostname="chat.example.org")


def seen_of(daemon: Daemon, nick: str) -> str:
    """Return the address that the operator sees of a user."""
    return next(str(one["address"]) for one in daemon.place.ctl_json("who") if one["nick"] == nick)


def check_irc(daemon: Daemon, proxy: Proxy, nick: str, *, is_known_as_tls: bool) -> None:
    """Come in by IRC: the daemon must see the client's address, and perhaps that the connection is encrypted."""
    with ProxiedClient(proxy.open(6697)) as client:
        client.register(nick)
        assert seen_of(daemon, nick) == CLIENT
        assert any(" 671 " in line for line in client.ask(f"WHOIS {nick}")) is is_known_as_tls


def check_web(daemon: Daemon, proxy: Proxy, nick: str) -> None:
    """Come in by WebSocket: the same."""
    opening = connect(
        f"ws://{proxy.address}:8443/",
        sock=proxy.open(8443),  # which has done TLS
        subprotocols=[Subprotocol(TEXT)],
        open_timeout=CAP_S,
        proxy=None,
    )
    with opening as web:
        web.send(f"NICK {nick}")
        web.send(f"USER {nick} 0 * :{nick}")
        while " 366 " not in str(web.recv(timeout=CAP_S)):
            pass
        assert seen_of(daemon, nick) == CLIENT
        web.send(f"WHOIS {nick}")
        said: list[str] = []
        while not said or " 318 " not in said[-1]:
            said.append(str(web.recv(timeout=CAP_S)))
        assert [line for line in said if " 671 " in line]


@pytest.mark.debian("nginx")
def test_nginx(daemon: Daemon) -> None:
    """nginx passes WebSocket on."""
    own = daemon.place.root
    head = f"daemon off;\npid {own}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n"
    paths = "".join(
        f"{name}_temp_path {own}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    proxy = Proxy(daemon, f"{head}{paths}{BLOCKS['nginx']}}}\n")
    for running in proxy.run("/usr/sbin/nginx", "-c", str(proxy.file), "-e", "stderr"):
        check_web(daemon, running, "ned")


@pytest.mark.debian("haproxy")
def test_haproxy(daemon: Daemon) -> None:
    """HAProxy passes both on."""
    proxy = Proxy(daemon, BLOCKS["haproxy"])
    for running in proxy.run("/usr/sbin/haproxy", "-f", str(proxy.file), "-db"):
        check_irc(daemon, running, "hal", is_known_as_tls=True)
        check_web(daemon, running, "hana")


@pytest.mark.debian("stunnel")
def test_stunnel(daemon: Daemon) -> None:
    """stunnel passes IRC on, and cannot say that it was encrypted."""
    proxy = Proxy(daemon, BLOCKS["stunnel"])
    for running in proxy.run("/usr/bin/stunnel", str(proxy.file)):
        check_irc(daemon, running, "stu", is_known_as_tls=False)
