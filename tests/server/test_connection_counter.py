from __future__ import annotations

import ipaddress
import resource
from dataclasses import replace

import pytest

from chatroom.chat.people.line_rates import limit_lines
from chatroom.chat.people.session import Session
from chatroom.config import Settings
from chatroom.config.chatting import Limits
from chatroom.config.serving import Listen, WebIrc
from chatroom.server.connection_counter import KEPT_FILES, ConnectionCounter


def session_from(number: int, text: str) -> Session:
    """A session with that id, from that address."""
    address = ipaddress.ip_address(text)
    return Session(number, text, address.version, int(address), "host", 0)


def test_an_ipv6_subscriber_has_one_share_of_connections() -> None:
    """IPv6 connections are counted by /64, because one subscriber has all of its 2^64 addresses."""
    counter, limits = ConnectionCounter(), Settings(limits=Limits(connections_per_address=2))
    first, second, third = (session_from(number, f"2001:db8::{number}") for number in (1, 2, 3))
    assert counter.admit(first, limits) is None
    assert counter.admit(second, limits) is None
    assert "too many connections" in (counter.admit(third, limits) or "")
    assert counter.admit(session_from(4, "2001:db8:0:1::1"), limits) is None
    counter.released(first)
    assert counter.admit(third, limits) is None


def test_a_session_is_counted_against_its_newest_address_only() -> None:
    """A gateway's session that is counted for the client's address no longer counts for the gateway's."""
    counter, limits = ConnectionCounter(), Settings(limits=Limits(connections_per_address=1))
    moved = session_from(1, "192.0.2.1")
    assert counter.admit(moved, limits) is None
    moved.stand_for(4, int(ipaddress.ip_address("198.51.100.1")), "198.51.100.1", "host", "gateway")
    assert counter.admit(moved, limits) is None
    assert counter.admit(session_from(2, "192.0.2.1"), limits) is None
    assert counter.admit(session_from(3, "198.51.100.1"), limits) is not None


def test_limits_that_a_reload_sets_know_the_connections_from_before() -> None:
    """Connections are counted while the limits are off, so limits that come into force later find them."""
    counter, unlimited = ConnectionCounter(), Settings(limits=Limits(enabled=False, connections_per_address=1))
    for number in range(3):
        assert counter.admit(session_from(number, "192.0.2.1"), unlimited) is None
    assert counter.admit(session_from(9, "192.0.2.1"), Settings(limits=Limits(connections_per_address=3))) is not None


def test_this_machine_is_not_limited() -> None:
    """All clients behind a proxy on this machine share its address, so the limits leave it out."""
    counter, limits = ConnectionCounter(), Settings(limits=Limits(connections_per_address=1))
    for number, text in enumerate(("127.0.0.1", "127.0.0.1", "::1", "::1")):
        assert counter.admit(session_from(number, text), limits) is None


def test_this_machine_is_limited_if_it_is_a_proxy() -> None:
    """A connection from a proxy's machine that names no client came around the proxy."""
    networks = (ipaddress.ip_network("127.0.0.0/8"),)
    limits = Limits(connections_per_address=1)
    for settings in (
        Settings(limits=limits, listen=(Listen(proxy_protocol_from=networks),)),
        Settings(limits=limits, listen=(Listen(kind="websocket", forwarded_from=networks),)),
        Settings(limits=limits, webirc=WebIrc(password="secret", gateways=networks)),
    ):
        counter = ConnectionCounter()
        assert counter.admit(session_from(1, "127.0.0.1"), settings) is None
        assert counter.admit(session_from(2, "127.0.0.1"), settings) is not None
        assert counter.admit(session_from(3, "::1"), settings) is None
        assert counter.admit(session_from(4, "::1"), settings) is None


def test_exempt_networks_are_not_limited() -> None:
    """Connections from ``limits.exempt`` are not counted; their sessions have no line rate."""
    exempt = (ipaddress.ip_network("192.0.2.0/24"),)
    counter, settings = ConnectionCounter(), Settings(limits=Limits(connections_per_address=1, exempt=exempt))
    for number in range(3):
        session = session_from(number, "192.0.2.1")
        assert counter.admit(session, settings) is None
        limit_lines(session, settings)
        assert session.budget is None
    moved = session_from(4, "192.0.2.1")
    moved.stand_for(4, int(ipaddress.ip_address("198.51.100.1")), "198.51.100.1", "host", "gateway")
    limit_lines(moved, settings)
    assert moved.budget is not None
    assert moved.budget.address


def test_a_reload_says_anew_which_addresses_are_exempt() -> None:
    """What was found out about an address under the settings from before is forgotten."""
    counter, networks = ConnectionCounter(), (ipaddress.ip_network("192.0.2.0/24"),)
    limited, exempt = (Settings(limits=Limits(connections_per_address=1, exempt=some)) for some in ((), networks))
    assert counter.admit(session_from(1, "192.0.2.1"), limited) is None
    assert counter.admit(session_from(2, "192.0.2.1"), limited) is not None
    assert counter.admit(session_from(3, "192.0.2.1"), exempt) is None
    assert counter.admit(session_from(4, "192.0.2.1"), limited) is not None


def test_open_files_bound_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave some files to the rest of the daemon; a closed connection makes room."""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (KEPT_FILES + 2, KEPT_FILES + 2))
    counter, settings = ConnectionCounter(), Settings()
    counter.open(session_from(1, "192.0.2.1"), settings, by_address=False)
    assert counter.fullness(settings) == ""
    counter.open(session_from(2, "192.0.2.1"), settings, by_address=False)
    assert counter.fullness(settings) == (
        f"2 connections are open, as many as a limit of {KEPT_FILES + 2} open files leaves room for"
    )
    counter.released(session_from(1, "192.0.2.1"))
    assert counter.fullness(settings) == ""


def test_a_setting_bounds_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """``limits.connections`` counts if it is below the limit of open files, and if the limits are on."""
    counter, limits = ConnectionCounter(), Limits(connections=2)
    for number in range(2):
        counter.open(session_from(number, "192.0.2.1"), Settings(), by_address=False)
    assert counter.fullness(Settings(limits=limits)) == "2 connections are open, as many as limits.connections allows"
    assert counter.fullness(Settings(limits=replace(limits, enabled=False))) == ""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (KEPT_FILES + 1, KEPT_FILES + 1))
    counter.look_at_files()
    assert "open files" in counter.fullness(Settings(limits=limits))
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    counter.look_at_files()
    assert counter.fullness(Settings()) == ""
    assert counter.places(Settings(limits=limits)) == (2, 2)
    assert counter.places(Settings()) == (2, None)
