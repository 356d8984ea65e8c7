"""What is stored: plain frozen records, shared by the rules, the disk and the command line.

Moments end in ``_at`` and are aware UTC datetimes; ``None`` means never or not yet.
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


class Role(IntEnum):
    """What an account may do; a higher role includes the lower ones. Stored and shown by its ``word``."""

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


class Actor(NamedTuple):
    """Who did something, and from where, as audit and bans record it."""

    name: str
    """An account's name, or the shell user's."""
    origin: str
    """``cli``, or the address the session came from."""


@dataclass(frozen=True, slots=True)
class Account:
    """A registered name. ``id`` is never used again, also after a deletion."""

    id: int
    name: str
    role: Role
    disabled: bool
    created_at: datetime
    last_login_at: datetime | None = None


class AccountEntry(NamedTuple):
    """What the daemon keeps in memory of an account."""

    id: int
    name: str
    role: Role
    disabled: bool


class Credential(NamedTuple):
    """A secret's verifier: ``kind`` is ``bcrypt`` today; the plain text is never kept."""

    kind: str
    value: str


@dataclass(slots=True)
class AccountData:
    """What somebody has besides a name: a guest's own, an account's for all who are logged in to it."""

    markers: dict[str, int] = field(default_factory=dict)
    """Up to when they have read, in Unix milliseconds, by the casefolded name of a channel or a person."""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ban:
    """A ban, in force or not: rows are kept when a ban is lifted or runs out."""

    id: int
    kind: BanKind
    target: str
    """The name as given, or the network in its shortest form (``10.1.2.3``, ``10.0.0.0/8``, ``2001:db8::/64``)."""
    reason: str
    by: str
    created_at: datetime
    until_at: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether the ban holds at ``now``."""
        return self.lifted_at is None and (self.until_at is None or self.until_at > now)


class BanRule(NamedTuple):
    """What the daemon keeps in memory of a ban in force."""

    id: int
    name: str | None
    """The casefolded name, for a name ban."""
    version: int
    """4 or 6 for an address ban, else 0."""
    network: int
    """The network's first address as an integer, for an address ban."""
    prefix: int
    """The network's prefix length in bits, for an address ban."""
    until_ms: int
    """When it runs out, in Unix milliseconds; 0 means never."""
    target: str
    reason: str
    by: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom, when, and from where."""

    id: int
    at: datetime
    actor: str
    origin: str
    action: str
    """What was done, as ``group.verb``: ``ban.add``, ``user.set-role``, ``kick``."""
    target: str
    detail: str


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One mask in a channel's ban, exception or invite-exception list."""

    mode: ListMode
    mask: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """All of a channel that survives a restart."""

    name: str
    founder_id: int | None
    """The founding account's id; ``None`` for a configured channel."""
    created_at: datetime
    flags: str = ""
    """The modes without a parameter, as their letters in alphabetical order."""
    key: str | None = None
    limit: int | None = None
    forward: str | None = None
    """The channel that those who may not come in are sent to."""
    topic: str = ""
    topic_by: str = ""
    topic_at: datetime | None = None
    lists: tuple[ListEntry, ...] = ()
    access: dict[int, AccessLevel] = field(default_factory=dict)
    """Account id to the standing that the account regains when it joins."""
    metadata: dict[str, str] = field(default_factory=dict)


ChangeTable = Literal["accounts", "bans", "channels"]


class Change(NamedTuple):
    """One row that a transaction touched, so that a running daemon can look at that row and no other."""

    id: int
    table: ChangeTable
    row_id: int
