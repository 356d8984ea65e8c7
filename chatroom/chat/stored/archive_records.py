"""The contents of a database as an archive has them: the records of each section, with their ids.

Bans, filters, channels and audit entries are the records that their stores have (``records``). What belongs to an
account is one record here, and history is kept as it is stored: conversations by their ids, and messages that refer
to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from chatroom.chat.stored.records import AuditEntry, Ban, Credential, Role, SpamFilter, StoredChannel


class ArchivedKey(NamedTuple):
    """A secret of the server (``Stores.server_key``)."""

    name: str
    value: bytes


class ArchivedCertificate(NamedTuple):
    """A ``ClientCertificate`` of the account that it stands in."""

    fingerprint: str
    added_at: datetime
    shown_at: datetime | None = None


class FormerName(NamedTuple):
    """A name that the account had before."""

    folded: str
    at: datetime
    """When the account got another name."""


class Place(NamedTuple):
    """Where an account is or was: a row of ``PresenceStore``."""

    channel: str
    """A casefolded name; empty for the server itself."""
    is_present: bool
    left_number: int | None = None
    """The message id up to which the account had read when it last left."""
    joined_ms: int | None = None


class Appearance(NamedTuple):
    """What others see of the user of an account that is always on: an ``AlwaysOnUser`` without the account."""

    username: str
    realname: str
    host: str
    away: str | None
    modes: str


@dataclass(frozen=True, slots=True)
class ArchivedAccount:
    """An account with all that goes when it is deleted."""

    id: int
    name: str
    role: Role
    disabled: bool
    created_at: datetime
    last_login_at: datetime | None = None
    always_on: bool = False
    password_changes: int = 0
    email: str | None = None
    credentials: tuple[Credential, ...] = ()
    certificates: tuple[ArchivedCertificate, ...] = ()
    former_names: tuple[FormerName, ...] = ()
    markers: dict[str, int] = field(default_factory=dict)
    """As in ``AccountData``, and so are the next two."""
    metadata: dict[str, str] = field(default_factory=dict)
    cleared: dict[str, int] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    appearance: Appearance | None = None


class ArchivedInvite(NamedTuple):
    """An ``Invite`` with what its token is known by."""

    id: int
    token_hash: str
    uses: int
    used: int
    channel: str
    by: str
    created_at: datetime
    until_at: datetime
    used_at: datetime | None = None


class ArchivedHook(NamedTuple):
    """A ``Hook`` with its secret, or the hash of its token. What waits for it is not in an archive."""

    id: int
    direction: Literal["out", "in"]
    channel: str
    name: str
    url: str
    secret: str
    token_hash: str
    events: str
    """The kinds with spaces between them."""
    prefix: str
    mention: str
    hears_hooks: bool
    paused: bool
    by: str
    created_at: datetime
    last_number: int = 0
    """The number of its newest event."""
    done: int = 0
    dropped: int = 0
    done_at: datetime | None = None
    failing_since: datetime | None = None
    failure: str = ""


class ArchivedRequest(NamedTuple):
    """A ``Request`` with the verifiers of the password that was chosen."""

    id: int
    name: str
    email: str | None
    origin: str
    created_at: datetime
    credentials: tuple[Credential, ...] = ()


class ArchivedConversation(NamedTuple):
    """A channel by its name, two accounts by their ids, or an account and the nick of a guest. See ``Conversation``."""

    id: int
    channel: str | None = None
    low_id: int | None = None
    high_id: int | None = None
    guest: str | None = None
    ended_at: datetime | None = None
    """When the channel's conversation ended; None if it has not."""


class ArchivedMessage(NamedTuple):
    """An ``Entry`` as it is stored. The names of accounts are those at that time."""

    message_id: int
    conversation_id: int
    time_ms: int
    kind: str
    """The name of a ``Kind``."""
    source: str
    account_id: int | None
    account: str
    target: str
    """Empty if it is the name of the channel that the entry belongs to."""
    text: str
    client_tags: str = ""
    flags: int = 0


class HighestIds(NamedTuple):
    """The highest ids that were ever given out, also if what had them was deleted. None of them comes again."""

    account: int = 0
    ban: int = 0
    filter: int = 0
    invite: int = 0
    request: int = 0
    hook: int = 0
    audit: int = 0
    conversation: int = 0
    message: int = 0


Section = Literal[
    "keys",
    "accounts",
    "bans",
    "filters",
    "invites",
    "requests",
    "hooks",
    "channels",
    "audit",
    "conversations",
    "messages",
]
ArchiveRecord = (
    ArchivedKey
    | ArchivedAccount
    | Ban
    | SpamFilter
    | ArchivedInvite
    | ArchivedRequest
    | ArchivedHook
    | StoredChannel
    | AuditEntry
    | ArchivedConversation
    | ArchivedMessage
)
SECTIONS: dict[Section, type[ArchiveRecord]] = {
    "keys": ArchivedKey,
    "accounts": ArchivedAccount,
    "bans": Ban,
    "filters": SpamFilter,
    "invites": ArchivedInvite,
    "requests": ArchivedRequest,
    "hooks": ArchivedHook,
    "channels": StoredChannel,
    "audit": AuditEntry,
    "conversations": ArchivedConversation,
    "messages": ArchivedMessage,
}
"""The record of each section, in the order in which they are written and read: what is referred to comes first."""
