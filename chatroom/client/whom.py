"""Follows the user that a menu or question is about, because somebody else may take the nick meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from chatroom.client.chat_events import ChannelRenamed, Event, Joined, Kicked, Left, Renamed, Welcome
from chatroom.client.chat_state import State


class Whom:
    """Follows a user by the events that the client sees. Who shares no channel with it cannot be followed."""

    def __init__(self, state: State, nick: str) -> None:
        self.nick = nick
        """The nick that the user has now."""
        self.has_left = False
        """True if the nick may be somebody else's by now."""
        self._state = state
        folded = state.fold(nick)
        self._channels = {name for name, channel in state.channels.items() if folded in channel.members}
        self._is_seen = bool(self._channels)

    def follow(self, events: Iterable[Event]) -> None:
        """Take what has happened."""
        if self._is_seen:
            for event in events:
                self._follow(event)

    def _follow(self, event: Event) -> None:
        fold = self._state.fold
        if isinstance(event, Welcome):
            self.has_left = True  # on a new connection: nobody has told what happened in between
        elif isinstance(event, Renamed) and fold(event.old) == fold(self.nick):
            self.nick = event.new
        elif isinstance(event, ChannelRenamed) and fold(event.old) in self._channels:
            self._channels = self._channels - {fold(event.old)} | {fold(event.new)}
        elif isinstance(event, Left | Kicked | Joined) and fold(event.nick) == fold(self.nick):
            names = {fold(name) for name in (event.channels if isinstance(event, Left) else (event.channel,))}
            self._channels = self._channels | names if isinstance(event, Joined) else self._channels - names
            self.has_left = self.has_left or not self._channels
