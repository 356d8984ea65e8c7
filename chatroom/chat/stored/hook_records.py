"""Records of hooks. What all records have in common is said in ``records``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

HookEventKind = Literal["message", "notice", "join", "leave", "topic"]
"""What an outgoing hook may have sent. A ``message`` may be an action (``/me``)."""
HOOK_EVENT_KINDS: tuple[HookEventKind, ...] = get_args(HookEventKind)
MOST_HOOKS = 100
"""How many hooks there can be. Each has its share of one thread."""
CHANNEL_DELETED = "its channel was deleted"
"""Why a hook is paused that nobody has paused."""
MOST_WAITING = 1000
"""How many events may wait for one hook. A new one takes the place of the oldest."""


class NewHook(NamedTuple):
    """A hook to make. With a URL it is an outgoing one."""

    channel: str
    name: str = ""
    """The nick of an incoming hook, before its slash; a note about an outgoing one."""
    url: str = ""
    events: tuple[HookEventKind, ...] = ()
    """What an outgoing hook sends."""
    prefix: str = ""
    """With what a message or notice must begin to be sent, in any case; empty for all."""
    mention: str = ""
    """A name that it must have as a word, in any case; empty for all."""
    hears_hooks: bool = False
    """True if what incoming hooks say is sent too."""

    @property
    def is_outgoing(self) -> bool:
        """True if it sends; False if it says."""
        return bool(self.url)


class Hook(NamedTuple):
    """A hook, without its secret or token. The first fields are those of ``NewHook``."""

    id: int
    channel: str
    name: str
    url: str
    events: tuple[HookEventKind, ...]
    prefix: str
    mention: str
    hears_hooks: bool
    paused: bool
    by: str
    """The name of its author (``Actor.name``)."""
    created_at: datetime
    waiting: int = 0
    """How many events wait to be delivered."""
    done: int = 0
    """How many were delivered, or how many messages were said."""
    dropped: int = 0
    """How many events were given up: too many waited, or the receiver refused them again and again."""
    done_at: datetime | None = None
    failing_since: datetime | None = None
    """When the first of the failures was that have had no success since; None if the last delivery succeeded."""
    failure: str = ""
    """Why the last delivery failed, or ``CHANNEL_DELETED`` with no ``failing_since``; empty if neither is so."""

    @property
    def is_outgoing(self) -> bool:
        """True if it sends; False if it says."""
        return bool(self.url)


class IssuedHook(NamedTuple):
    """A new hook, with what is shown once: the secret of an outgoing hook, the token of an incoming one."""

    hook: Hook
    secret: str


class IncomingHook(NamedTuple):
    """What the daemon keeps in memory of an incoming hook."""

    id: int
    channel: str
    name: str
    token_hash: str
    paused: bool


class HookEventRow(NamedTuple):
    """An event for a hook, as a tick writes it."""

    hook_id: int
    message_id: int
    time_ms: int
    kind: str
    """A ``HookEventKind``, or ``action``."""
    nick: str
    account: str
    """Empty for a guest, a relayed message or the server."""
    text: str
    """The lines of a multiline message have line feeds between them. The reason of who leaves; the new topic."""


class WaitingEvent(NamedTuple):
    """An event that is the next to be delivered, and what its delivery needs of its hook."""

    hook_id: int
    number: int
    """It goes up by one with each event of the hook."""
    message_id: int
    time_ms: int
    kind: str
    nick: str
    account: str
    text: str
    refusals: int
    """How often the receiver has said that it does not take this event."""
    channel: str
    url: str
    secret: str


def name_hooks(ids: Sequence[int]) -> str:
    """Name hooks in a sentence: ``hook 2``, ``hooks 2, 3 and 5``."""
    *most, last = map(str, ids)
    return f"hooks {', '.join(most)} and {last}" if most else f"hook {last}"
