"""Records: what a store reads and writes, shared by the rules, the storage and the command line.

A time is an aware UTC datetime (``_at``) or a number of Unix milliseconds (``_ms``). None means never or not yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Literal, NamedTuple

Network = IPv4Network | IPv6Network
BanKind = Literal["name", "ip"]
ListMode = Literal["b", "e", "I"]
AccessLevel = Literal["founder", "o", "v"]
FilterKind = Literal["glob", "regex"]
FilterAction = Literal["refuse", "mute", "kick", "ban"]

MOST_CERTIFICATES = 20
"""How many client certificates an account can have."""


class Role(IntEnum):
    """The rights of an account. A higher role includes the lower ones. Stored and shown by its ``word``."""

    USER = 1
    MODERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The role as it is stored and shown: ``user``, ``moderator`` or ``admin``."""
        return self.name.lower()

    @property
    def with_article(self) -> str:
        """The role inside a sentence: ``an admin``, ``a moderator``."""
        return f"an {self.word}" if self is Role.ADMIN else f"a {self.word}"

    @classmethod
    def from_word(cls, word: str) -> Role:
        """The role called ``word``. Raises ``KeyError`` for any other word."""
        return cls[word.upper()]


WEAK = "weak password"
"""What the audit says of a password that is too weak for an admin or a moderator."""
IMPORTED = "imported password"
"""What the audit says of a password that came as a hash, so that nobody knows how strong it is."""


class Actor(NamedTuple):
    """The author of an action, for the audit and for bans."""

    name: str
    """The name of an account, the nick of a guest, or the user name in the shell."""
    origin: str
    """``cli`` for the command line, or the address of the session."""


class Account(NamedTuple):
    """A registered name. No other account ever gets its ``id``, not even after it is deleted."""

    id: int
    name: str
    role: Role
    disabled: bool
    created_at: datetime
    last_login_at: datetime | None = None
    always_on: bool = False
    """True if the account's user stays while no session is connected."""
    password_changes: int = 0
    """How often the password was replaced."""

    @property
    def entry(self) -> AccountEntry:
        """The part that the daemon keeps in memory."""
        return AccountEntry(self.id, self.name, self.role, self.disabled, self.always_on, self.password_changes)


class AccountEntry(NamedTuple):
    """The part of an account that the daemon keeps in memory."""

    id: int
    name: str
    role: Role
    disabled: bool
    always_on: bool = False
    password_changes: int = 0


class AlwaysOnUser(NamedTuple):
    """What others see of the user of an account that is always on, as it was last stored."""

    account_id: int
    username: str
    realname: str
    host: str
    away: str | None
    """The away message that the user has set itself; None if there is none."""
    modes: str
    """The user modes, as ``+iw``."""


class Credential(NamedTuple):
    """The verifier of a password. The password itself is not kept."""

    kind: str
    """``bcrypt`` or ``scram-sha-256``. An account has at most one verifier of a kind."""
    value: str
    """The verifier as text: see ``passwords`` and ``scram`` in ``chatroom.chat.admission``."""


class ClientCertificate(NamedTuple):
    """A TLS certificate by which clients log in to an account."""

    fingerprint: str
    """SHA-256, as 64 small hexadecimal digits."""
    account_id: int
    added_at: datetime
    shown_at: datetime | None = None
    """When a client last proved that it has the certificate's key; None if the fingerprint was only typed."""


class FailedLogins(NamedTuple):
    """How often logins have failed lately, of an account or from an address."""

    key: str
    """As ``chatroom.chat.admission.login_keys`` makes them."""
    failures: int
    """How many of them counted when it was stored; 0 removes them."""
    last_ms: int
    """When the last one failed, by the wall clock. It is shown to people, and nothing is judged by it."""


class StoredLockdown(NamedTuple):
    """The lockdown that was set last."""

    state: str
    """``accounts-only`` or ``on``."""
    until_ms: int | None
    """When the lockdown ends, in Unix milliseconds; None if it lasts until somebody ends it."""
    set_by: str


@dataclass(slots=True)
class AccountData:
    """Account data: read markers, metadata, what was cleared of the playback, and whether it is a bot's.

    An account's users share one object. A guest has an object of its own, which is never stored.
    """

    markers: dict[str, int] = field(default_factory=dict)
    """Read markers: for a casefolded channel or nick, the Unix milliseconds up to which the account has read."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Metadata by key."""
    cleared: dict[str, int] = field(default_factory=dict)
    """For a casefolded channel or nick: up to which message id the account has cleared its playback."""
    is_bot: bool = False
    """True if the account's user said that it is a bot (user mode B), and has not taken that back."""

    def rename_target(self, before: str, after: str) -> None:
        """Have what is known of a channel follow to its new casefolded name, which another channel had before."""
        if before != after:
            for values in (self.markers, self.cleared):
                value = values.pop(before, None)
                values.pop(after, None)
                if value is not None:
                    values[after] = value


class Ban(NamedTuple):
    """A ban, in force or not. A ban stays on record when it is lifted or expires."""

    id: int
    kind: BanKind
    target: str
    """The name as given, or the network in its shortest form (``10.1.2.3``, ``10.0.0.0/8``, ``2001:db8::/64``)."""
    reason: str
    by: str
    """The name of the ban's author (``Actor.name``)."""
    created_at: datetime
    until_at: datetime | None = None
    """When the ban expires; None means never."""
    lifted_at: datetime | None = None
    """When the ban was lifted; None if it was not."""
    lifted_by: str | None = None

    def in_force(self, now: datetime) -> bool:
        """True if the ban is in force at ``now``."""
        return self.lifted_at is None and (self.until_at is None or self.until_at > now)


