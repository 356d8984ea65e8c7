"""Records of invites. What all records have in common is said in ``records``."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from chatroom.chat.stored.records import Account, Credential

MOST_INVITES = 1000
"""How many invites can be open at the same time."""
MOST_USES = 1000
"""How many accounts an invite can be for."""


class NewInvite(NamedTuple):
    """An invite to make."""

    uses: int
    """How many accounts can be registered with it."""
    duration_s: int
    """For how long it is open."""
    channel: str = ""
    """The channel that lets in who registers with it; empty if there is none."""


class Invite(NamedTuple):
    """A token with which its holder registers an account. The token itself is not kept."""

    id: int
    """The log and the audit name the invite by this number."""
    uses: int
    """As in ``NewInvite``."""
    used: int
    """How many accounts were registered with it."""
    channel: str
    """As in ``NewInvite``."""
    by: str
    """The name of its author (``Actor.name``)."""
    created_at: datetime
    until_at: datetime
    used_at: datetime | None = None
    """When an account was last registered with it; None if none was."""

    def find_fault(self, now: datetime) -> str:
        """Return why it opens nothing at ``now``, for its holder; empty if it is open."""
        if self.used >= self.uses:
            return "This invite is used up"
        return "" if now < self.until_at else f"This invite ended at {self.until_at:%Y-%m-%d %H:%M} UTC"


class IssuedInvite(NamedTuple):
    """A new invite, and its token, which is shown once."""

    invite: Invite
    token: str


class NewAccount(NamedTuple):
    """An account to make."""

    name: str
    credentials: list[Credential]
    email: str | None = None


class InvitedAccount(NamedTuple):
    """An account that was made with an invite."""

    account: Account
    invite: Invite
