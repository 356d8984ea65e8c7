from __future__ import annotations

import ipaddress
import resource

import pytest

from chatroom.chat.people.session import Session
from chatroom.config.chatting import Limits
from chatroom.server.connection_counter import KEPT_FILES, ConnectionCounter


def session_from(number: int, text: str) -> Session:
    """A session with that id, from that address."""
    address = ipaddress.ip_address(text)
    return Session(number, text, address.version, int(address), "host", 0)


def test_an_ipv6_subscriber_has_one_share_of_connections() -> None:
    """IPv6 connections are counted by /64, because one subscriber has all of its 2^64 addresses."""
    counter, limits = ConnectionCounter(), Limits(connections_per_address=2)
    first, second, third = (session_from(number, f"2001:db8::{number}") for number in (1, 2, 3))
    assert counter.admit(first, limits) is None
    assert counter.admit(second, limits) is None
    assert "too many connections" in (counter.admit(third, limits) or "")
    assert counter.admit(session_from(4, "2001:db8:0:1::1"), limits) is None
    counter.released(first)
    assert counter.admit(third, limits) is None


def test_a_session_is_counted_against_its_newest_address_only() -> None:
    """A gateway's session that is counted for the client's address no longer counts for the gateway's."""
    counter, limits = ConnectionCounter(), Limits(connections_per_address=1)
    moved = session_from(1, "192.0.2.1")
    assert counter.admit(moved, limits) is None
    moved.stand_for(4, int(ipaddress.ip_address("198.51.100.1")), "198.51.100.1", "host", "gateway")
    assert counter.admit(moved, limits) is None
    assert counter.admit(session_from(2, "192.0.2.1"), limits) is None
    assert counter.admit(session_from(3, "198.51.100.1"), limits) is not None


def test_limits_that_a_reload_sets_know_the_connections_from_before() -> None:
    """Connections are counted while the limits are off, so limits that come into force later find them."""
    counter, unlimited = ConnectionCounter(), Limits(enabled=False, connections_per_address=1)
    for number in range(3):
        assert counter.admit(session_from(number, "192.0.2.1"), unlimited) is None
    assert counter.admit(session_from(9, "192.0.2.1"), Limits(connections_per_address=3)) is not None


def test_this_machine_is_not_limited() -> None:
    """All clients behind a proxy on this machine share its address, so the limits leave it out."""
    counter, limits = ConnectionCounter(), Limits(connections_per_address=1)
    for number, text in enumerate(("127.0.0.1", "127.0.0.1", "::1", "::1")):
        assert counter.admit(session_from(number, text), limits) is None


def test_open_files_bound_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave some files to the rest of the daemon; a closed connection makes room."""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (KEPT_FILES + 2, KEPT_FILES + 2))
    counter = ConnectionCounter()
    counter.opened()
    assert counter.fullness() == ""
    counter.opened()
    assert counter.fullness().startswith("2 connections are open")
    counter.released(session_from(1, "192.0.2.1"))
    assert counter.fullness() == ""
