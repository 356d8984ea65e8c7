"""What a typed line asks the session to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from chatroom.client.chat_events import SaidKind
from chatroom.client.chat_state import State


@dataclass(frozen=True, slots=True)
class Line:
    """Send a line to the server as it is."""

    line: str


@dataclass(frozen=True, slots=True)
class Say:
    """Send a message to a channel or a user. The text may be longer than one line of IRC."""

    target: str
    text: str
    kind: SaidKind = "message"
    reply_to: str = ""
    """The msgid of the message that this one replies to; empty if it is no reply."""


@dataclass(frozen=True, slots=True)
class AboutMessage:
    """Answer, react to, delete or replace the last message that fits, in the place in front."""

    kind: Literal["reply", "react", "redact", "edit"]
    nick: str
    """Who said the message. Empty: anybody else, or the user, for one to delete or to replace."""
    text: str
    """The answer, the reaction, the reason or the new text."""


@dataclass(frozen=True, slots=True)
class Join:
    """Join a channel and make it the target of typed lines."""

    channel: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """Make a channel or a nick the target of typed lines."""

    target: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave a channel, or end a conversation with a user, and turn to another place if it is in front."""

    target: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Print:
    """Show a text to the user, without the server."""

    text: str
    wrong: bool = False
    """True if the text is a refusal."""


@dataclass(frozen=True, slots=True)
class Register:
    """Ask the user for a new password, and register the nick with it."""

    token: str = ""
    """The token of an invite; empty if there is none."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """Ask for the password of an account, and log in to it."""

    account: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Connect again now."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Ignore a user, or read the user again; without a name, say who is ignored."""

    nick: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Clear the screen."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Show or change the settings of the client."""

    words: str
    """A key and perhaps its new value; empty to list all settings."""
    reset: bool = False
    """True to give the key its default back."""


@dataclass(slots=True)
class Choose:
    """Ask the user what to do with somebody."""

    words: str
    """The question."""
    yes: Line
    """What to send for y."""
    room: Line | None
    """What to send for r, if that is an answer."""
    name: str = ""
    """Whom it is about."""
    typed: str = ""
    """The command that asks, as a refusal shows it."""
    again: Callable[[str, str], Choose] | None = field(default=None, compare=False, repr=False)
    """Makes the question about another nick and channel; None if that cannot be."""
    where: str = field(default="", compare=False)
    """The channel of ``room``; empty if there is none."""
    why: str = field(default="", compare=False)
    """Why it is asked again, as a sentence for the user; empty if it is not."""

    def follow(self, nick: str, where: str) -> None:
        """Go on with the nick that the user has now, and the name that the channel has."""
        if self.again is None:
            return
        other = self.again(nick, where)
        changes = [(self.name, nick), (self.where, where)]
        news = ", ".join(f"{before} is {now}" for before, now in changes if before != now)
        self.words = f"{news} now: {other.words}"
        self.yes, self.room, self.name, self.where = other.yes, other.room, nick, where

    @property
    def is_secret(self) -> bool:
        """False: the answer may be shown."""
        return False


@dataclass(frozen=True, slots=True)
class OfServers:
    """Connect to one more server, leave one, or turn to one."""

    kind: Literal["connect", "disconnect", "turn"]
    name: str
    """An address or the name of a server; empty for the one in front, or to list them."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave the chat."""

    reason: str = ""


Action = (
    Line
    | Say
    | AboutMessage
    | Join
    | Turn
    | Leave
    | OfServers
    | Print
    | Register
    | LogIn
    | Reconnect
    | Ignore
    | Clear
    | Configure
    | Choose
    | Quit
)


class Context(NamedTuple):
    """What the meaning of a typed line depends on."""

    state: State
    target: str | None
    """The channel or nick that typed lines go to; None if there is none."""
    can_ask: bool = True
    """False in a pipe, where nobody answers a question."""
