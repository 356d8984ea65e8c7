"""Another node's turn that is being applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.cluster.turn_records import Record, channels_of_event, event_from_record

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.people.user import User


class AppliedTurn:
    """What is known of the turn while its records are applied. Whatever is not there raises ``KeyError``."""

    def __init__(self, world: ClusterWorld, home: str) -> None:
        self.world = world
        self.home = home
        self.shift_ms = 0
        """How far this node's monotonic clock is ahead of the other's."""
        self.misfit = ""
        """The kind of the first record that did not fit and tells who is there and where; empty if all fit."""
        self._events: dict[int, Event] = {}
        """By number of the other node."""
        self._channels: dict[int, list[str]] = {}
        """The names of all channels that these events are for."""
        self._numbers: dict[int, int] = {}
        """By a number of the other node: the number that the line or event has here."""

    # -- what is there ----------------------------------------------------------------------------

    def user(self, folded: str) -> User:
        """The user with that casefolded nick."""
        return self.world.users[folded]

    def channel(self, folded: str) -> Channel:
        """The channel with that casefolded name."""
        return self.world.channels[folded]

    def own(self, user: User) -> list[Session]:
        """The user's sessions that are this node's."""
        return [session for session in user.sessions if not isinstance(session, Shadow)]

    def number(self, theirs: int) -> int:
        """This node's number for a number of the other node. An event keeps it, however it reaches a session."""
        number = self._numbers.get(theirs)
        if number is None:
            number = self._numbers[theirs] = self.world.outbox.take_number()
        return number

    def event(self, item: Record | int) -> Event:
        """The event of a record. It is one object, however many records have it."""
        if isinstance(item, int):
            return self._events[item]
        event = self._events[item[0]] = event_from_record(item)
        event.seq = self.number(item[0])
        self._channels[item[0]] = channels_of_event(item)
        return event

    def channels_of(self, item: Record | int) -> list[Channel]:
        """All channels that the event of a record is for, if there are several."""
        channels = self.world.channels
        names = self._channels[item if isinstance(item, int) else item[0]]
        return [channels[name] for name in names if name in channels]
