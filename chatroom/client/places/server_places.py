"""One server's events, put into the places that they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chatroom.client.chat_events import (
    ChannelRenamed,
    Cleared,
    Denied,
    Event,
    Exposed,
    History,
    Info,
    Invited,
    Joined,
    Kicked,
    Left,
    MarkerMoved,
    Members,
    ModeChanged,
    PeopleChanged,
    Reacted,
    Redacted,
    Renamed,
    Said,
    TopicChanged,
    Trouble,
    Typing,
    UnderWay,
    Unsaid,
    Welcome,
)
from chatroom.client.mentioning import mentions_any
from chatroom.client.places.open_places import Mention, Places
from chatroom.client.places.place import Kind, Place
from chatroom.client.places.place_log import PlaceLog
from chatroom.client.places.server_names import Names

_A_MOMENT = timedelta(microseconds=1)


class ServerPlaces:
    """Opens and fills the places of one server. ``places`` may be shared with those of other servers.

    ``server``: the name to show for the server, unique among ``places``. ``now``: returns the time, aware.
    ``clock``: returns seconds that only go up.
    """

    def __init__(
        self, places: Places, server: str, names: Names, now: Callable[[], datetime], clock: Callable[[], float]
    ) -> None:
        self.places = places
        self.server = server
        self.is_greeted = False
        """True once the welcome is over: what the server says from then on is an answer to the user."""
        self._names = names
        self._now = now
        self._clock = clock
        self.home = Place("server", server, server, "", PlaceLog(names.fold), names.people)
        """The server's own place."""
        self.opened: list[Place] = []
        """Conversations that have been opened, for the session to ask the server for their history."""
        # Folded names of channels that the user has turned away from, and that the server has not yet let go.
        self._leaving: set[str] = set()
        self._find_read_mark: Callable[[str], datetime | None] = lambda key: None
        places.open(self.home)

    # Places

    @property
    def front(self) -> Place:
        """The place in front, if it is one of this server; else the server's own."""
        front = self.places.front
        return front if front is not None and front.server == self.server else self.home

    def find(self, name: str) -> Place | None:
        """Return the place of a channel or a user; None if it is not open."""
        return self.places.find(self.server, self._names.fold(name))

    def open(self, name: str) -> Place:
        """Return the place of a channel or a user. It is opened if it is not, and does not come in front."""
        place = self.find(name)
        if place is None:
            kind: Kind = "channel" if self._names.is_channel(name) else "conversation"
            log = PlaceLog(self._names.fold)
            place = Place(kind, name, self.server, self._names.fold(name), log, self._names.people)
            if kind == "conversation":
                place.is_joined = self.home.is_joined
                self.opened.append(place)
            place.last_read = self._find_read_mark(place.key)
            self.places.open(place)
        return place

    def recall(self, find_read_mark: Callable[[str], datetime | None]) -> None:
        """Have places begin where the user has read up to in an earlier chat, given by the key of a place."""
        self._find_read_mark = find_read_mark
        for place in self.of_server():
            place.last_read = place.last_read or find_read_mark(place.key)

    def leave(self, place: Place) -> None:
        """Close a place. What the server still says in a channel before it lets the user go opens no new one."""
        if place.kind == "channel" and place.is_joined:
            self._leaving.add(place.key)
        self.places.close(place)

    def refold(self) -> None:
        """Compare names anew, because the server has said how it compares them."""
        for place in self.of_server():
            key = self._names.fold(place.name) if place.kind != "server" else ""
            if key != place.key and self.places.find(self.server, key) is None:
                self.places.rename(place, place.name, key)

    def lost(self) -> None:
        """Report the end of the connection."""
        self.is_greeted = False
        self._leaving.clear()
        for place in self.of_server():
            place.was_lost = place.was_lost or (place.is_joined and place.kind == "channel")
            place.is_joined = place.asks_older = False
            self.places.touch(place)

    def of_server(self) -> list[Place]:
        """The places of this server."""
        return [place for place in self.places if place.server == self.server]

    def expire_typing(self) -> bool:
        """Forget those who have stopped typing without a word. To be called about once a second, until it is False."""
        for place in self.of_server():
            if place.typists.expire(self._clock()):
                self.places.touch(place)
        return any(place.typists for place in self.of_server())

    # Events

    def follow(self, event: Event) -> None:
        """Put an event where it belongs. ``places.take_changes`` then says what has changed."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def _add(self, place: Place, event: Event, *, speaks: bool = False, is_new: bool = True) -> None:
        """Append an event to a place. ``speaks``: it is meant for the user, and not part of a talk."""
        counts = isinstance(event, Said) and not event.mine
        mention = speaks or (isinstance(event, Said) and counts and self._is_mention(place, event))
        entry = place.log.append(event, self._now(), mention=mention)
        if entry is not None:
            self.places.note(place, entry, counts=counts or speaks, is_new=is_new and not self._is_mine(event))

    def _is_mention(self, place: Place, said: Said) -> bool:
        if place.kind == "conversation":
            return True
        return mentions_any(said.text, (self._names.nick, *self.places.highlights))

    @staticmethod
    def _is_mine(event: Event) -> bool:
        return bool(getattr(event, "mine", False))

    def _on_said(self, event: Said) -> None:
        place = self.find(event.conversation)
        if place is None:
            if self._names.fold(event.conversation) in self._leaving:
                return
            is_room = self._names.is_channel(event.conversation)
            if event.kind == "notice" or (is_room and self._names.find_channel(event.conversation) is None):
                # A notice opens no place: services send them, in answer to something or unasked.
                self._add(self.home, event, speaks=not event.mine and not event.missed)
                return
            place = self.open(event.conversation)
        if place.typists.end(self._names.fold(event.nick)):
            self.places.touch(place)
        # What the server replays may have been read before. A direct message that it has kept for the user is new.
        is_read = place.last_read is not None and event.at is not None and event.at <= place.last_read
        self._add(place, event, is_new=not (event.missed and is_read))

    def _on_under_way(self, event: UnderWay) -> None:
        place = self.open(event.said.conversation)
        place.log.send(event.said, self._now())
        self.places.touch(place)

    def _on_unsaid(self, event: Unsaid) -> None:
        place = self.open(event.said.conversation)
        if place.log.fail(event) is None:
            self._add(place, event)
        self.places.touch(place)

    def _on_joined(self, event: Joined) -> None:
        place = self._of_channel(event.channel) if not event.mine else self.open(event.channel)
        if place is None:
            return
        if event.mine:
            self._leaving.discard(place.key)
            was_lost, place.was_lost = place.was_lost, False
            place.channel = self._names.find_channel(event.channel)
            place.is_joined = True
            place.name = event.channel
            if event.at is not None:
                place.assume_read(event.at)
            if self.places.front is self.home and not self._has_channels(place):
                self.places.turn_to(place)  # the first one, before the user has chosen any
            if was_lost:
                self.places.touch(place)
                return  # no news: it was lost, and "connected again" is in the log
        self._add(place, event)

    def _of_channel(self, name: str) -> Place | None:
        """Return the place for an event of a channel; None if the user is leaving it."""
        return self.find(name) or (None if self._names.fold(name) in self._leaving else self.home)

    def _has_channels(self, but: Place) -> bool:
        return any(place is not but and place.kind != "server" for place in self.of_server())

    def _on_left(self, event: Left) -> None:
        for name in event.channels:
            place = self.find(name)
            if place is not None:
                self._end_membership(place, event)
            if event.mine:
                self._leaving.discard(self._names.fold(name))
        place = self.find(event.nick)
        if place is not None and not event.mine and len(event.channels) != 1:
            self._add(place, event)

    def _on_kicked(self, event: Kicked) -> None:
        place = self._of_channel(event.channel)
        if event.mine:
            self._leaving.discard(self._names.fold(event.channel))
        if place is not None:
            self._end_membership(place, event)

    def _end_membership(self, place: Place, event: Left | Kicked) -> None:
        if event.mine and place.kind == "channel":
            place.is_joined = False
        place.typists.end(self._names.fold(event.nick))
        self._add(place, event)

    def _on_renamed(self, event: Renamed) -> None:
        old, new = self._names.fold(event.old), self._names.fold(event.new)
        talk = None if event.mine else self.find(event.old)
        if talk is not None:
            taken = self.places.find(self.server, new)
            if taken is None or taken is talk:
                self.places.rename(talk, event.new, new)
        named = (self.find(name) for name in event.channels)
        places = [place for place in (*named, talk) if place is not None]
        for place in dict.fromkeys([*places, self.home, self.front]) if event.mine else places:
            place.typists.end(old)
            self._add(place, event)

    def _on_channel_renamed(self, event: ChannelRenamed) -> None:
        place, key = self.find(event.old), self._names.fold(event.new)
        if place is None:
            return
        namesake = self.places.find(self.server, key)
        if namesake is not None and namesake is not place:  # the user was in another channel of that name before
            place.draft = "\n".join(filter(None, [place.draft, namesake.draft]))
            if self.places.front is namesake:
                self.places.turn_to(place)
            self.places.close(namesake)
        self.places.rename(place, event.new, key)
        self._add(place, event)

    def _on_of_channel(self, event: TopicChanged | Invited) -> None:
        place = self._of_channel(event.channel)
        if place is not None:
            self._add(place, event)

    def _on_mode(self, event: ModeChanged) -> None:
        place = self._of_channel(event.target) if self._names.is_channel(event.target) else self.home
        if place is not None:
            self._add(place, event)

    def _on_members(self, event: Members) -> None:
        place = self.find(event.channel)
        if place is not None:
            self.places.touch(place)
        if event.asked:
            self._add(place or self.front, event)

    def _on_invited(self, event: Invited) -> None:
        if event.mine:
            self._add(self.home, event, speaks=True)
        else:
            self._on_of_channel(event)

    def _on_info(self, event: Info) -> None:
        place = self.find(event.conversation) if event.conversation else None
        is_answer = event.at is None and self.is_greeted
        self._add(place or (self.front if is_answer else self.home), event)

    def _on_answer(self, event: Event) -> None:
        self._add(self.front, event)

    def _on_trouble(self, event: Event) -> None:
        """Put what concerns the connection into the server's place, and into the one that the user looks at."""
        for place in dict.fromkeys((self.home, self.front)):
            self._add(place, event)

    def _on_welcome(self, event: Welcome) -> None:
        for place in self.of_server():
            if place.kind != "channel":
                place.is_joined = True
                self.places.touch(place)
        self._on_trouble(event)

    def _on_cleared(self, event: Cleared) -> None:
        self.front.log.clear()
        self.places.touch(self.front)

    def _on_redacted(self, event: Redacted) -> None:
        self._touch_log(event.conversation, lambda place: place.log.redact(event, self._now()) is not None)

    def _on_reacted(self, event: Reacted) -> None:
        self._touch_log(event.conversation, lambda place: place.log.react(event, self._now()) is not None)

    def _touch_log(self, conversation: str, change: Callable[[Place], bool]) -> None:
        place = self.find(conversation)
        if place is not None and change(place):
            self.places.touch(place)

    def _on_typing(self, event: Typing) -> None:
        folded = self._names.fold(event.nick)
        self._touch_log(event.conversation, lambda place: place.typists.take(event, folded, self._clock()))

    def _on_marker(self, event: MarkerMoved) -> None:
        place = self.find(event.conversation)
        if place is not None:
            line = place.first_unread
            place.move_marker(event.at)
            if self.places.is_seen(place):
                place.first_unread = line  # else the server's answer to what the user has just read took it away
            self.places.touch(place)

    def _on_people(self, event: PeopleChanged) -> None:
        for name in (*event.channels, event.nick):
            place = self.find(name)
            if place is not None:
                self.places.touch(place)

    def _on_history(self, event: History) -> None:
        place = self.find(event.conversation)
        if place is None:
            return
        place.asks_older = False
        # What an event says of a page is said of each message in it.
        old = (replace(one, missed=True) if isinstance(one, Said) and not event.news else one for one in event.events)
        new = place.log.insert(old, self._now(), before=event.before, after=event.after)
        if event.news and new:
            place.assume_read(new[0].moment - _A_MOMENT)
        for entry in new:
            said = entry.said
            if said is not None and said.mine and entry.revision:
                place.drop_from_draft(said)  # it was perhaps not said, and was after all
            elif said is not None and not said.mine:
                entry.mention = self._is_mention(place, said)
                if entry.mention and place.last_read is not None and entry.moment > place.last_read:
                    self.places.mentions.append(Mention(place, entry))
        place.log.complete = place.log.complete or event.complete
        line = place.first_unread
        if place.last_read is not None:
            place.recount()
        if self.places.is_seen(place):
            place.first_unread = place.first_unread or line
            place.mark_read()
        self.places.touch(place)


