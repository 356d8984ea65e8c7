"""The target of a ban or a question: a name, an address or a network, told apart by syntax alone.

A name never contains ``.``, ``:`` or ``/`` (``chatroom.irc.names``), so a text with one of these is an address or a
network. Each network has one form: the host bits are zero, an IPv4-mapped IPv6 network is IPv4 (RFC 4291, section
2.5.5.2), and there is no zone id (RFC 4007), which has a meaning only on the machine that wrote it.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from chatroom.chat.stored.records import Network
from chatroom.errors import InvalidName, InvalidTarget
from chatroom.irc.limits import NICK_BYTES
from chatroom.irc.names import is_nick

Address = IPv4Address | IPv6Address

_MAPPED = IPv6Network("::ffff:0:0/96")


class NameTarget(NamedTuple):
    """A nick or an account name, as the user wrote it."""

    name: str


class NetworkTarget(NamedTuple):
    """A network. A single address is a network of one."""

    network: Network
    note: str
    """How the network differs from what the user wrote, as text; empty if it does not."""


def parse_target(text: str) -> NameTarget | NetworkTarget:
    """Parse a name, an address or a network. Raises ``InvalidTarget``."""
    text = text.strip()
    if any(char in text for char in ".:/") and not _is_mask(text):
        return parse_network(text)
    try:
        return parse_name(text)
    except InvalidName as error:
        raise InvalidTarget(str(error)) from None


def parse_name(text: str) -> NameTarget:
    """Parse the name of a nick or an account. Raises ``InvalidName``."""
    name = text.strip()
    if not name:
        raise InvalidName("a name, an address or a network is missing")
    if _is_mask(name):
        raise InvalidName(f"{name}: masks cannot be banned; {_WAY_OUT}")
    if not is_nick(name):
        raise InvalidName(
            f"{name}: not a name; a name has letters, digits and -_[]{{}}\\|^` only, does not begin with a digit or "
            f"hyphen, and has at most {NICK_BYTES} bytes"
        )
    return NameTarget(name)


def parse_network(text: str) -> NetworkTarget:
    """Parse an address or a network in CIDR form. Raises ``InvalidTarget``."""
    text = text.strip()
    if _is_mask(text):
        raise InvalidTarget(f"{text}: masks cannot be banned; {_WAY_OUT}")
    plain, zone = _drop_zone(text)
    try:
        network = ip_network(plain, strict=False)
    except ValueError:
        raise InvalidTarget(f"{text}: not an address or a network; {_WAY_OUT}") from None
    written, slash, _ = plain.partition("/")
    notes = []
    if zone:
        notes.append("zone id dropped")
    if slash and ip_address(written) != network.network_address:
        notes.append("host bits dropped")
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        # The lower 32 bits are the IPv4 address: an IPv6 /96 is the IPv4 /0.
        network = IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
        notes.append("IPv4-mapped")
    shown = format_network(network)
    if notes == ["IPv4-mapped"]:
        return NetworkTarget(network, f"IPv4-mapped: taken as {shown}")
    return NetworkTarget(network, f"{', '.join(notes)}: {shown}" if notes else "")


def parse_address(text: str) -> Address:
    """Parse a single address, without its zone id; an IPv4-mapped one is IPv4. Raises ``InvalidTarget``."""
    plain, _ = _drop_zone(text.strip())
    try:
        address = ip_address(plain)
    except ValueError:
        raise InvalidTarget(f"{text.strip()}: not an address; give one such as 192.0.2.7 or 2001:db8::7") from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def format_network(network: Network) -> str:
    """Return the network in its shortest form. A network of one is written as its address."""
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


_WAY_OUT = "give a name, an address (192.0.2.7) or a network (192.0.2.0/24, 2001:db8::/64)"


def _is_mask(text: str) -> bool:
    return any(char in text for char in "*?!@")


def _drop_zone(text: str) -> tuple[str, str]:
    """Split off the zone id: ``fe80::1%eth0/64`` gives ``fe80::1/64`` and ``eth0``."""
    address, slash, prefix = text.partition("/")
    if ":" not in address:
        return text, ""
    address, _, zone = address.partition("%")
    return address + slash + prefix, zone
