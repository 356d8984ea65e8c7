"""Away by idleness: who has pressed no key for a while is away until the next one.

An away that the user has set stays as it is: neither replaced nor ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from chatroom.irc.message import Message

TEXT = "away from the keyboard"
_ANSWERS = ("305", "306")


class State(Protocol):
    """What must be known of the user: ``chat_state.State`` does."""

    away: bool


class IdleAway:
    """For one server. ``write`` sends a line."""

    def __init__(self, state: State, write: Callable[[str], None]) -> None:
        self._state = state
        self._write = write
        self._is_away = False  # because of idleness
        self._unanswered = 0

    def reset(self) -> None:
        """Begin a new connection, on which nobody is away yet."""
        self._is_away = False
        self._unanswered = 0

    def look(self, idle_s: float, after_s: float) -> None:
        """Report for how many seconds the user has pressed no key. ``after_s``: when that is away; 0 for never."""
        if not self._is_away:
            if after_s and idle_s >= after_s and not self._state.away:
                self._is_away = True
                self._send(f"AWAY :{TEXT}")
        elif not after_s or idle_s < after_s:
            self._is_away = False
            self._send("AWAY")

    def take(self, message: Message) -> bool:
        """True if a message of the server only answers this class: the user need not read it."""
        if not self._unanswered or message.verb not in _ANSWERS:
            return False
        self._unanswered -= 1
        return True

    def _send(self, line: str) -> None:
        self._unanswered += 1
        self._write(line)
