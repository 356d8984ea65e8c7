"""What happens between the user and the server after the login: state, places, and what is asked for unasked.

Messages of the server go in, events to show come out. Every event passes ``show``, which puts it into the places. It
outlives a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from chatroom.client.about_messages import AboutMessages
from chatroom.client.away_lookup import AwayLookup
from chatroom.client.chat_events import (
    ChannelRenamed,
    Denied,
    Event,
    Joined,
    MarkerMoved,
    Members,
    PeopleChanged,
    Reacted,
    Redacted,
    Renamed,
    Said,
    Typing,
    UnderWay,
    Unsaid,
)
from chatroom.client.chat_state import State
from chatroom.client.display_names import DisplayNames
from chatroom.client.history_pages import HistoryPages
from chatroom.client.idle_away import IdleAway
from chatroom.client.ignoring import Ignored
from chatroom.client.message_reading import param, parse_moment
from chatroom.client.moderation_lists import ModerationLists
from chatroom.client.navigation import Navigation
from chatroom.client.places.open_places import Places
from chatroom.client.places.place import Place
from chatroom.client.places.server_places import ServerPlaces
from chatroom.client.read_marks import CAPABILITY as READ_MARKER
from chatroom.client.read_marks import ReadMarks
from chatroom.client.several_lines import Limits, MultilineReader
from chatroom.client.speech import Speech
from chatroom.client.typing_notices import TypingNotices
from chatroom.irc.message import Message

_WORDLESS = (UnderWay, Typing, MarkerMoved, PeopleChanged)
_NICK_COMMANDS = ("/nick ", "/raw nick", "/quote nick")
_UNASKED = (["CHATHISTORY"], ["MARKREAD"], ["METADATA"])
"""Commands that the client sends by itself: unless the user has typed one, a refusal is none of the user's business."""
_LOOK_BACK = timedelta(days=14)
"""How far back it is looked for direct messages that were missed before the start of the program."""


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
        self.history = HistoryPages(self.state, write, clock)
        self.typing = TypingNotices(self.state, write, clock)
        self.about = AboutMessages(self.state, self.speech.ask, self.speech.say)
        self.lists = ModerationLists(self.state, write)
        self._marks = ReadMarks(lambda: self.state.caps, write, clock)
        self._away = AwayLookup(self.state, write)
        self.idle = IdleAway(self.state, write)
        self._names = DisplayNames(self.state, write, clock)
        self.note: Callable[[Event], None] | None = None
        """Takes every event that is shown; None if nobody wants them."""
        self._write = write
        self._now = now
        self._multiline = MultilineReader()
        self._lost_at: datetime | None = None
        # Conversations with messages of which it is not known if they were read: folded nick to nick and time.
        self._unsure: dict[str, tuple[str, datetime]] = {}

    def begin(self, nick: str, caps: set[str], multiline: Limits | None, *, again: bool) -> None:
        """Begin on a connection whose server has welcomed the user. ``again``: after a lost one."""
        if again:
            self.navigation.begin_return()
        self.state.reset(nick, caps, multiline)
        for part in (self._multiline, self.typing, self.lists, self._marks, self._away, self._names, self.idle):
            part.reset()
        self._unsure.clear()

    def hear(self, message: Message) -> list[Event]:
        """Act on a message of the server, and return the events to show."""
        whole = self._multiline.take(message)
        if whole is None or self.typing.take(whole):
            return []
        for part in (self.history, self._away, self._names, self.lists):
            answer = part.take(whole)
            if answer is not None:
                return self.show(answer)
        if len(whole.params) > 1 and "400" <= whole.verb <= "599":
            self.navigation.refused(whole.params[1])
        kept = self.about.refused(whole)
        if kept is not None:
            self.navigation.keep_draft(kept.target, f"/edit {kept.text}")
        elif whole.verb == "MARKREAD":
            self._read_marker(param(whole, 0), parse_moment(param(whole, 1).removeprefix("timestamp=")))
        unsaid, key = self.speech.read(whole)
        typed = "" if unsaid else self.speech.asked(whole)
        if whole.verb == "NICK" and not typed.lower().startswith(_NICK_COMMANDS):
            # With a label ``State`` takes it for the user's own.
            tags = {name: value for name, value in (whole.tags or {}).items() if name != "label"}
            whole = Message("NICK", whole.params, whole.source, tags)
        events = [*unsaid, *_with_key(self.state.feed(whole), key)]
        if not typed and self.idle.take(whole):
            return self.show([])
        if typed:
            events = [Denied(f"{typed}: {event.text}") if isinstance(event, Denied) else event for event in events]
        elif whole.verb == "FAIL" and whole.params[:1] in _UNASKED:
            return []
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
        if self.here.is_greeted:
            self._lost_at = self._now()
        self.here.lost()
        self.history.lost()
        self.lists.reset()
        for edit in self.about.lost():
            self.navigation.keep_draft(edit.target, f"/edit {edit.text}")
        for unsaid in left:
            written = unsaid.said.written
            text = f"/me {written}" if unsaid.said.kind == "action" else written
            self.navigation.keep_draft(unsaid.said.conversation, text)
        return list(left)

    def show(self, events: Iterable[Event]) -> list[Event]:
        """Put events into their places, and return those that a client without places shows."""
        shown: list[Event] = []
        for event in self.ignored.filter(events):
            if isinstance(event, Reacted | Redacted):
                event = self.about.explain(event, self.here.find(event.conversation))
            self.here.follow(event)
            self.navigation.follow(event)
            if isinstance(event, UnderWay | Said):
                self._note_said(event)
            is_wordless = isinstance(event, _WORDLESS) or (isinstance(event, Unsaid) and event.stopped)
            if not self.navigation.is_return(event) and not is_wordless:
                shown.append(event)
                if self.note is not None:
                    self.note(event)
            self._look_up(event)
            if isinstance(event, ChannelRenamed) or (isinstance(event, Renamed) and self._has_followed(event)):
                for part in (self.typing, self.speech, self.about):
                    part.renamed(event.old, event.new)
            if isinstance(event, Redacted):
                shown += self.show(self.about.follow(event))
        self._look_up_opened()
        if self.history.found_targets:
            self._look_at_targets()
        return shown

    @property
    def is_online(self) -> bool:
        """True from the welcome to the end of the connection."""
        return self.here.home.is_joined

    # Calls of a screen

    def typed(self, text: str) -> None:
        """Report what stands in the prompt of the place in front, after each key: others see that the user types."""
        target = self.navigation.target
        if self.is_online and target is not None:
            self.typing.typed(target, text)

    def older(self, place: Place) -> str:
        """Ask the server for older messages of a place. Returns why that cannot be; empty if it is asked."""
        return self.history.ask_older(place) if self.is_online else "You are not connected."

    def tick(self) -> bool:
        """Report that time passes: about once a second. False if nothing waits for that until something happens."""
        waits = [self.here.expire_typing()]
        if self.is_online:
            waits += [self.typing.tick(), self._names.tick()]
            self.show(self.history.tick())
            waits.append(self.history.waits)
            waits += [
                self._marks.tell(place, is_front=self.here.places.is_seen(place)) for place in self.here.of_server()
            ]
        return any(waits)

    def leave(self) -> None:
        """Tell the server what is read, because the user leaves."""
        for place in self.here.of_server() if self.is_online else []:
            self._marks.tell(place, is_front=False)

    # What the client asks for by itself

    def _has_followed(self, event: Renamed) -> bool:
        """True if the conversation with a user has the new nick now."""
        place = self.here.find(event.new)
        return place is not None and place.kind == "conversation" and self.here.find(event.old) is None

    def _note_said(self, event: UnderWay | Said) -> None:
        if isinstance(event, UnderWay) or event.mine:
            self.typing.said()

    def _look_up(self, event: Event) -> None:
        if isinstance(event, Joined) and event.mine:
            place = self.here.find(event.channel)
            if place is not None:
                self.history.ask_missed(place)
        elif isinstance(event, Members) and not event.asked:
            self._away.joined(event.channel)

    def _look_up_opened(self) -> None:
        opened, self.here.opened = self.here.opened, []
        for place in opened:
            if self.here.is_greeted and self.state.fold(place.name) not in self._unsure:
                self._marks.ask(place)
                self.history.ask_latest(place)

    def _look_at_targets(self) -> None:
        """Open the conversations in which something was said while the user was away, if it is unread."""
        found, self.history.found_targets = self.history.found_targets, []
        for name, at in found:
            place = self.here.find(name)
            if self.state.is_channel(name):
                continue
            if place is not None:
                self.history.ask_missed(place)
            elif READ_MARKER in self.state.caps:
                self._unsure[self.state.fold(name)] = (name, at)
                self._write(f"MARKREAD {name}")
            else:
                self._open_unread(name)

    def _read_marker(self, name: str, at: datetime | None) -> None:
        folded = self.state.fold(name)
        if at is not None:
            self._marks.known(folded, at)
        if folded in self._unsure:
            _, last = self._unsure[folded]
            if at is None or at < last:
                self._open_unread(name)
            self._unsure.pop(folded, None)

    def _open_unread(self, name: str) -> Place:
        place = self.here.open(name)
        self.here.opened = [other for other in self.here.opened if other is not place]
        self.history.ask_latest(place, news=True)
        return place

    def _settle_in(self) -> list[Event]:
        """Join the channels, then send the messages that wait. Returns the events that show them."""
        self.here.refold()
        self.here.is_greeted = True
        for line in self.navigation.joins():
            self._write(line)
        self._names.begin()
        if self._lost_at is not None or READ_MARKER in self.state.caps:
            self.history.ask_targets(self._lost_at or self._now() - _LOOK_BACK, self._now())
        return self.show(self.speech.open())


def _with_key(events: list[Event], key: str) -> list[Event]:
    """Give the echo of a message the key of the message."""
    if not key:
        return events
    return [replace(event, key=key) if isinstance(event, Said) and event.mine else event for event in events]
