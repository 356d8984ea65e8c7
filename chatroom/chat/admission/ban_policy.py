"""Ban policy: what may be banned, which bans must be confirmed, and when a ban replaces another.

UBAN in the chat and ``chatroomctl ban`` in the shell ask these rules, put the answer in their own words and act. The
rules are the same for both, with these differences:

- Rank counts in the chat only. The shell user can edit the database anyway, so the shell may ban any user.
- The chat has no prompt, so FORCE confirms every risk. In the shell ``--force`` confirms a ban of this machine, and a
  prompt or ``--yes`` confirms the other risks: a script that always says ``--yes`` does not lock itself out.
- ``ban import`` does not count the users present. It works on the database alone, with a list that is mostly made
  elsewhere. A line that covers this machine is reported like any other bad line, so that ``--skip-bad`` can skip it.
- The chat shortens a reason that is too long, because a user cannot count bytes while typing a line. The shell refuses
  it, because a script should store what it was given or fail.
- UBAN and ``ban add`` replace the ban on the same target. ``ban import`` replaces it only with a longer one, so that a
  list can be imported again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from chatroom.chat.admission.ban_targets import Address
from chatroom.chat.stored.records import Network, Role
from chatroom.errors import InvalidValue, NotPermitted
from chatroom.irc.limits import BAN_REASON_BYTES
from chatroom.irc.names import casefold

WIDE_PREFIX = {4: 16, 6: 32}
"""By IP version, the longest prefix that is not wide: an IPv4 /16 is a small provider, an IPv6 /32 a whole one."""

SUBSCRIBER_PREFIX = 64
"""The prefix length of the IPv6 network that a provider gives to one subscriber."""

_LOOPBACK = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


class HitCount(NamedTuple):
    """How many users are disconnected from all their sessions, and how many sessions in all."""

    users: int = 0
    sessions: int = 0
    absent: int = 0
    """How many users that were always on, and not connected, are no longer in the chat. ``users`` has none of them."""

    def describe(self) -> str:
        """Return the text for the issuer of the ban, such as ``2 users disconnected (3 connections)``."""
        absent = f"{self.absent} absent user{'' if self.absent == 1 else 's'} removed" if self.absent else ""
        if absent and not self.sessions:
            return absent
        return ", ".join(filter(None, (self._describe_present(), absent)))

    def _describe_present(self) -> str:
        users = f"{self.users} user{'' if self.users == 1 else 's'} disconnected"
        if self.users == self.sessions:
            return users
        return f"{users} ({self.sessions} connection{'' if self.sessions == 1 else 's'})"


class RiskKind(Enum):
    """Why a ban must be confirmed."""

    LOOPBACK = "loopback"
    """It covers 127.0.0.1 or ::1, the address of local clients and of all users behind a local proxy."""
    WIDE = "wide"
    """It covers a network wider than ``WIDE_PREFIX``."""
    PRESENT = "present"
    """It covers a network that users are connected from now, or an address that several users share."""


class Reach(NamedTuple):
    """How many users a ban hits."""

    hit: int
    present: int
    """All users present, hit or not."""


class Risk(NamedTuple):
    """One reason to confirm a ban, and the networks that give it."""

    kind: RiskKind
    networks: list[Network]
    reach: Reach | None = None
    """Only for ``RiskKind.PRESENT``."""


def find_risks(networks: Sequence[Network], count_reach: Callable[[], Reach]) -> Iterator[Risk]:
    """Yield the risks of banning all these networks together, the worst first.

    ``count_reach`` counts the users in the networks. It is called only if no network is wide: a wide network must be
    confirmed anyway, and the shell has to ask the daemon for the count.
    """
    loopback = [network for network in networks if covers_loopback(network)]
    if loopback:
        yield Risk(RiskKind.LOOPBACK, loopback)
    wide = [network for network in networks if is_wide(network)]
    if wide:
        yield Risk(RiskKind.WIDE, wide)
    elif networks:
        reach = count_reach()
        # A ban of one subscriber's address is for one user, so hitting that user is no surprise.
        expected = 1 if all(map(is_one_subscriber, networks)) else 0
        if reach.hit > expected:
            yield Risk(RiskKind.PRESENT, list(networks), reach)


def covers_loopback(network: Network) -> bool:
    """Return True if the network holds 127.0.0.1 or ::1. Other addresses in 127.0.0.0/8 are ordinary ones."""
    return any(address in network for address in _LOOPBACK)


def is_wide(network: Network) -> bool:
    """Return True if the network is wider than ``WIDE_PREFIX`` allows without confirmation."""
    return network.prefixlen < WIDE_PREFIX[network.version]


def is_one_subscriber(network: Network) -> bool:
    """Return True if the network is one IPv4 address, or within the /64 of one IPv6 subscriber."""
    return network.prefixlen >= (32 if network.version == 4 else SUBSCRIBER_PREFIX)


def propose_network(address: Address) -> Network:
    """Return the network to ban for one peer: its IPv4 address, or its IPv6 /64."""
    if isinstance(address, IPv4Address):
        return IPv4Network(address)
    return IPv6Network((address, SUBSCRIBER_PREFIX), strict=False)


def narrowness(network: Network) -> str:
    """Return a hint if a ban of the network keeps nobody out: it is one IPv6 address of a subscriber's many.

    Empty for all others.
    """
    if network.version == 4 or network.prefixlen < 128 or network.is_loopback or network.is_link_local:
        return ""
    whole = IPv6Network((network.network_address, SUBSCRIBER_PREFIX), strict=False)
    return f"this is one address of many, {whole} is the whole network of its subscriber: ban that to keep them out"


def require_rank(role: Role, name: str, other: Role | None) -> None:
    """Raise ``NotPermitted`` unless ``role`` is higher than ``other``, the role of the user or account ``name``.

    None is a guest's role, which counts as ``Role.USER``.
    """
    other = other or Role.USER
    if other >= role:
        raise NotPermitted(f"{name} is {other.with_article}, as high as you or higher")


def require_rank_over_name(role: Role, own_names: Iterable[str], name: str, roles: Iterable[Role | None]) -> None:
    """Raise ``NotPermitted`` if the issuer may not ban ``name``.

    ``own_names`` are the issuer's nick and account. ``roles`` are those of the account and of the users that the ban
    would hit.
    """
    if casefold(name) in map(casefold, own_names):
        raise NotPermitted("that is yourself")
    require_rank(role, name, max((one for one in roles if one is not None), default=None))


def require_rank_over_network(role: Role, present: Iterable[tuple[str, Role | None]]) -> None:
    """Raise ``NotPermitted`` if a user in the network has the issuer's role or a higher one.

    ``present`` are the nicks and roles of the other users there. Enforcement would spare that user now, but the ban
    would keep them out when they reconnect.
    """
    for nick, other in present:
        other = other or Role.USER
        if other >= role:
            raise NotPermitted(f"{nick} is connected from there and is {other.with_article}, as high as you or higher")


def require_may_lift(role: Role, target: str, account_role: Role | None, *, own: bool) -> None:
    """Raise ``NotPermitted`` if a moderator may not lift the ban on a name.

    ``account_role`` is the role of the account with that name, None if there is none. Admins may lift every ban, and
    moderators the one on their own account.
    """
    if role < Role.ADMIN and not own:
        require_rank(role, target, account_role)


def check_reason(reason: str) -> str:
    """Return the reason if it is one line of at most ``BAN_REASON_BYTES``. Raises ``InvalidValue``."""
    if any(char in reason for char in "\r\n\0") or len(reason.encode(errors="replace")) > BAN_REASON_BYTES:
        raise InvalidValue(f"a reason is one line of at most {BAN_REASON_BYTES} bytes")
    return reason


def outlasts(until_at: datetime | None, other_at: datetime | None) -> bool:
    """Return True if a ban until ``until_at`` ends later than one until ``other_at``. None means permanent."""
    return other_at is not None and (until_at is None or until_at > other_at)
