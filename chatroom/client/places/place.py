"""A place: a channel, a conversation with one user, or what a server says to the user."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from chatroom.client.chat_events import Said
from chatroom.client.joined_channel import Channel
from chatroom.client.people import People, Person
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place_log import PlaceLog
from chatroom.client.places.typists import Typists

Kind = Literal["channel", "conversation", "server"]
Level = Literal["quiet", "event", "message", "mention"]
"""What is new in a place, the least first: nothing; somebody came, left or the like; a message; one to the user."""
_SIGNS = "!~&@%+"
_UNKNOWN = Person()


class Member(NamedTuple):
    """One user in a channel."""

    nick: str
    signs: str
    """For example ``@+``, the highest first; empty for none."""
    person: Person
    """Away or not, account, and the name that the user wants to be shown by."""


@dataclass(slots=True, eq=False)
class Place:
    """One place. A screen reads it, and sets ``draft``."""

    kind: Kind
    name: str
    """The channel's name, the other user's nick, or the server's name."""
    server: str
    """The name of the server that the place is on."""
    key: str
    """The name as the server compares names. With ``server`` it is unique. Changes if the user changes the nick."""
    log: PlaceLog
    people: People
    """What is known of the users of the server."""
    opened: int = 0
    """Less than that of every place that was opened later."""
    draft: str = ""
    """What is typed here and not sent."""
    unread: int = 0
    """How many messages of others are new."""
    mentions: int = 0
    """How many of them speak to the user."""
    has_events: bool = False
    """True if something else is new."""
    first_unread: Entry | None = None
    """The entry under the line "new"; None for no such line. In front it stays until the user turns away."""
    last_read: datetime | None = None
    """Up to when the user has read, on any device; None if that is not known."""
    is_assumed: bool = False
    """True if ``last_read`` is the moment at which the user came, because nothing better is known."""
    is_joined: bool = False
    """True if the user is in the channel, or can write to the other user: the server is connected."""
    channel: Channel | None = None
    """Topic and members of a channel, as they were last; None if the user has never been in it."""
    typists: Typists = field(default_factory=Typists)
    asks_older: bool = False
    """True while an older page is on its way from the server."""
    was_lost: bool = False
    """True if the user was in the channel when the connection was lost, and is not back."""

    @property
    def level(self) -> Level:
        """What is new here."""
        if self.mentions:
            return "mention"
        return "message" if self.unread else "event" if self.has_events else "quiet"

    @property
    def is_usable(self) -> bool:
        """True if what is typed here can be said, now or when the connection is back."""
        return self.kind == "conversation" or (self.kind == "channel" and (self.is_joined or self.was_lost))

    @property
    def topic(self) -> str:
        """The topic of the channel; empty if it has none."""
        return self.channel.topic if self.channel is not None else ""

    @property
    def person(self) -> Person:
        """What is known of the other user of a conversation."""
        return self.people.find(self.key) or _UNKNOWN

    @property
    def members(self) -> list[Member]:
        """Who is in the channel: those of the highest rank first, then by name."""
        channel = self.channel
        if channel is None:
            return []
        found = []
        for folded, nick in channel.members.items():
            signs = channel.prefixes.get(folded, "")
            rank = _SIGNS.find(signs[:1]) if signs else len(_SIGNS)
            person = self.people.find(folded) or _UNKNOWN
            found.append((rank, folded, Member(nick, signs, person)))
        return [member for _, _, member in sorted(found, key=lambda item: item[:2])]

    def note(self, entry: Entry, *, counts: bool) -> None:
        """Count a new entry. ``counts``: it is a message of another user."""
        if not counts:
            self.has_events = True
            return
        if not self.unread:
            self.first_unread = entry
        self.unread += 1
        self.mentions += entry.mention

    def mark_read(self) -> None:
        """Count everything as read. The line "new" stays where it is."""
        self.unread = self.mentions = 0
        self.has_events = False
        if self.log.entries:
            self._read_up_to(self.log.entries[-1].moment)

    def move_marker(self, at: datetime) -> None:
        """Count as read what was said up to a moment, because the server says so: it knows of all devices."""
        if self.is_assumed:
            self.last_read = None
        self._read_up_to(at)
        self.recount()

    def assume_read(self, at: datetime) -> None:
        """Count as read what was said up to a moment, if nothing better is known."""
        if self.last_read is None:
            self.last_read, self.is_assumed = at, True

    def drop_from_draft(self, said: Said) -> None:
        """Drop a message from the begin of the draft, because it was said after all."""
        text = f"/me {said.written}" if said.kind == "action" else said.written
        if self.draft == text or self.draft.startswith(f"{text}\n"):
            self.draft = self.draft[len(text) + 1 :]

    def recount(self) -> None:
        """Count anew what was said since ``last_read``."""
        self.unread = self.mentions = 0
        self.first_unread = None
        for entry in reversed(self.log.entries):
            if self.last_read is None or entry.moment <= self.last_read:
                break
            said = entry.said
            if said is not None and not said.mine:
                self.unread += 1
                self.mentions += entry.mention
                self.first_unread = entry

    def _read_up_to(self, at: datetime) -> None:
        self.is_assumed = False
        if self.last_read is None or self.last_read < at:
            self.last_read = at
