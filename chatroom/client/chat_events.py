"""What happened in the chat, one class for each kind of event. The front ends show these.

All names and texts are cleaned already and safe to print. Fields that several events have:

``at``: when it happened, as an aware datetime. None if the server sent no time, which means just now.
``mine``: True if it is about the client's own user.
``conversation``: the name of the channel, or the other user's nick for direct messages.
``id``: the msgid of a message; empty if the server gives none.
``key``: the client's own name for a message that it sends, until the server echoes it; empty for other messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

SaidKind = Literal["message", "notice", "action"]


@dataclass(frozen=True, slots=True)
class Said:
    """A message, a notice or an action (``/me``)."""

    conversation: str
    nick: str
    text: str
    kind: SaidKind = "message"
    mine: bool = False
    at: datetime | None = None
    missed: bool = False
    """True if it was said before the user joined, and the server replays it now."""
    id: str = ""
    reply_to: str = ""
    """The id of the message that it replies to; empty if it is no reply."""
    key: str = field(default="", compare=False)
    formatted: str = field(default="", compare=False)
    """The text with its formatting codes; empty if it has none."""

    @property
    def written(self) -> str:
        """The text as its author has written it, with its formatting codes."""
        return self.formatted or self.text


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A message of the user has left for the server. Its echo, a ``Said`` with the same key, or ``Unsaid`` follows."""

    said: Said


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A message of the user that was not said."""

    said: Said
    perhaps: bool = False
    """True if it may have been said nevertheless: the connection was lost before the server's answer."""
    refused: bool = False
    """True if the server has refused it, and says why."""
    stopped: bool = False
    """True if the user has stopped it before it left."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The messages that a search found, oldest first."""

    messages: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """A user joined a channel."""

    nick: str
    channel: str
    mine: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """A user left one channel (PART), or the server and with it all channels shared with the client (QUIT)."""

    nick: str
    channels: tuple[str, ...]
    reason: str = ""
    mine: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kicked:
    """A user was kicked from one channel."""

    nick: str
    channel: str
    by: str
    reason: str = ""
    mine: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Renamed:
    """A user changed the nick."""

    old: str
    new: str
    mine: bool = False
    at: datetime | None = None
    channels: tuple[str, ...] = ()
    """The channels that the client shares with the user."""


@dataclass(frozen=True, slots=True)
class ChannelRenamed:
    """A channel got another name. Its members stay in it."""

    old: str
    new: str
    by: str
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TopicChanged:
    """A channel's topic was set. An empty ``topic`` means that it was cleared."""

    channel: str
    topic: str
    by: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """Modes of a channel, or of the client's own user, were changed."""

    target: str
    """The name of the channel, or the client's own nick."""
    by: str
    modes: str
    params: tuple[str, ...]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Redacted:
    """A message was deleted."""

    conversation: str
    id: str
    by: str
    reason: str = ""
    mine: bool = False
    at: datetime | None = None
    whose: str = field(default="", compare=False)
    """Who had said it; empty if that is not known."""


@dataclass(frozen=True, slots=True)
class Reacted:
    """A user reacted to a message, for example with an emoji, or took that back."""

    conversation: str
    id: str
    """The message that was reacted to, by its msgid."""
    nick: str
    reaction: str
    added: bool = True
    mine: bool = False
    at: datetime | None = None
    about: str = field(default="", compare=False)
    """The text of the message; empty if that is not known."""


@dataclass(frozen=True, slots=True)
class Typing:
    """A user is typing a message, pauses, or is done with it."""

    conversation: str
    nick: str
    state: Literal["active", "paused", "done"]


@dataclass(frozen=True, slots=True)
class MarkerMoved:
    """The user has read a conversation up to a moment, on this device or on another one."""

    conversation: str
    at: datetime
    """Aware. Messages of this moment are read."""


@dataclass(frozen=True, slots=True)
class PeopleChanged:
    """What is known of a user has changed: away or back, another account, another name to display."""

    nick: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A page of old messages and events that the client has asked for, oldest first."""

    conversation: str
    events: tuple[Event, ...]
    before: str = ""
    """The id of the message that all of them come before; empty if that is not known."""
    after: str = ""
    """The id of the message that all of them come after; empty if that is not known."""
    news: bool = False
    """True if they were said while the client was not connected."""
    complete: bool = False
    """True if the server has nothing older."""


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a channel."""

    channel: str
    names: tuple[str, ...]
    """Nicks with their signs (``@`` operator, ``+`` voice), sorted, those with a sign first."""
    asked: bool
    """True if the user asked with ``/names``; False for the list that comes with a JOIN."""


@dataclass(frozen=True, slots=True)
class Invited:
    """A user was invited to a channel: the client's own, or another one if the server reports that."""

    nick: str
    channel: str
    by: str
    mine: bool
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """Text for the user: a reply, a notice from the server, help. May have several lines."""

    text: str
    conversation: str = ""
    """The channel that the text is about; empty if there is none."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """A refusal, as a sentence for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """The connection is lost, an attempt to connect has failed, or the chat has ended."""

    text: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """Registration is complete."""

    nick: str
    """The user's nick, as the server has it."""
    again: bool = False
    """True after a lost connection."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """The user wants an empty screen."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """The connection is not encrypted, and others on the network can read it."""

    address: str


Event = (
    Said
    | UnderWay
    | Unsaid
    | Redacted
    | Reacted
    | Typing
    | MarkerMoved
    | PeopleChanged
    | History
    | SearchResult
    | Joined
    | Left
    | Kicked
    | Renamed
    | ChannelRenamed
    | TopicChanged
    | ModeChanged
    | Members
    | Invited
    | Info
    | Denied
    | Trouble
    | Welcome
    | Cleared
    | Exposed
)
