"""Whom a ban from the shell is to hit, whether that is wise, and which bans hold for somebody."""

from __future__ import annotations

from datetime import UTC, datetime

from chatroom.chat.admission.ban_policy import Reach, RiskKind, find_risks, propose_network
from chatroom.chat.admission.ban_targets import NameTarget, NetworkTarget, format_network, parse_name, parse_target
from chatroom.chat.stored.records import Ban, Network
from chatroom.ctl.control_client import who_is_present
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


def confirm_risks(invocation: Invocation, networks: list[Network], force: bool, yes: bool) -> None:
    """Confirm each risk of the ban. Raises ``NeedsForce`` if it covers this machine; else asks, unless ``yes``."""
    for risk in find_risks(networks, lambda: _count_reach(invocation, networks)):
        shown = ", ".join(map(format_network, risk.networks))
        if risk.kind is RiskKind.LOOPBACK:
            if not force:
                raise NeedsForce(
                    f"{shown} holds this machine's own address, from which everybody on it connects; "
                    "say --force to ban it"
                )
        elif risk.reach is not None:
            confirm(f"{risk.reach.hit} of the {risk.reach.present} users present come from {shown}. Ban it?", yes)
        else:
            confirm(f"{shown} is a very wide network. Ban it?", yes)


def _count_reach(invocation: Invocation, networks: list[Network]) -> Reach:
    """Count the users in the networks. Without a running daemon nobody is present."""
    try:
        present = who_is_present(invocation)
    except (NotRunning, Refused):
        return Reach(0, 0)
    nicks, hit = set(), set()
    for session in present:
        if not session.is_registered:
            continue
        nicks.add(session.nick)
        host = session.host()
        if host is not None and any(host in network for network in networks):
            hit.add(session.nick)
    return Reach(len(hit), len(nicks))


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
