"""Users, channels and sessions that note their changes, for the world of several nodes.

They are subclasses with the same slots, so a lone daemon pays nothing. Each world has classes of its own, with its
recorder. Users and channels note in ``__setattr__``: they are read much more often than changed. Sessions change with
each line, so only the attributes that others see are properties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from chatroom.chat.cluster.attributes import OF_CHANNEL, OF_SESSION, OF_USER
from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User

if TYPE_CHECKING:
    from chatroom.chat.cluster.recorder import Recorder
    from chatroom.chat.stored.records import AccessLevel, ListEntry, ListMode

_USER_NAMES = {name: name for name in OF_USER if name != "account_data"} | {"_account_data": "account_data"}
_CHANNEL_NAMES = frozenset(OF_CHANNEL)


class TrackedUser(User):
    """A user that notes its changes."""

    __slots__ = ()
    recorder: ClassVar[Recorder]

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        known = _USER_NAMES.get(name)
        if known is not None:
            self.recorder.touch(self, known)
            if name == "bot":
                self.recorder.touch(self, "account_data")  # ``Whereabouts.save_user`` notes it there

    def rename(self, nick: str) -> None:
        """As ``User``, and recorded."""
        self.recorder.add(["nick", self.folded, nick])
        super().rename(nick)

    def add_guest_message(self, message_id: int) -> None:
        """As ``User``, and recorded."""
        self.recorder.add(["said", self.folded, message_id])
        super().add_guest_message(message_id)


class TrackedChannel(Channel):
    """A channel that notes its changes."""

    __slots__ = ()
    recorder: ClassVar[Recorder]

    def __setattr__(self, name: str, value: object) -> None:
        if name == "has_history" and value is True and getattr(self, name, False):
            return  # every message sets it
        object.__setattr__(self, name, value)
        if name in _CHANNEL_NAMES:
            self.recorder.touch(self, name)

    def add_member(self, user: User, standing: int, last_message_id: int) -> None:
        """As ``Channel``, and recorded. Shadows do not read the channel here."""
        self.recorder.add(["join", self.folded, user.folded, standing, last_message_id])
        # The record tells that the invitation is gone, too.
        with self.recorder.quiet():
            super().add_member(user, standing, last_message_id)
        self.sessions.difference_update([session for session in user.sessions if isinstance(session, Shadow)])

    def set_standing(self, user: User, standing: int) -> None:
        """As ``Channel``, and recorded."""
        self.recorder.add(["mode", self.folded, user.folded, standing])
        super().set_standing(user, standing)

    def set_access(self, account_id: int, level: AccessLevel | None) -> None:
        """As ``Channel``, and noted."""
        if self.access.get(account_id) != level:
            super().set_access(account_id, level)
            self.recorder.touch(self, "access")

    def add_mask(self, entry: ListEntry) -> None:
        """As ``Channel``, and noted."""
        super().add_mask(entry)
        self.recorder.touch(self, "lists")

    def discard_mask(self, mode: ListMode, mask: str) -> ListEntry | None:
        """As ``Channel``, and noted."""
        found = super().discard_mask(mode, mask)
        if found is not None:
            self.recorder.touch(self, "lists")
        return found


class Kinds(NamedTuple):
    """The classes of one world."""

    user: type[User]
    channel: type[Channel]
    session: type[Session]
    shadow: type[Shadow]


def tracked_kinds(recorder: Recorder) -> Kinds:
    """Make the classes that note their changes in a recorder."""
    own = {"__slots__": (), "recorder": recorder}
    properties = {name: _tracked(name, recorder) for name in OF_SESSION}
    return Kinds(
        type("TrackedUser", (TrackedUser,), own),
        type("TrackedChannel", (TrackedChannel,), own),
        type("TrackedSession", (Session,), {"__slots__": (), **properties}),
        type("TrackedShadow", (Shadow,), {"__slots__": (), **properties}),
    )


def _tracked(name: str, recorder: Recorder) -> property:
    slot = getattr(Session, name)
    put = slot.__set__

    def change(session: Session, value: Any) -> None:
        put(session, value)
        # A session without a user is the node's own affair; while it is made it has not even the attribute.
        if getattr(session, "user", None) is not None:
            recorder.touch(session, name)

    return property(slot.__get__, change)
