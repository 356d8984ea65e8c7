"""One entry of a place's log: an event, and what has become of it since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from chatroom.client.chat_events import Event, Reacted, Redacted, Said

Delivery = Literal["said", "under way", "perhaps", "unsaid"]
"""What is known of a message: it was said; it is on its way; it was perhaps said; it was not said."""


class _Mark(NamedTuple):
    """The last that is known of one user's reaction to a message."""

    at: datetime
    added: bool
    nick: str


@dataclass(slots=True, eq=False)
class Entry:
    """One entry. Read it; only its ``PlaceLog`` changes it."""

    serial: int
    """What the entry is known by: unique in its log, never used again, in no order."""
    event: Event
    """What happened. The text of a deleted message is gone from it."""
    at: datetime
    """When it happened, aware; the client's own clock if the server sent no time."""
    moment: datetime
    """The place in the log, which is sorted by it. As ``at``, but never before the entry in front of it."""
    delivery: Delivery = "said"
    mention: bool = False
    """True if it speaks to the user: a highlight, or a direct message."""
    redaction: Redacted | None = None
    """Who deleted the message, if it was deleted."""
    revision: int = 0
    """Goes up with each change of the entry: what was painted of an older revision is out of date."""
    _marks: dict[tuple[str, str], _Mark] | None = None  # most messages have none, and a log has many messages
    # Keyed by reaction and folded nick.

    @property
    def said(self) -> Said | None:
        """The message, if the entry is one."""
        return self.event if isinstance(self.event, Said) else None

    @property
    def id(self) -> str:
        """The msgid of the message; empty if it has none or is none."""
        return self.event.id if isinstance(self.event, Said) else ""

    @property
    def key(self) -> str:
        """What this client knows a message of its own by; empty for all others."""
        return self.event.key if isinstance(self.event, Said) else ""

    @property
    def reactions(self) -> dict[str, list[str]]:
        """Each reaction to the message, and the nicks of those who reacted so, the first one first."""
        found: dict[str, list[str]] = {}
        for (reaction, _), mark in (self._marks or {}).items():
            if mark.added:
                found.setdefault(reaction, []).append(mark.nick)
        return found

    def react(self, event: Reacted, folded: str, at: datetime) -> bool:
        """Take a reaction, or what takes it back; False if something newer is known, or the same.

        ``folded``: the nick, as the server compares nicks. A page of old messages may bring reactions again.
        """
        if self._marks is None:
            self._marks = {}
        known = self._marks.get((event.reaction, folded))
        if known is not None and (known.at > at or known.added == event.added):
            return False
        if known is None and len(self._marks) >= _MOST_MARKS:
            return False
        self._marks[event.reaction, folded] = _Mark(at, event.added, event.nick)
        self.revision += 1
        return True


_MOST_MARKS = 200
"""How many reactions to one message are kept."""
