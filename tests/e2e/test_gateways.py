"""WebIRC gateways and the daemon as a process: bans and limits are for the address that a gateway names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from harness.daemon import CAP_S, Client, until
from harness.web import BINARY, WebDaemon, web_running

GATEWAY = "127.0.0.9"
SECRET = "hunter2"
TRUSTED = f'[webirc]\npassword = "{SECRET}"\ngateways = ["{GATEWAY}"]'


@pytest.fixture
def daemon() -> Iterator[WebDaemon]:
    """A daemon that trusts a gateway and allows two connections from one address."""
    with web_running(TRUSTED, limits__connections_per_address=2) as started:
        yield started


def through(daemon: WebDaemon, address: str) -> Client:
    """Connect through the gateway, for a client address."""
    client = daemon.open(from_address=GATEWAY)
    client.send(f"WEBIRC {SECRET} example {address} {address} :secure")
    return client


def test_a_ban_is_for_the_clients_address_and_not_the_gateways(daemon: WebDaemon) -> None:
    """A ban of the client's address ends its session and refuses it later; a ban of the gateway's does neither."""
    with through(daemon, "198.51.100.3") as wanda, through(daemon, "2001:db8::4") as vera:
        wanda.register("wanda")
        vera.register("vera")
        sessions = daemon.place.ctl_json("who")
        assert {one["nick"]: one["address"] for one in sessions} == {"wanda": "198.51.100.3", "vera": "2001:db8::4"}
        daemon.place.ctl("ban", "add", GATEWAY, "--reason", "proxy")
        daemon.place.ctl("ban", "add", "198.51.100.3", "--reason", "spam")
        assert "banned: spam" in wanda.expect_closed()[-1]
        vera.ask("MODE #lobby")
    with through(daemon, "198.51.100.3") as again:
        assert "banned: spam" in again.expect_closed()[-1]
    with through(daemon, "198.51.100.4") as other:
        other.register("other")
    with daemon.open(from_address=GATEWAY) as plain:
        plain.send("NICK eve", "USER eve 0 * :eve")
        assert "banned: proxy" in plain.expect_closed()[-1]


def test_connections_are_counted_by_the_clients_address(daemon: WebDaemon) -> None:
    """The gateway may have any number of connections. Those of one client address are limited, until one ends."""
    others = [through(daemon, f"198.51.100.{number}") for number in range(10, 15)]
    with through(daemon, "198.51.100.3") as first, through(daemon, "198.51.100.3") as second:
        first.register("first")
        second.register("second")
        with through(daemon, "198.51.100.3") as third:
            assert "too many connections from your address" in third.expect_closed()[-1]
        first.send("QUIT")
        first.expect_closed()

        def may_come() -> bool:
            with through(daemon, "198.51.100.3") as next_one:
                next_one.send("NICK next", "USER next 0 * :n")
                return "001" in (next_one.read_line() or "")

        until(may_come, "the place of the first is free")
    for number, other in enumerate(others):
        with closing(other.sock):
            other.register(f"other{number}")


def test_a_gateway_may_speak_websocket(daemon: WebDaemon) -> None:
    """WEBIRC is then the first message."""
    with daemon.open_web(BINARY, from_address=GATEWAY) as wanda:
        wanda.send(f"WEBIRC {SECRET} example 198.51.100.3 198.51.100.3")
        wanda.register("wanda")
        assert [one["address"] for one in daemon.place.ctl_json("who")] == ["198.51.100.3"]


def test_only_the_gateway_with_its_password_is_trusted(daemon: WebDaemon) -> None:
    """Another address with the password, and the gateway without it, get ERROR and are closed."""
    with daemon.open(from_address="127.0.0.8") as stranger:
        stranger.send(f"WEBIRC {SECRET} example 198.51.100.3 198.51.100.3")
        assert "WEBIRC is not allowed from your address" in stranger.expect("ERROR")
        assert stranger.expect_closed() == []
    with daemon.open(from_address=GATEWAY) as gateway:
        gateway.send("WEBIRC guess example 198.51.100.3 198.51.100.3")
        assert "Invalid WebIRC password" in gateway.expect("ERROR")
        assert gateway.expect_closed() == []


def test_the_gateways_password_is_shown_nowhere(daemon: WebDaemon) -> None:
    """Neither the shown settings nor the log have it."""
    with through(daemon, "198.51.100.3") as wanda:
        wanda.register("wanda")
    assert SECRET not in daemon.place.ctl("config", "show")
    assert SECRET not in daemon.place.ctl("config", "show", "--json")
    assert not daemon.log_lines(SECRET)


def test_a_reload_changes_the_trusted_gateways(daemon: WebDaemon) -> None:
    """The new gateways are trusted from the next connection on."""
    file = daemon.place.config_file
    file.write_text(file.read_text().replace(SECRET, "another"))
    daemon.place.ctl("reload")
    with daemon.open(from_address=GATEWAY) as gateway:
        gateway.sock.settimeout(CAP_S)
        gateway.send(f"WEBIRC {SECRET} example 198.51.100.3 198.51.100.3")
        assert "Invalid WebIRC password" in gateway.expect("ERROR")
    with daemon.open(from_address=GATEWAY) as gateway:
        gateway.send("WEBIRC another example 198.51.100.3 198.51.100.3")
        gateway.register("wanda")
