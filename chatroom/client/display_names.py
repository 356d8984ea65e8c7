"""Asks the server for the names that users want to be shown by, and follows them.

What the server says of them unasked looks like an answer, but has no label: a change, or a batch with the welcome and
with the user's JOIN. The same with a label answers what the user has typed, and is for the user to read.

Source: IRCv3 metadata: ``SUB``, ``SYNC`` and the numeric 774, which says that there is something to ask for, and when.
"""

from __future__ import annotations

from collections.abc import Callable

from chatroom.client.chat_events import Event
from chatroom.client.chat_state import State
from chatroom.client.message_reading import param
from chatroom.client.people import DISPLAY_NAME, METADATA
from chatroom.irc.message import Message

_ASKED = {"label", "batch"}
"""Tags of an answer to what was asked with a label, or to a part of it."""
_MOST_WAITING = 100
_MOST_PAUSE_S = 3600.0


class DisplayNames:
    """Subscribes to them. ``write`` sends a line; ``clock`` returns seconds that only go up."""

    def __init__(self, state: State, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._state = state
        self._write = write
        self._clock = clock
        # Target to the moment from which on it may be asked for.
        self._later: dict[str, float] = {}
        self._batch = ""  # reference of the open batch

    def reset(self) -> None:
        """Begin a new connection."""
        self._later.clear()
        self._batch = ""

    def begin(self) -> None:
        """Ask to be told, if the server can tell."""
        if {METADATA, "batch"} <= self._state.caps:
            self._write(f"METADATA * SUB {DISPLAY_NAME}")

    def take(self, message: Message) -> list[Event] | None:
        """Take a message of the server; None if it is no answer to this class."""
        if METADATA not in self._state.caps:
            return None
        if message.verb == "774":
            self._wait(param(message, 1), param(message, 2))
            return []
        tags = message.tags or {}
        if message.verb == "BATCH":
            return self._take_batch(message)
        if self._batch and tags.get("batch") == self._batch:
            return self._follow(message)
        if (
            message.verb in ("761", "766")
            and param(message, 2).lower() == DISPLAY_NAME
            and tags.keys().isdisjoint(_ASKED)
        ):
            return self._follow(message)
        return [] if message.verb == "770" else None

    def _take_batch(self, message: Message) -> list[Event] | None:
        reference = param(message, 0)
        if reference.startswith("+") and param(message, 1) == "metadata" and _ASKED.isdisjoint(message.tags or {}):
            self._batch = reference[1:]
            return []
        if self._batch and reference == f"-{self._batch}":
            self._batch = ""
            return []
        return None

    def _follow(self, message: Message) -> list[Event]:
        """Take note of a name, or that there is none (766)."""
        if message.verb == "766":
            message = Message("METADATA", [param(message, 1), param(message, 2)])
        elif message.verb == "761":
            message = Message("METADATA", message.params[1:])
        return self._state.people.on_metadata(message) if message.verb == "METADATA" else []

    def _wait(self, target: str, pause: str) -> None:
        if target and len(self._later) < _MOST_WAITING:
            pause_s = float(pause) if pause.isascii() and pause.isdecimal() and len(pause) < 9 else 0.0
            self._later[target] = self._clock() + min(pause_s, _MOST_PAUSE_S)
            self.tick()

    def tick(self) -> bool:
        """Ask for what had to wait, when its time has come. False if nothing waits any more."""
        due = [target for target, at in self._later.items() if at <= self._clock()]
        for target in due:
            del self._later[target]
            self._write(f"METADATA {target} SYNC")
        return bool(self._later)