_HANDLERS: dict[type, Callable[[ServerPlaces, Any], None]] = {
    Said: ServerPlaces._on_said,
    UnderWay: ServerPlaces._on_under_way,
    Unsaid: ServerPlaces._on_unsaid,
    Joined: ServerPlaces._on_joined,
    Left: ServerPlaces._on_left,
    Kicked: ServerPlaces._on_kicked,
    Renamed: ServerPlaces._on_renamed,
    ChannelRenamed: ServerPlaces._on_channel_renamed,
    TopicChanged: ServerPlaces._on_of_channel,
    ModeChanged: ServerPlaces._on_mode,
    Members: ServerPlaces._on_members,
    Invited: ServerPlaces._on_invited,
    Info: ServerPlaces._on_info,
    Denied: ServerPlaces._on_answer,
    Trouble: ServerPlaces._on_trouble,
    Exposed: ServerPlaces._on_trouble,
    Welcome: ServerPlaces._on_welcome,
    Cleared: ServerPlaces._on_cleared,
    Redacted: ServerPlaces._on_redacted,
    Reacted: ServerPlaces._on_reacted,
    Typing: ServerPlaces._on_typing,
    MarkerMoved: ServerPlaces._on_marker,
    PeopleChanged: ServerPlaces._on_people,
    History: ServerPlaces._on_history,
}
