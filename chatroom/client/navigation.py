"""Where the user is: the target of typed lines, and the channels to join again after a reconnect."""

from __future__ import annotations

from chatroom.client.chat_events import Event, Joined, Kicked, Left, Members, Renamed
from chatroom.client.chat_state import State


class Navigation:
    """Follows the user through channels and conversations. It outlives a connection; ``state`` does not."""

    def __init__(self, state: State, join: tuple[str, ...]) -> None:
        self.target: str | None = None
        """The channel or nick that typed lines go to; None if there is none."""
        self._state = state
        # Folded name to name and key.
        self._channels = {state.fold(name): (name, "") for name in join}
        # Folded names of the channels that this connection has yet to get back into.
        self._returning: set[str] = set()
        # Folded name of the channel that becomes the target when its JOIN comes.
        self._awaited = state.fold(join[0]) if join else ""

    def begin_return(self) -> None:
        """Expect to get back into every channel of the lost connection."""
        self._returning = set(self._channels)

    def joins(self) -> list[str]:
        """The JOIN lines for all channels that the server has not put the user into by itself."""
        return [
            f"JOIN {name} {key}".rstrip()
            for name, key in self._channels.values()
            if self._state.find_channel(name) is None
        ]

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
        self.target = name if channel is None else channel.name
        return True

    def await_join(self, name: str, key: str) -> None:
        """Make a channel the target as soon as the server lets the user in."""
        self._awaited = self._state.fold(name)
        if key:
            self._channels[self._awaited] = (name, key)

    def follow(self, event: Event) -> None:
        """Update the target and the list of channels after an event."""
        if isinstance(event, Joined) and event.mine:
            folded = self._state.fold(event.channel)
            self._channels[folded] = (event.channel, self._channels.get(folded, ("", ""))[1])
            if self._awaited == folded:
                self.target, self._awaited = event.channel, ""
            elif self.target is None:
                self.target = event.channel
        elif isinstance(event, Left | Kicked) and event.mine:
            left = event.channels[0] if isinstance(event, Left) else event.channel
            self._channels.pop(self._state.fold(left), None)
            if self._is_target(left):
                self.target = next((channel.name for channel in self._state.channels.values()), None)
        elif isinstance(event, Renamed) and not event.mine and self._is_target(event.old):
            self.target = event.new

    def _is_target(self, name: str) -> bool:
        return self.target is not None and self._state.fold(self.target) == self._state.fold(name)
