"""Calls the user who looks elsewhere: bell, title of the terminal, notification of the desktop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from chatroom.client.attention import Bell, calls
from chatroom.client.chat_events import Said
from chatroom.client.places.open_places import Places
from chatroom.client.servers import SessionEvents
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.text import printable

NOTICE_PAUSE_S = 5.0
"""How long no notification follows another one, so that nobody can fill the user's desktop."""
TITLE_PAUSE_S = 1.0
_LONGEST_NAME = 40


class Terminal(Protocol):
    """The part of ``terminal_control.TerminalControl`` that is needed."""

    def bell(self) -> None:
        """Ring the bell."""

    def flush(self) -> None:
        """Write what is buffered."""

    def set_title(self, title: str | None) -> None:
        """Show a title; None gives the terminal back the one that it had."""

    def notify(self, way: str, title: str, body: str) -> None:
        """Show a notification of the desktop."""


class Calling:
    """Decides when the user is called, and how. ``clock`` returns seconds that only go up."""

    def __init__(self, terminal: Terminal, settings: ChatSettings, clock: Callable[[], float]) -> None:
        self._terminal = terminal
        self._settings = settings
        self._clock = clock
        self._bell = Bell(terminal, clock)
        self._notified_at = -NOTICE_PAUSE_S
        self._title: str | None = None
        self._titled_at = -TITLE_PAUSE_S
        self.is_behind = False
        """True if the title must be shown again, a little later."""

    def hear(self, news: SessionEvents) -> None:
        """Take what a server has sent. A message in the place that the user sees calls nobody."""
        attention = self._settings.current.attention
        here = news.session.talk.here
        for event in news.events:
            if not isinstance(event, Said) or not calls(event, news.session.state, attention.words):
                continue
            place = here.find(event.conversation) or here.home
            if here.places.is_seen(place):
                continue
            if attention.bell:
                self._bell.ring()
            if attention.notify != "none" and self._clock() - self._notified_at >= NOTICE_PAUSE_S:
                self._notified_at = self._clock()
                where = f" in {event.conversation}" if place.kind == "channel" else ""
                self._terminal.notify(attention.notify, f"{event.nick}{where}", event.text)

    def rest(self) -> None:
        """Give the terminal its title back, for another program. ``show_title`` shows ours again."""
        if self._title is not None:
            self._title = None
            self._terminal.set_title(None)

    def show_title(self, places: Places) -> None:
        """Show the place in front and how many messages speak to the user, if that has changed."""
        title: str | None = None
        if self._settings.current.attention.title:
            count = sum(place.mentions for place in places)
            name = printable(places.front.name)[:_LONGEST_NAME] if places.front is not None else ""
            title = " ".join(filter(None, [f"({count})" if count else "", name, "· chatroom" if name else "chatroom"]))
        self.is_behind = title != self._title and self._clock() - self._titled_at < TITLE_PAUSE_S
        if title != self._title and not self.is_behind:
            self._title, self._titled_at = title, self._clock()
            self._terminal.set_title(title)
