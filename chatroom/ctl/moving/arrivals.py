"""What another program has, in our terms, before it is compared with the database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from chatroom.chat.stored.records import AccessLevel, Credential, ListEntry, NewBan, Role


@dataclass(slots=True)
class ArrivingAccount:
    """An account that another program had. The name is not checked yet."""

    name: str
    role: Role = Role.USER
    email: str | None = None
    credentials: tuple[Credential, ...] = ()
    password: str | None = None
    """The password itself, to be hashed. None if there are verifiers, or nothing."""
    fingerprints: tuple[str, ...] = ()
    disabled: bool = False
    created_at: datetime | None = None


@dataclass(slots=True)
class ArrivingChannel:
    """A channel that another program had. Accounts are given by their names."""

    name: str
    founder: str | None = None
    created_at: datetime | None = None
    flags: str = "nt"
    key: str | None = None
    limit: int | None = None
    forward: str | None = None
    topic: str = ""
    topic_by: str = ""
    topic_at: datetime | None = None
    lists: tuple[ListEntry, ...] = ()
    access: dict[str, AccessLevel] = field(default_factory=dict)


@dataclass(slots=True)
class Arrivals:
    """All that was found in a file."""

    accounts: list[ArrivingAccount] = field(default_factory=list)
    channels: list[ArrivingChannel] = field(default_factory=list)
    bans: list[NewBan] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """What cannot be taken over, as a sentence without its end, and how often."""
    settings: list[str] = field(default_factory=list)
    """What the operator can do to have the same settings, one line each."""

    def leave_out(self, what: str) -> None:
        """Count something that cannot be taken over."""
        self.left_out[what] += 1
