"""Whom a ban from the shell is to hit, whether that is wise, and which bans hold for somebody."""

from __future__ import annotations

from datetime import UTC, datetime

from chatroom.chat.admission.ban_targets import (
    NameTarget,
    NetworkTarget,
    covers_loopback,
    format_network,
    is_wide,
    parse_name,
    parse_target,
    propose_network,
)
from chatroom.chat.stored.records import Ban, Network
from chatroom.ctl.control_client import Present, who_is_present
from chatroom.ctl.invocation import Invocation
from chatroom.ctl.output import confirm
from chatroom.errors import NeedsForce, NotFound, NotRunning, Refused
from chatroom.irc.names import casefold
from chatroom.storage.sqlite.sqlite_stores import SqliteStores


def choose_targets(invocation: Invocation, text: str, as_name: bool, as_ip: bool) -> list[NameTarget | NetworkTarget]:
    """What to ban; for a name with ``--ip``, where its sessions come from."""
    if as_name:
        return [parse_name(text)]
    target = parse_target(text)
    if not as_ip or isinstance(target, NetworkTarget):
        return [target]
    folded = casefold(target.name)
    hosts = {
        one.host()
        for one in who_is_present(invocation)
        if folded in (casefold(one.nick or ""), casefold(one.account or ""))
    }
    networks = {propose_network(host) for host in hosts if host is not None}
    if not networks:
        raise NotFound(f"{target.name} is not connected, so there is no address to ban")
    return [NetworkTarget(network, "") for network in sorted(networks, key=str)]


def require_sane(invocation: Invocation, networks: list[Network], force: bool, yes: bool) -> None:
    """Refuse to lock this machine out; ask before shutting most people out."""
    for network in networks:
        if covers_loopback(network) and not force:
            raise NeedsForce(
                f"{format_network(network)} holds this machine's own address, from which everybody on it connects; "
                "say --force to ban it"
            )
    wide = [format_network(network) for network in networks if is_wide(network)]
    if wide:
        confirm(f"{', '.join(wide)} is a very wide network. Ban it?", yes)
        return
    present = _present(invocation) if networks else []
    hosts = [one.host() for one in present]
    hit = sum(1 for host in hosts if host is not None and any(host in network for network in networks))
    if hit > 1 and hit * 2 > len(present):
        shown = ", ".join(format_network(network) for network in networks)
        confirm(f"{hit} of the {len(present)} who are connected come from {shown}. Ban it?", yes)


def _present(invocation: Invocation) -> list[Present]:
    try:
        return who_is_present(invocation)
    except (NotRunning, Refused):
        return []


def find_exact(stores: SqliteStores, target: NameTarget | NetworkTarget) -> Ban | None:
    """The ban in force for exactly that name or network."""
    now = datetime.now(UTC)
    if isinstance(target, NameTarget):
        return stores.bans.find_in_force("name", target.name, now)
    return stores.bans.find_in_force("ip", format_network(target.network), now)


def find_covering(stores: SqliteStores, target: NameTarget | NetworkTarget) -> list[Ban]:
    """The bans that hold for all of the target, the most exact one first: one look-up a prefix length."""
    if isinstance(target, NameTarget):
        covering: list[NameTarget | NetworkTarget] = [target]
    else:
        network = target.network
        covering = [
            NetworkTarget(network.supernet(new_prefix=prefix), "") for prefix in range(network.prefixlen, -1, -1)
        ]
    found = (find_exact(stores, one) for one in covering)
    return [one for one in found if one is not None]
