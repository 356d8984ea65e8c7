"""What happens between the user and the server after the login: state, places, and what is asked for unasked.

Messages of the server go in, events to show come out. Every event passes ``show``, which puts it into the places. It
outlives a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from chatroom.client.chat_events import (
    Denied,
    Event,
    MarkerMoved,
    PeopleChanged,
    Said,
    Typing,
    UnderWay,
    Unsaid,
)
from chatroom.client.chat_state import State
from chatroom.client.ignoring import Ignored
from chatroom.client.navigation import Navigation
from chatroom.client.places.open_places import Places
from chatroom.client.places.server_places import ServerPlaces
from chatroom.client.several_lines import Limits, MultilineReader
from chatroom.client.speech import Speech
from chatroom.irc.message import Message

_WORDLESS = (UnderWay, Typing, MarkerMoved, PeopleChanged)


class Talk:
    """One user's talk on one server.

    ``write`` sends a line. ``places`` may be shared with other servers; ``server`` is the name to show for this one.
    ``join``: channels to join after the welcome. ``always_ignored``: see ``Ignored``. ``say_again``: see ``Pacer``.
    ``clock`` returns seconds that only go up, ``now`` the time, aware.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        places: Places,
        server: str,
        join: tuple[str, ...],
        *,
        always_ignored: Callable[[], tuple[str, ...]],
        say_again: bool,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self.state = State()
        self.here = ServerPlaces(places, server, self.state, now, clock)
        self.navigation = Navigation(self.state, self.here, join)
        self.ignored = Ignored(self.state, always_ignored)
        self.speech = Speech(self.state, write, again=say_again)
        self._write = write
        self._multiline = MultilineReader()

    def begin(self, nick: str, caps: set[str], multiline: Limits | None, *, again: bool) -> None:
        """Begin on a connection whose server has welcomed the user. ``again``: after a lost one."""
        if again:
            self.navigation.begin_return()
        self.state.reset(nick, caps, multiline)
        self._multiline.reset()

    def hear(self, message: Message) -> list[Event]:
        """Act on a message of the server, and return the events to show."""
        whole = self._multiline.take(message)
        if whole is None:
            return []
        if len(whole.params) > 1 and "400" <= whole.verb <= "599":
            self.navigation.refused(whole.params[1])
        unsaid, key = self.speech.read(whole)
        events = [*unsaid, *_with_key(self.state.feed(whole), key)]
        typed = self.speech.asked(whole)
        if typed:
            events = [Denied(f"{typed}: {event.text}") if isinstance(event, Denied) else event for event in events]
        shown = self.show(events)
        if whole.verb in ("376", "422"):
            # The message of the day, or its absence, ends the welcome: by now the server has said what it supports.
            shown += self._settle_in()
        return shown

    def confirmed(self, token: str) -> list[Event] | None:
        """Take a PONG; None if it answers no PING of ``speech``."""
        events = self.speech.confirmed(token)
        return None if events is None else self.show(events)

    def lost(self) -> list[Event]:
        """Report the end of the connection. What it has left unanswered is in the draft of its place; returns it."""
        left = self.speech.lost()
        self.here.lost()
        for unsaid in left:
            text = f"/me {unsaid.said.text}" if unsaid.said.kind == "action" else unsaid.said.text
            self.navigation.keep_draft(unsaid.said.conversation, text)
        return list(left)

    def show(self, events: Iterable[Event]) -> list[Event]:
        """Put events into their places, and return those that a client without places shows."""
        shown: list[Event] = []
        for event in self.ignored.filter(events):
            self.here.follow(event)
            self.navigation.follow(event)
            is_wordless = isinstance(event, _WORDLESS) or (isinstance(event, Unsaid) and event.stopped)
            if not self.navigation.is_return(event) and not is_wordless:
                shown.append(event)
        return shown

    def _settle_in(self) -> list[Event]:
        """Join the channels, then send the messages that wait. Returns the events that show them."""
        self.here.refold()
        self.here.is_greeted = True
        for line in self.navigation.joins():
            self._write(line)
        return self.show(self.speech.open())


def _with_key(events: list[Event], key: str) -> list[Event]:
    """Give the echo of a message the key of the message."""
    if not key:
        return events
    return [replace(event, key=key) if isinstance(event, Said) and event.mine else event for event in events]
