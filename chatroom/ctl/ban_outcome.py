"""Which sessions a ban from the shell hits, and which of them the daemon has disconnected."""

from __future__ import annotations

import time
from collections.abc import Sequence
from ipaddress import ip_network

from chatroom.chat.admission.ban_policy import HitCount
from chatroom.chat.admission.ban_targets import NameTarget, NetworkTarget
from chatroom.ctl.control_client import SessionInfo, list_absent, list_sessions
from chatroom.ctl.invocation import Invocation
from chatroom.errors import NotRunning, Refused
from chatroom.irc.names import casefold

_PATIENCE_S = 3.0
"""How long to wait for the daemon, which looks for changes of the database five times a second."""
_PAUSE_S = 0.05

Present = Sequence[SessionInfo] | None
"""The sessions of the running daemon, and its users without any. None if there is no daemon, so that a ban can be
prepared while it is down."""


def list_present(invocation: Invocation) -> Present:
    """Return the sessions of the running daemon, and its users that are always on and not connected."""
    try:
        return list_sessions(invocation) + list_absent(invocation)
    except (NotRunning, Refused):
        return None


def find_hit(present: Present, targets: Sequence[NameTarget | NetworkTarget]) -> list[SessionInfo]:
    """Return the sessions that bans on these targets hit."""
    names = {casefold(target.name) for target in targets if isinstance(target, NameTarget)}
    networks = {target.network for target in targets if isinstance(target, NetworkTarget)}
    # A list of bans can have 100,000 networks, of few lengths.
    lengths = {(network.version, network.prefixlen) for network in networks}
    hit = []
    for session in present or ():
        host = session.host()
        by_network = host is not None and any(
            ip_network((host, length), strict=False) in networks
            for version, length in lengths
            if version == host.version
        )
        # A name before registration is only a wish for a nick, which the ban refuses later.
        by_name = session.is_registered and not names.isdisjoint(
            casefold(name) for name in (session.nick, session.account) if name is not None
        )
        if by_network or by_name:
            hit.append(session)
    return hit


def await_disconnected(invocation: Invocation, hit: Sequence[SessionInfo]) -> HitCount | None:
    """Wait until the daemon has disconnected these sessions, and count those that are gone.

    It gives up after a few seconds. None if the daemon has ended.
    """
    give_up_at = time.monotonic() + _PATIENCE_S
    while True:
        present = list_present(invocation) if hit else []
        if present is None:
            return None
        ids, nicks = {one.id for one in present}, {one.nick for one in present if one.is_registered}
        gone = [one for one in hit if one.id not in ids]
        if len(gone) == len(hit) or time.monotonic() > give_up_at:
            connected = [one for one in gone if not one.is_absent]
            users = {one.nick for one in connected if one.is_registered} - nicks
            absent = {one.nick for one in gone if one.is_absent} - nicks
            return HitCount(len(users), len(connected), len(absent))
        time.sleep(_PAUSE_S)