class RenamedAccount(NamedTuple):
    """What the renaming of an account has changed in the database."""

    account: Account
    ban_ids: list[int]
    """The bans in force that were on the old name and are on the new one."""


class NewBan(NamedTuple):
    """A ban to add. The caller has checked the target (``chatroom.chat.admission.ban_targets``)."""

    kind: BanKind
    target: str
    reason: str
    until_at: datetime | None
    """When the ban expires; None means never."""
    created_at: datetime | None = None
    """When the ban was first made, elsewhere; None means now."""


class BanRule(NamedTuple):
    """A ban that was not lifted, in the form that the daemon keeps in memory."""

    id: int
    """The id of the ban; negative for one that the database refused so far, which acts all the same."""
    name: str | None
    """The casefolded name of a name ban; None for an address ban."""
    version: int
    """The IP version of an address ban, 4 or 6; 0 for a name ban."""
    network: int
    """The first address of the network as an integer; 0 for a name ban."""
    prefix: int
    """The prefix length of the network in bits; 0 for a name ban."""
    until_ms: int
    """When the ban expires, in Unix milliseconds; 0 means never."""
    target: str
    """As in ``Ban``."""
    reason: str
    by: str
    created_ms: int

    @property
    def is_stored(self) -> bool:
        """True if the database has the ban."""
        return self.id > 0

    @property
    def shown_id(self) -> str:
        """What a list has in the place of the id."""
        return str(self.id) if self.is_stored else "NOT STORED"

    @property
    def label(self) -> str:
        """What a text calls the ban by: ``ban 42``, or that it is not stored."""
        return f"ban {self.id}" if self.is_stored else "a ban that is NOT STORED"

    def in_force(self, wall_ms: int) -> bool:
        """True if the ban has not run out at ``wall_ms``, in Unix milliseconds."""
        return self.until_ms == 0 or self.until_ms > wall_ms


class NewFilter(NamedTuple):
    """A spam filter to add. The caller has checked it (``chatroom.chat.admission.filter_policy``)."""

    pattern: str
    kind: FilterKind
    action: FilterAction
    reason: str
    duration_s: int | None
    """How long a mute or a ban lasts; None for the other actions."""


class SpamFilter(NamedTuple):
    """A pattern that texts of users are compared with, and what happens to a user whose text it matches."""

    id: int
    pattern: str
    kind: FilterKind
    action: FilterAction
    reason: str
    duration_s: int | None
    """As in ``NewFilter``."""
    by: str
    """The name of the filter's author (``Actor.name``)."""
    created_at: datetime
    hits: int = 0
    """How many texts it has matched, as last stored."""
    hit_at: datetime | None = None
    """When it last matched one; None if it never did."""


class AuditEntry(NamedTuple):
    """One row of the audit: who did what to whom, when, and from where."""

    id: int
    at: datetime
    actor: str
    """``Actor.name``."""
    origin: str
    """``Actor.origin``."""
    action: str
    """The action as ``group.verb`` (``ban.add``, ``user.set-role``), or a single word (``kick``)."""
    target: str
    """The name or network that the action concerned."""
    detail: str
    """Text for people: a reason, an old and a new value. It never holds a secret."""


class ListEntry(NamedTuple):
    """One mask on a list of a channel: bans (``b``), exceptions (``e``) or invite exceptions (``I``)."""

    mode: ListMode
    mask: str
    set_by: str
    """The ``nick!user@host`` that set the mask."""
    set_at: datetime
    until_at: datetime | None = None
    """When the server lifts a ban; None if it has no end."""
    reason: str = ""
    is_over: bool = False
    """True for a ban that the server has lifted: it is kept in case the clock by which its end had come is wrong."""


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """The parts of a channel that survive a restart."""

    name: str
    founder_id: int | None
    """The id of the account that founded the channel; None if it was deleted, or if the channel is configured."""
    created_at: datetime
    flags: str = ""
    """The letters of the modes without a parameter, sorted."""
    key: str | None = None
    """The parameter of mode ``k``; None without the mode."""
    limit: int | None = None
    """The parameter of mode ``l``, a number of members; None without the mode."""
    forward: str | None = None
    """The parameter of mode ``f``, the channel to which a refused user is forwarded; None without the mode."""
    topic: str = ""
    topic_by: str = ""
    """The ``nick!user@host`` that set the topic; empty if none was ever set."""
    topic_at: datetime | None = None
    lists: tuple[ListEntry, ...] = ()
    """The entries of all lists, each list in the order in which it grew."""
    access: dict[int, AccessLevel] = field(default_factory=dict)
    """For an account id, the standing that the account gets when it joins. A founder becomes operator."""
    metadata: dict[str, str] = field(default_factory=dict)
    join_throttle: str | None = None
    """The parameter of mode ``j``, as ``joins:seconds``; None without the mode."""
    nick_throttle: str | None = None
    """The parameter of mode ``F``, as ``changes:seconds``; None without the mode."""
    slow_mode_s: int | None = None
    """The parameter of mode ``W``, the seconds between two messages of a user; None without the mode."""
    used_at: datetime | None = None
    """When the channel last had a member, to a day; None if that is not known."""


ChangeTable = Literal["accounts", "bans", "channels", "filters", "hooks"]


class Change(NamedTuple):
    """One row that a transaction added, changed or deleted. A running daemon then reads that row, and no other."""

    id: int
    """Changes are numbered in the order of their commits."""
    table: ChangeTable
    row_id: int
    origin: str = ""
    """Who has written it; empty if that is not known any more."""
