"""Messages that are not of now: what was said before we came, and what a search has found."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chatroom.client.chat_events import Found, Said
from chatroom.client.search_queries import CAPABILITY
from chatroom.irc.message import Message

_MOST_HEARD = 5000
"""Of how many messages we know that they were shown, so that a new connection does not show them again."""


class Past:
    """Tells the past from what is said now, by the server's clock and its batches."""

    def __init__(self) -> None:
        self._since: datetime | None = None  # when we first joined a channel on this connection
        self._heard: dict[tuple[datetime, str, str, str], None] = {}  # outlives a connection
        self._searches: dict[str, list[Said]] = {}  # batch reference to what its search has found so far

    def reset(self) -> None:
        """A new connection: what is to come may be a repetition."""
        self._since = None
        self._searches.clear()

    def came(self, at: datetime | None) -> None:
        """We joined a channel."""
        self._since = self._since or at

    def holds(self, at: datetime | None, since: datetime | None = None) -> bool:
        """Whether a moment was before ``since``, or before we came at all."""
        since = since or self._since
        return at is not None and since is not None and at < since

    def sort(self, said: Said, since: datetime | None) -> Said | None:
        """Mark what was said before ``since``; None if it was shown already, before a connection was lost."""
        if said.at is None:
            return said
        missed = self.holds(said.at, since)
        key = said.at, said.place, said.nick, said.text
        if missed and key in self._heard:
            return None
        self._heard[key] = None
        if len(self._heard) > _MOST_HEARD:
            del self._heard[next(iter(self._heard))]
        return replace(said, missed=True) if missed else said

    def findings(self, message: Message) -> list[Said] | None:
        """Where to gather a message that a search has found; None if it is of now."""
        return self._searches.get((message.tags or {}).get("batch", "")) if self._searches else None

    def batch(self, message: Message) -> Found | None:
        """A batch begins or ends; what was found where that was all of a search."""
        mark, kind = [*message.params, "", ""][:2]
        reference = mark[1:]
        if mark.startswith("+"):
            outer = self.findings(message)
            if outer is not None:
                self._searches[reference] = outer  # what stands in a batch within it was found, too
            elif kind == CAPABILITY:
                self._searches[reference] = []
            return None
        findings = self._searches.pop(reference, None)
        if findings is None or any(other is findings for other in self._searches.values()):
            return None
        return Found(tuple(findings))
