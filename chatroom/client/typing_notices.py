"""Tells others that the user is typing.

Source: IRCv3 ``+typing``: at most one notification every 3 seconds for a target, and none for commands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from chatroom.client.server_features import ServerFeatures
from chatroom.irc.message import Message

PAUSE_S = 3.0
IDLE_S = 5.0
"""After how many seconds without a key the user pauses."""
LABEL = "typing"


class Names(Protocol):
    """What must be known of the server: ``chat_state.State`` does."""

    caps: set[str]
    features: ServerFeatures

    def fold(self, name: str) -> str:
        """Return the form of a name in which the server compares names."""


class TypingNotices:
    """Sends notifications. ``write`` sends a line; ``clock`` returns seconds that only go up."""

    def __init__(self, names: Names, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self.is_on = True
        """False if the user does not want others to know."""
        self._names = names
        self._write = write
        self._clock = clock
        self._target = ""
        self._state = "done"
        self._sent_at = -PAUSE_S
        self._typed_at = 0.0
        self._refused: set[str] = set()  # folded names of targets that take no notifications

    def reset(self) -> None:
        """Begin a new connection."""
        self._refused.clear()
        self._state = "done"

    def typed(self, target: str, text: str) -> None:
        """Report what stands in the prompt of a place after a key."""
        now = self._clock()
        if target != self._target:
            self._send("done", now)
            self._target, self._state, self._sent_at = target, "done", -PAUSE_S
        is_command = text.startswith("/") and not text.startswith("//")
        if not text.strip() or is_command:
            self._send("done", now)
            return
        self._typed_at = now
        if now - self._sent_at >= PAUSE_S:
            self._state = ""
            self._send("active", now)

    def renamed(self, old: str, new: str) -> None:
        """Report that a channel has another name, or a user another nick."""
        if self._target and self._names.fold(self._target) == self._names.fold(old):
            self._target = new

    def said(self) -> None:
        """Report that the text was sent: the message itself ends the typing."""
        self._state = "done"

    def tick(self) -> bool:
        """Report that time passes: who presses no key for a while pauses. False if nothing waits for that."""
        now = self._clock()
        if self._state == "active" and now - self._typed_at >= IDLE_S:
            self._send("paused", now)
        return self._state == "active"

    def take(self, message: Message) -> bool:
        """True if a message of the server only answers a notification: the user need not read it."""
        is_refusal = message.verb == "FAIL" or "400" <= message.verb <= "599"
        tags = message.tags or {}
        if "labeled-response" in self._names.caps:
            if tags.get("label") != LABEL:
                return False
        elif not is_refusal or message.params[1:2] != [self._target] or self._state == "done":
            return False
        if is_refusal:
            self._refused.add(self._names.fold(self._target))
        return True

    def _send(self, state: str, now: float) -> None:
        features, caps = self._names.features, self._names.caps
        is_taken = "message-tags" in caps and features.takes_tag("typing")
        if self._state == state or not self._target or not self.is_on or not is_taken:
            return
        if self._names.fold(self._target) in self._refused or (state != "active" and now - self._sent_at < PAUSE_S):
            self._state = state
            return
        self._state, self._sent_at = state, now
        tags = f"label={LABEL};+typing={state}" if "labeled-response" in caps else f"+typing={state}"
        self._write(f"@{tags} TAGMSG {self._target}")
