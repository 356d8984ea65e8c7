"""The place in front, what is written for each place, and the channels to join again after a reconnect.

A *place* is a channel or a conversation with one user. The place in front is the target of typed lines. Only the user
changes it (/join, /query, /part, /close), never the server: who is kicked from a channel stays in front of it, so that
a half-typed line is not said to others.
"""

from __future__ import annotations

from chatroom.client.chat_events import Event, Joined, Kicked, Left, Members, Renamed
from chatroom.client.chat_state import State


class Navigation:
    """Follows the user through channels and conversations. It outlives a connection; ``state`` does not."""

    def __init__(self, state: State, join: tuple[str, ...]) -> None:
        self.target: str | None = join[0] if join else None
        """The channel or nick that typed lines go to; None if there is none."""
        self._state = state
        # Folded name of a place to the text that waits there for Enter.
        self._drafts: dict[str, str] = {}
        # The places that were in front, oldest first, each once: folded name to name.
        self._visited: dict[str, str] = {}
        # Folded name to name and key.
        self._channels = {state.fold(name): (name, "") for name in join}
        # Folded names of the channels that this connection has yet to get back into.
        self._returning: set[str] = set()
        # Folded names of the channels that the user has asked to join, and the server has not answered.
        self._asked: set[str] = set()

    def begin_return(self) -> None:
        """Expect to get back into every channel of the lost connection."""
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
        for folded, name in reversed(self._visited.items()):
            if not self.is_target(name) and (folded in self._state.channels or not self._state.is_channel(name)):
                return name
        names = [channel.name for channel in self._state.channels.values() if not self.is_target(channel.name)]
        return names[0] if names else None

    def leave(self, name: str) -> None:
        """Turn away from a place that the user leaves, if it is in front, and do not come back to it unasked."""
        folded = self._state.fold(name)
        if self.is_target(name):
            self._front(self.way_out)
        self._visited.pop(folded, None)
        self._channels.pop(folded, None)
        self._asked.discard(folded)

    def keep_draft(self, place: str, text: str) -> None:
        """Keep a text that waits for Enter in ``place``, behind those that wait there already."""
        folded = self._state.fold(place)
        self._drafts[folded] = "\n".join(filter(None, [self._drafts.get(folded, ""), text]))

    def take_draft(self) -> str:
        """Return the text that waits in the place in front, and forget it."""
        return self._drafts.pop(self._state.fold(self.target or ""), "")

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
        """Update the target and the list of channels after an event."""
        if isinstance(event, Joined) and event.mine:
            folded = self._state.fold(event.channel)
            self._channels[folded] = (event.channel, self._channels.get(folded, ("", ""))[1])
            self._asked.discard(folded)
            if self.target is None or self.is_target(event.channel):
                self._front(event.channel)
        elif isinstance(event, Left | Kicked) and event.mine:
            left = event.channels[0] if isinstance(event, Left) else event.channel
            self._channels.pop(self._state.fold(left), None)
        elif isinstance(event, Renamed) and not event.mine:
            self._rename(event.old, event.new)

    def _front(self, name: str | None) -> None:
        self.target = name
        if name is not None:
            self._visited.pop(self._state.fold(name), None)
            self._visited[self._state.fold(name)] = name

    def _rename(self, old: str, new: str) -> None:
        """Follow a user with whom there is a conversation to another nick."""
        old_folded, folded = self._state.fold(old), self._state.fold(new)
        if old_folded in self._drafts:
            self._drafts[folded] = self._drafts.pop(old_folded)
        if old_folded in self._visited:
            self._visited = {
                folded if key == old_folded else key: new if key == old_folded else name
                for key, name in self._visited.items()
            }
        if self.is_target(old):
            self.target = new

    def is_target(self, name: str) -> bool:
        """Tell if ``name`` is the place in front."""
        return self.target is not None and self._state.fold(self.target) == self._state.fold(name)
