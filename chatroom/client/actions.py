"""What a typed line asks the session to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chatroom.client.chat_events import SaidKind
from chatroom.client.chat_state import State


@dataclass(frozen=True, slots=True)
class Line:
    """Send this to the server."""

    line: str


@dataclass(frozen=True, slots=True)
class Say:
    """Say this to a channel or a person."""

    target: str
    text: str
    kind: SaidKind = "message"


@dataclass(frozen=True, slots=True)
class Join:
    """Join a channel and turn to it."""

    channel: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is typed from here on goes to this channel or person."""

    target: str


@dataclass(frozen=True, slots=True)
class Print:
    """Tell the person something, locally."""

    text: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Register:
    """Ask for a new password and register the nick with it."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave the chat."""

    reason: str = ""


Action = Line | Say | Join | Turn | Print | Register | Quit


class Context(NamedTuple):
    """Where the person is while typing."""

    state: State
    target: str | None
