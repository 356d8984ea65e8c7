"""Messages that are not of now: what was said before we came, and what a search has found."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chatroom.client.chat_events import Said, SearchResult
from chatroom.client.search_queries import CAPABILITY
from chatroom.irc.message import Message

_MOST_REMEMBERED = 5000
"""Of how many messages we know that they were shown, so that a new connection does not show them again."""


class Past:
    """Tells the past from what is said now, by the server's clock and its batches."""

    def __init__(self) -> None:
        self._since: datetime | None = None  # when we first joined a channel on this connection
        self._shown: dict[tuple[datetime, str, str, str], None] = {}  # outlives a connection
        self._searches: dict[str, list[Said]] = {}  # batch reference to what its search has found so far

    def reset(self) -> None:
        """A new connection: what is to come may be a repetition."""
        self._since = None
        self._searches.clear()

    def joined(self, at: datetime | None) -> None:
        """We joined a channel."""
        self._since = self._since or at

    def is_before(self, at: datetime | None, since: datetime | None = None) -> bool:
        """Whether a moment was before ``since``, or before we came at all."""
        since = since or self._since
        return at is not None and since is not None and at < since

    def mark_missed(self, said: Said, since: datetime | None) -> Said | None:
        """Mark what was said before ``since``; None if it was shown already, before a connection was lost."""
        if said.at is None:
            return said
        missed = self.is_before(said.at, since)
        key = said.at, said.conversation, said.nick, said.text
        if missed and key in self._shown:
            return None
        self._shown[key] = None
        if len(self._shown) > _MOST_REMEMBERED:
            del self._shown[next(iter(self._shown))]
        return replace(said, missed=True) if missed else said

    def results_for(self, message: Message) -> list[Said] | None:
        """Where to gather a message that a search has found; None if it is of now."""
        return self._searches.get((message.tags or {}).get("batch", "")) if self._searches else None

    def on_batch(self, message: Message) -> SearchResult | None:
        """A batch begins or ends; what was found where that was all of a search."""
        mark, kind = [*message.params, "", ""][:2]
        reference = mark[1:]
        if mark.startswith("+"):
            outer = self.results_for(message)
            if outer is not None:
                self._searches[reference] = outer  # what stands in a batch within it was found, too
            elif kind == CAPABILITY:
                self._searches[reference] = []
            return None
        results = self._searches.pop(reference, None)
        if results is None or any(other is results for other in self._searches.values()):
            return None
        return SearchResult(tuple(results))
