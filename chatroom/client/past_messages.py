"""Old messages: those that the server replays at a JOIN, and those that a search has found."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chatroom.client.chat_events import Said, SearchResult
from chatroom.client.search_queries import CAPABILITY
from chatroom.irc.message import Message

_MOST_REMEMBERED = 5000
"""How many shown messages are remembered. A replay after a reconnect may show older ones a second time."""


class Past:
    """Tells old messages from live ones, by the server's clock and by batches."""

    def __init__(self) -> None:
        # When the user joined the first channel on this connection.
        self._since: datetime | None = None
        # Time, conversation, nick and text of shown messages, oldest first. Outlives a connection. A dict, as an
        # ordered set: the oldest key is dropped first.
        self._shown: dict[tuple[datetime, str, str, str], None] = {}
        # Batch reference to the messages that its search has found so far.
        self._searches: dict[str, list[Said]] = {}

    def reset(self) -> None:
        """Begin a new connection: its replay may repeat what was shown."""
        self._since = None
        self._searches.clear()

    def joined(self, at: datetime | None) -> None:
        """Take note of the moment at which the user joined a channel."""
        self._since = self._since or at

    def is_before(self, at: datetime | None, since: datetime | None = None) -> bool:
        """Tell if a moment is before ``since``, by default the first JOIN. False if one of the two is unknown."""
        since = since or self._since
        return at is not None and since is not None and at < since

    def mark_missed(self, said: Said, since: datetime | None) -> Said | None:
        """Mark a message from before ``since`` as missed; None if it was shown on an earlier connection."""
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
        """Return the list to which a message belongs if a search has found it; None for all other messages."""
        return self._searches.get((message.tags or {}).get("batch", "")) if self._searches else None

    def on_batch(self, message: Message) -> SearchResult | None:
        """Follow the begin or the end of a batch; the end of a search returns what it has found."""
        mark, kind = [*message.params, "", ""][:2]
        reference = mark[1:]
        if mark.startswith("+"):
            outer = self.results_for(message)
            if outer is not None:
                self._searches[reference] = outer  # a batch inside a search, for example a multiline message
            elif kind == CAPABILITY:
                self._searches[reference] = []
            return None
        results = self._searches.pop(reference, None)
        # An inner batch shares the list of its search: the search has not ended while the list is still in use.
        if results is None or any(other is results for other in self._searches.values()):
            return None
        return SearchResult(tuple(results))
