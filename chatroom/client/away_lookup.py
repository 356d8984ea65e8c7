"""Asks the server which members of a channel are away. After that the server reports changes (away-notify).

A WHO for each channel, one at a time; its answers are not for the user's eyes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from chatroom.client.chat_events import Event
from chatroom.client.chat_state import State
from chatroom.client.message_reading import param
from chatroom.irc.message import Message

MOST_MEMBERS = 200
"""In channels with more members nobody is looked up: the answer would be long."""
_TOKEN = "731"  # noqa: S105 - of a WHOX, by which its answers are known


class AwayLookup:
    """Asks and reads. ``write`` sends a line."""

    def __init__(self, state: State, write: Callable[[str], None]) -> None:
        self._state = state
        self._write = write
        self._waiting: deque[str] = deque()
        self._current = ""

    def reset(self) -> None:
        """Begin a new connection."""
        self._waiting.clear()
        self._current = ""

    def joined(self, name: str) -> None:
        """Look up the members of a channel whose list the server has just sent."""
        channel = self._state.find_channel(name)
        if channel is None or "away-notify" not in self._state.caps or len(channel.members) > MOST_MEMBERS:
            return
        self._waiting.append(channel.name)
        self._pump()

    def take(self, message: Message) -> list[Event] | None:
        """Take a message of the server; None if it is no answer to this class."""
        if not self._current:
            return None
        if message.verb == "354" and param(message, 1) == _TOKEN:
            nick, flags, account = (param(message, index) for index in (2, 3, 4))
            return self._state.people.note(nick, account="" if account == "0" else account, away="G" in flags)
        if message.verb == "352" and not self._state.features.has_whox and self._is_current(param(message, 1)):
            return self._state.people.note(param(message, 5), away="G" in param(message, 6))
        is_refused = message.verb in ("263", "421", "461") and param(message, 1).upper() == "WHO"
        if is_refused or (message.verb == "315" and self._is_current(param(message, 1))):
            self._current = ""
            self._pump()
            return []
        return None

    def _is_current(self, name: str) -> bool:
        return self._state.fold(name) == self._state.fold(self._current)

    def _pump(self) -> None:
        while self._waiting and not self._current:
            name = self._waiting.popleft()
            if self._state.find_channel(name) is not None:
                self._current = name
                fields = f" %tnfa,{_TOKEN}" if self._state.features.has_whox else ""
                self._write(f"WHO {name}{fields}")
