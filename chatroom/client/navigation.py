"""The place in front, and the channels to join again after a reconnect.

A *place* is a channel or a conversation with one user. The place in front is the target of typed lines. Only the user
changes it (/join, /query, /part, /close), never the server: who is kicked from a channel stays in front of it, so that
a half-typed line is not said to others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from chatroom.client.chat_events import ChannelRenamed, Event, Joined, Kicked, Left, Members
from chatroom.client.chat_state import State
from chatroom.client.places.place import Place
from chatroom.client.places.server_places import ServerPlaces


class Navigation:
    """Follows the user through the places of one server. It outlives a connection; ``state`` does not."""

    def __init__(self, state: State, here: ServerPlaces, join: tuple[str, ...]) -> None:
        self._state = state
        self._here = here
        # Folded name to name and key.
        self._channels = {state.fold(name): (name, "") for name in join}
        # Folded names of the channels that this connection has yet to get back into.
        self._returning: set[str] = set()
        # Folded names of the channels that the user has asked to join, and the server has not answered.
        self._asked: set[str] = set()
        for name in join[:1]:
            here.places.turn_to(here.open(name))

    @property
    def target(self) -> str | None:
        """The channel or nick that typed lines go to; None if there is none."""
        front = self._here.front
        return front.name if front is not self._here.home else None

    @property
    def open_places(self) -> dict[str, str]:
        """The places that are open, by their folded names. Channels with a key are left out."""
        channels = {folded: name for folded, (name, key) in self._channels.items() if not key}
        people = {place.key: place.name for place in self._here.of_server() if place.kind == "conversation"}
        return channels | people

    @property
    def read_marks(self) -> dict[str, datetime]:
        """Up to when the user has read each place, by its folded name, where that is known."""
        return {
            place.key: place.last_read
            for place in self._here.of_server()
            if place.last_read is not None and not place.is_assumed and place.kind != "server"
        }

    def recall(self, find_read_mark: Callable[[str], datetime | None]) -> None:
        """Have places begin where the user has read up to in an earlier chat, given by their folded names."""
        self._here.recall(find_read_mark)

    def reopen(self, people: Iterable[str], front: str | None) -> None:
        """Open conversations of an earlier chat, and put a place of it in front."""
        # Each comes in front for a moment, so that leaving the last one leads back to the one before.
        for name in [*people, front]:
            if name is not None:
                self._front(name)

    def begin_return(self) -> None:
        """Expect to get back into every channel of the lost connection, and into those that it has not answered for."""
        for folded in self._asked - self._channels.keys():
            place = self._here.find(folded)
            if place is not None:
                self._channels[folded] = (place.name, "")
        self._returning = set(self._channels)

    def joins(self) -> list[str]:
        """The JOIN lines for all channels that the server has not put the user into by itself."""
        missing = [folded for folded, (name, _) in self._channels.items() if self._state.find_channel(name) is None]
        self._asked = set(missing)
        return [f"JOIN {' '.join(self._channels[folded])}".rstrip() for folded in missing]

    def can_speak(self, name: str) -> bool:
        """False if ``name`` is a channel that the user is neither in nor about to be let into."""
        folded = self._state.fold(name)
        is_expected = folded in self._asked or folded in self._returning
        return is_expected or not self._state.is_channel(name) or self._state.find_channel(name) is not None

    @property
    def why_unsaid(self) -> str:
        """Why the user cannot speak in the place in front, as a sentence; empty if the user can."""
        place = self.target
        if place is None or self.can_speak(place):
            return ""
        leaves = f", /close leaves it for {self.way_out}" if self.way_out else ""
        return f"You are not in {place}, so nothing was sent. /join {place} goes there again{leaves}."

    @property
    def way_out(self) -> str | None:
        """The place that the user gets to by leaving the one in front: the last one that is still open."""
        place = self._here.places.way_out(self._here.front)
        return place.name if place is not None and place.kind != "server" else None

    def leave(self, name: str) -> None:
        """Close a place that the user leaves, and do not come back to it unasked."""
        folded = self._state.fold(name)
        place = self._here.find(name)
        if place is not None:
            self._here.leave(place)
        self._channels.pop(folded, None)
        self._asked.discard(folded)

    def keep_draft(self, name: str, text: str) -> None:
        """Keep a text that waits for Enter in a place, behind those that wait there already. No name: no place."""
        place = self._here.open(name) if name else self._here.home
        place.draft = "\n".join(filter(None, [place.draft, text]))
        self._here.places.touch(place)

    def take_draft(self) -> str:
        """Return the text that waits in the place in front, and forget it."""
        place = self._here.front
        draft, place.draft = place.draft, ""
        return draft

    def is_return(self, event: Event) -> bool:
        """True if the event only says that the user is back in a channel after a reconnect."""
        if isinstance(event, Members) and not event.asked:
            folded = self._state.fold(event.channel)
            returned = folded in self._returning
            self._returning.discard(folded)  # the list of members ends what a JOIN brings
            return returned
        return isinstance(event, Joined) and event.mine and self._state.fold(event.channel) in self._returning

    def turn_to(self, name: str) -> bool:
        """Make ``name`` the target; False if it is a channel that the user is not in."""
        channel = self._state.find_channel(name)
        if channel is None and self._state.is_channel(name):
            return False
        self._front(name if channel is None else channel.name)
        return True

    def await_join(self, name: str, key: str) -> None:
        """Go to a channel that the user has asked to join. A line typed before the server's answer is for it."""
        folded = self._state.fold(name)
        self._asked.add(folded)
        self._front(name)
        if key:
            self._channels[folded] = (name, key)

    def refused(self, channel: str) -> None:
        """Take note of a refusal that names a channel: the user may not be let in."""
        self._asked.discard(self._state.fold(channel))
        self._returning.discard(self._state.fold(channel))

    def follow(self, event: Event) -> None:
        """Update the list of channels after an event."""
        if isinstance(event, Joined) and event.mine:
            folded = self._state.fold(event.channel)
            self._channels[folded] = (event.channel, self._channels.get(folded, ("", ""))[1])
            self._asked.discard(folded)
        elif isinstance(event, Left | Kicked) and event.mine:
            left = event.channels[0] if isinstance(event, Left) else event.channel
            self._channels.pop(self._state.fold(left), None)
        elif isinstance(event, ChannelRenamed):
            old, new = self._state.fold(event.old), self._state.fold(event.new)
            self._channels[new] = (event.new, self._channels.pop(old, ("", ""))[1])
            for names in (self._returning, self._asked):
                if old in names:
                    names.remove(old)
                    names.add(new)

    def _front(self, name: str) -> Place:
        place = self._here.open(name)
        self._here.places.turn_to(place)
        return place

    def is_target(self, name: str) -> bool:
        """Tell if ``name`` is the place in front."""
        return self.target is not None and self._state.fold(self.target) == self._state.fold(name)
