"""The kinds of value that only a server's settings have, and what addresses and origins mean in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from chatroom.settings.kinds import FilePath, Words

_MAPPED = IPv6Network("::ffff:0:0/96")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Networks:
    """A list of addresses and networks. IPv4-mapped IPv6 networks are stored as IPv4."""

    allowed: str = 'a list of addresses or networks, such as ["127.0.0.1", "2001:db8::/64"]'

    def read(self, value: object) -> tuple[Network, ...]:
        """Accept a TOML array of strings. The host bits of a network must be zero."""
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
            raise ValueError
        return tuple(_fold_mapped(ip_network(word)) for word in value)

    def read_text(self, text: str) -> tuple[Network, ...]:
        """Accept addresses and networks separated by commas or spaces, or a TOML array."""
        return self.read(Words(self.allowed, bool).read_text(text))

    def write(self, value: object) -> object:
        """Return a list of strings, with single addresses without a prefix length."""
        if not isinstance(value, tuple):
            return value
        return [str(one.network_address) if one.prefixlen == one.max_prefixlen else str(one) for one in value]


OWN_PAGE = "default"
"""The value of ``listen.webroot`` that stands for the page that comes with the server."""


@dataclass(frozen=True, slots=True)
class Webroot:
    """Nothing, our own page, or the path of a directory. The caller makes a relative path absolute."""

    allowed: str = f'"{OWN_PAGE}", the path of a directory, or nothing'

    def read(self, value: object) -> Path | str | None:
        """Accept a TOML string, and expand ``~`` in a path."""
        if value == OWN_PAGE:
            return OWN_PAGE
        return FilePath(is_optional=True).read(value.rstrip("/") or value if isinstance(value, str) else value)

    def read_text(self, text: str) -> Path | str | None:
        """Accept the text itself."""
        return self.read(text)

    def write(self, value: object) -> object:
        """Return the value as text."""
        return "" if value is None else str(value)


# ban_targets folds mapped networks too, but the settings must not import the rules.
def _fold_mapped(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def is_origin(word: str) -> bool:
    """Return True for an origin as a browser sends it (RFC 6454, section 6.2), and for ``*``, which stands for any."""
    return word in ("*", "null") or _ORIGIN.fullmatch(word) is not None


def is_loopback(host: str) -> bool:
    """True for an address or name that only this machine can reach."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def is_among(networks: tuple[Network, ...], version: int, address: int) -> bool:
    """True if one of the networks has that address, an integer of IP version 4 or 6."""
    for network in networks:
        if network.version == version and int(network.network_address) <= address <= int(network.broadcast_address):
            return True
    return False
