"""The targets of ``chatroomctl ban``: choose them, confirm what is risky, and find the bans that cover them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network

from chatroom.chat.admission.ban_policy import (
    Reach,
    RiskKind,
    find_risks,
    is_one_subscriber,
    is_wide,
    propose_network,
)
from chatroom.chat.admission.ban_targets import NameTarget, NetworkTarget, format_network, parse_name, parse_target
from chatroom.chat.stored.records import Ban, NewBan
from chatroom.ctl.account_checks import find_able_admins
from chatroom.ctl.ban_outcome import Present, find_hit
from chatroom.ctl.control_client import SessionInfo, list_sessions
from chatroom.ctl.invocation import Invocation
from chatroom.ctl.output import confirm
from chatroom.errors import NeedsForce, NotFound
from chatroom.irc.names import casefold
from chatroom.storage.sql.sql_stores import SqlStores


def choose_targets(invocation: Invocation, text: str, as_name: bool, as_ip: bool) -> list[NameTarget | NetworkTarget]:
    """Return what to ban. With ``--ip`` a name stands for the networks that its sessions connect from now.

    Raises ``NotFound`` if no session has that name, and ``NotRunning`` if there is no daemon to ask.
    """
    if as_name:
        return [parse_name(text)]
    target = parse_target(text)
    if not as_ip or isinstance(target, NetworkTarget):
        return [target]
    folded = casefold(target.name)
    hosts = {
        session.host()
        for session in list_sessions(invocation)
        if folded in (casefold(session.nick or ""), casefold(session.account or ""))
    }
    networks = {propose_network(host) for host in hosts if host is not None}
    if not networks:
        raise NotFound(f"{target.name} is not connected, so there is no address to ban")
    return [NetworkTarget(network, "") for network in sorted(networks, key=str)]


def confirm_risks(targets: Sequence[NameTarget | NetworkTarget], present: Present, force: bool, yes: bool) -> None:
    """Confirm each risk of the ban: ``force`` confirms a ban of this machine, a prompt or ``yes`` the other risks.

    Raises ``NeedsForce``, ``Refused`` if there is no terminal for the prompt, and ``click.Abort`` on the answer no.
    """
    networks = [target.network for target in targets if isinstance(target, NetworkTarget)]
    for risk in find_risks(networks, lambda: _count_reach(targets, present)):
        shown = ", ".join(map(format_network, risk.networks))
        if risk.kind is RiskKind.LOOPBACK:
            if not force:
                raise NeedsForce(
                    f"{shown} covers this machine's own address, which all local clients connect from; "
                    "use --force to ban it anyway"
                )
        elif risk.reach is not None:
            confirm(f"{risk.reach.hit} of the {risk.reach.present} users present come from {shown}. Ban it?", yes)
        else:
            confirm(f"{shown} is a very wide network. Ban it?", yes)


def _count_reach(targets: Sequence[NameTarget | NetworkTarget], present: Present) -> Reach:
    def nicks(sessions: Sequence[SessionInfo]) -> int:
        # The sessions of one user share its nick, so a set of nicks counts users.
        return len({session.nick for session in sessions if session.is_registered})

    return Reach(nicks(find_hit(present, targets)), nicks(present or ()))


def targets_of(new: Iterable[NewBan], present: Present) -> list[NameTarget | NetworkTarget]:
    """Return the targets of a list of bans, without single addresses if nobody is present whom they could hit."""
    return [
        NameTarget(one.target) if one.kind == "name" else NetworkTarget(ip_network(one.target), "")
        for one in new
        if present or one.kind == "name" or "/" in one.target
    ]


def confirm_list(stores: SqlStores, targets: Sequence[NameTarget | NetworkTarget], present: Present, yes: bool) -> None:
    """Ask before the bans of a list hit more than they should, as ``confirm_risks`` and ``confirm_admins`` do.

    A network of one subscriber that hits users is no surprise: lists are full of those.
    """
    networks = [target for target in targets if isinstance(target, NetworkTarget)]
    wide = [target for target in networks if is_wide(target.network)]
    if wide:
        confirm(f"The list has very wide networks: {_some(wide)} ({len(wide)} in all). Ban them?", yes)
    else:
        large = [target for target in networks if not is_one_subscriber(target.network)]
        reach = _count_reach(large, present)
        if reach.hit:
            confirm(f"{reach.hit} of the {reach.present} users present come from {_some(large)}. Ban them?", yes)
    confirm_admins(stores, names_at_stake(targets, find_hit(present, targets)), yes)


def _some(targets: Sequence[NetworkTarget]) -> str:
    """Name three networks: a list can have thousands."""
    return ", ".join(format_network(one.network) for one in targets[:3]) + (", ..." if len(targets) > 3 else "")


def confirm_admins(stores: SqlStores, names: Iterable[str], yes: bool) -> None:
    """Ask if a ban of the accounts with these names leaves no admin who can log in. Raises as ``confirm`` does."""
    admins = [account.name for account in find_able_admins(stores)]
    if admins and set(map(casefold, admins)) <= set(map(casefold, names)):
        only = f"{admins[0]} is the only admin" if len(admins) == 1 else f"{', '.join(admins)} are the only admins"
        confirm(f"{only} who can log in. Ban {admins[0] if len(admins) == 1 else 'them'}?", yes)


def names_at_stake(targets: Sequence[NameTarget | NetworkTarget], hit: Sequence[SessionInfo]) -> list[str]:
    """Return the names that are banned, and the accounts that are connected from where a ban hits them."""
    names = [target.name for target in targets if isinstance(target, NameTarget)]
    return names + [session.account for session in hit if session.account is not None]


def find_exact(stores: SqlStores, target: NameTarget | NetworkTarget) -> Ban | None:
    """Return the ban in force on exactly that name or network, if any."""
    now = datetime.now(UTC)
    if isinstance(target, NameTarget):
        return stores.bans.find_in_force("name", target.name, now)
    return stores.bans.find_in_force("ip", format_network(target.network), now)


def find_covering(stores: SqlStores, target: NameTarget | NetworkTarget) -> list[Ban]:
    """Return the bans in force that cover the whole target, the narrowest first."""
    if isinstance(target, NameTarget):
        covering: list[NameTarget | NetworkTarget] = [target]
    else:
        network = target.network
        # One look-up for each shorter prefix, at most 129, uses the index. Comparing every ban with the network would
        # read the whole table.
        covering = [
            NetworkTarget(network.supernet(new_prefix=prefix), "") for prefix in range(network.prefixlen, -1, -1)
        ]
    found = (find_exact(stores, one) for one in covering)
    return [one for one in found if one is not None]


def find_inside(stores: SqlStores, target: NameTarget | NetworkTarget) -> list[Ban]:
    """Return the bans in force on smaller networks inside the target, newest first."""
    if isinstance(target, NameTarget) or target.network.prefixlen == target.network.max_prefixlen:
        return []
    outer = target.network
    inside = []
    for one in stores.bans.list_in_force(datetime.now(UTC)):
        inner = ip_network(one.target) if one.kind == "ip" else None
        if (
            inner is not None
            and inner.prefixlen > outer.prefixlen
            and inner.version == outer.version
            and ip_network((inner.network_address, outer.prefixlen), strict=False) == outer
        ):
            inside.append(one)
    return inside
