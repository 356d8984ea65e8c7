from __future__ import annotations

import re
from ipaddress import ip_address

from chatroom.chat.admission.cloak import Cloak


def host(cloak: Cloak, address: str) -> str:
    """The host shown for an address."""
    parsed = ip_address(address)
    return cloak.host(parsed.version, int(parsed))


def test_an_address_has_one_host_and_others_have_others() -> None:
    """The host of an address is always the same, also after a restart with the same key, and is a valid host name."""
    cloak = Cloak(b"one")
    assert host(cloak, "192.0.2.1") == host(cloak, "192.0.2.1") == host(Cloak(b"one"), "192.0.2.1")
    hosts = {host(cloak, f"192.0.2.{last}") for last in range(256)}
    assert len(hosts) == 256
    assert all(re.fullmatch(r"[a-z2-7]{16}\.masked", each) for each in hosts)


def test_another_key_tells_nothing() -> None:
    """Another key gives other hosts, so they cannot be computed without the key."""
    assert host(Cloak(b"one"), "192.0.2.1") != host(Cloak(b"two"), "192.0.2.1")


def test_an_ipv6_subscriber_has_one_host() -> None:
    """All addresses of a /64 have the same host. An IPv4 address never has the host of an IPv6 address."""
    cloak = Cloak(b"one")
    assert host(cloak, "2001:db8::1") == host(cloak, "2001:db8::ffff:1") != host(cloak, "2001:db8:0:1::1")
    assert cloak.host(4, 1) != cloak.host(6, 1 << 64)
