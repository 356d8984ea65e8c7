"""Users whose messages the user does not want to read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from chatroom.client.chat_events import Event, History, Invited, Reacted, Renamed, Said, Typing
from chatroom.client.chat_state import State


class Ignored:
    """The nicks that are ignored until the end of the program. A nick change does not help the ignored.

    ``always`` returns the nicks that are ignored by the settings.
    """

    def __init__(self, state: State, always: Callable[[], tuple[str, ...]] = tuple) -> None:
        self._state = state
        self._always = always
        self._nicks: dict[str, str] = {}

    def toggle(self, nick: str) -> str:
        """Ignore a nick, or read it again. Returns what to tell the user."""
        folded = self._state.fold(nick)
        if self._nicks.pop(folded, None) is not None:
            return f"You read {nick} again."
        if folded in self._kept():
            return f"{nick} is in people.ignored: /set people.ignored changes it."
        self._nicks[folded] = nick
        return f"You do not read what {nick} says until you leave the chat, or until /ignore {nick} again."

    def describe(self) -> str:
        """Return who is ignored."""
        nicks = [*self._nicks.values(), *(f"{nick} (always)" for nick in self._always())]
        return f"You ignore {', '.join(nicks)}." if nicks else "You ignore nobody."

    def filter(self, events: Iterable[Event]) -> list[Event]:
        """Return the events without what ignored users say."""
        kept = self._kept()
        if not self._nicks and not kept:
            return list(events)
        shown: list[Event] = []
        for event in events:
            if isinstance(event, Renamed):
                self._follow(event)
            hidden = kept | self._nicks.keys()
            if isinstance(event, History):
                old = tuple(old for old in event.events if self._by(old) not in hidden)
                shown.append(replace(event, events=old))
            elif self._by(event) not in hidden:
                shown.append(event)
        return shown

    def _by(self, event: Event) -> str | None:
        """The folded nick of who speaks to the user by an event; None if nobody does."""
        if isinstance(event, Said | Reacted | Typing):
            return self._state.fold(event.nick)
        return self._state.fold(event.by) if isinstance(event, Invited) else None

    def _kept(self) -> set[str]:
        return {self._state.fold(nick) for nick in self._always()}

    def _follow(self, renamed: Renamed) -> None:
        if self._nicks.pop(self._state.fold(renamed.old), None) is not None:
            self._nicks[self._state.fold(renamed.new)] = renamed.new
