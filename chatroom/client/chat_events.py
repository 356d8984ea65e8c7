"""What happened, as the screen hears of it. Names and texts in here are already safe to print.

``at`` is when, as an aware datetime where the server gave the time, else ``None`` (which means: just now).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

SaidKind = Literal["message", "notice", "action"]


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody said something. ``place`` is the channel, or for direct messages the other person."""

    conversation: str
    nick: str
    text: str
    kind: SaidKind = "message"
    mine: bool = False
    at: datetime | None = None
    missed: bool = False
    """Said before we came, and shown to us now."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, oldest first."""

    messages: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Somebody, or we, came into a channel."""

    nick: str
    channel: str
    mine: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody left: one channel (PART), or the server, and with it all the ``channels`` we shared (QUIT)."""

    nick: str
    channels: tuple[str, ...]
    reason: str = ""
    mine: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kicked:
    """Somebody, or we, were put out of one channel."""

    nick: str
    channel: str
    by: str
    reason: str = ""
    mine: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Renamed:
    """Somebody, or we, took another nick."""

    old: str
    new: str
    mine: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TopicChanged:
    """A channel's topic was set, or cleared where it is empty."""

    channel: str
    topic: str
    by: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """A mode of a channel, or of ourselves, was changed."""

    target: str
    by: str
    modes: str
    params: tuple[str, ...]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """Who is in a channel, with their prefixes (``@`` operator, ``+`` voice), sorted."""

    channel: str
    names: tuple[str, ...]
    asked: bool
    """Whether somebody asked with ``/names``, rather than the server telling on joining."""


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody invited us (or ``nick``, where we are told of it) into a channel."""

    nick: str
    channel: str
    by: str
    mine: bool
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """Something to read: an answer, a notice of the server, help. ``place`` is the channel it is about, if any."""

    text: str
    conversation: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """Something we wanted was refused, in words for people."""

    text: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """The connection was lost, is being made again, or is back."""

    text: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """Registration is complete: we are ``nick``. ``again`` after a lost connection."""

    nick: str
    again: bool = False


Event = (
    Said
    | SearchResult
    | Joined
    | Left
    | Kicked
    | Renamed
    | TopicChanged
    | ModeChanged
    | Members
    | Invited
    | Info
    | Denied
    | Trouble
    | Welcome
)
