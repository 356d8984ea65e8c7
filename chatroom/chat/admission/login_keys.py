"""The keys under which failed logins are counted, and how people read and write them.

An account counts by its name, an IPv4 address by itself, an IPv6 address by its /64 and, more leniently, by its /48.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network

from chatroom.chat.admission.ban_targets import NameTarget, format_network, parse_target
from chatroom.chat.admission.flood import (
    FREE_FAILURES,
    FREE_FAILURES_OF_A_NETWORK,
    SITE_BITS,
    SUBSCRIBER_BITS,
    limit_key,
    network_key,
)
from chatroom.errors import InvalidTarget
from chatroom.irc.names import casefold

_ACCOUNT, _ADDRESS, _NETWORK = "account ", "address ", "network "


def account_key(name: str) -> str:
    """The key of an account, or of a name that no account has."""
    return _ACCOUNT + casefold(name)


def address_key(version: int, address: int) -> str:
    """The key of an address."""
    return _ADDRESS + limit_key(version, address)


def site_key(version: int, address: int) -> str:
    """The key of the IPv6 /48 of an address; empty for IPv4, whose networks have many owners.

    An IPv6 /48 has one, who would otherwise be 65,536 addresses.
    """
    return _NETWORK + network_key(6, address) if version == 6 else ""


def find_account(key: str) -> str | None:
    """The casefolded name in the key of an account; None for another key."""
    return key.removeprefix(_ACCOUNT) if key.startswith(_ACCOUNT) else None


def is_login_key(key: str) -> bool:
    """True for the keys of this module: others count in the same table."""
    return key.startswith((_ACCOUNT, _ADDRESS, _NETWORK))


def free_failures(key: str) -> int:
    """How many failed logins of the key cost nothing."""
    return FREE_FAILURES_OF_A_NETWORK if key.startswith(_NETWORK) else FREE_FAILURES


def show_key(key: str) -> str:
    """Return the account, address or network of a key, as people write it."""
    name = find_account(key)
    if name is not None:
        return name
    version, _, digits = key.split(" ", 1)[1].partition(" ")
    if version == "4":
        return str(IPv4Address(int(digits, 16)))
    digits, _, is_site = digits.partition("/")
    bits = SITE_BITS if is_site else 128 - SUBSCRIBER_BITS
    return str(IPv6Network((int(digits, 16) << bits, 128 - bits)))


def keys_of(target: str) -> list[str]:
    """Return the keys of an account or address. Of an IPv6 address that is its /64 and its /48.

    Raises ``InvalidTarget``, also for a network that is counted under no key.
    """
    parsed = parse_target(target)
    if isinstance(parsed, NameTarget):
        return [account_key(parsed.name)]
    network, first = parsed.network, int(parsed.network.network_address)
    if network.version == 4 and network.prefixlen == 32:
        return [address_key(4, first)]
    if network.version == 6 and network.prefixlen >= SUBSCRIBER_BITS:
        return [address_key(6, first), site_key(6, first)]
    if network.version == 6 and network.prefixlen == 128 - SITE_BITS:
        return [site_key(6, first)]
    raise InvalidTarget(f"{format_network(network)}: logins are counted by IPv4 address, IPv6 /64 and IPv6 /48")
