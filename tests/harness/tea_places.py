"""A server's places with two channels, and what stands in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatroom.client.chat_events import Event, Welcome
from chatroom.client.chat_state import State
from chatroom.client.places.open_places import Places
from chatroom.client.places.place import Place
from chatroom.client.places.server_places import ServerPlaces
from chatroom.irc.message import parse

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Tea:
    """alice on a server, in #tea with bob, and #cake with bob and carol. #tea is in front."""

    def __init__(self, places: Places | None = None, server: str = "home") -> None:
        self.clock = 0.0
        self.state = State()
        self.state.reset("alice", set())
        self.places = Places() if places is None else places
        self.here = ServerPlaces(
            self.places, server, self.state, lambda: NOON + timedelta(seconds=self.clock), lambda: self.clock
        )
        self.follow(Welcome("alice"))
        self.here.is_greeted = True
        for channel, names in (("#tea", "@alice bob"), ("#cake", "alice bob +carol")):
            self.hear(
                f"@time=2030-01-01T12:00:00.000Z :alice!a@h JOIN {channel}",
                f":srv 353 alice = {channel} :{names}",
                f":srv 366 alice {channel} :End",
            )
        self.places.take_changes()

    def follow(self, *events: Event) -> None:
        """Put these events into their places."""
        for event in events:
            self.here.follow(event)

    def hear(self, *lines: str) -> None:
        """Read these lines of the server."""
        for line in lines:
            self.follow(*self.state.feed(parse(line)))

    def place(self, name: str) -> Place:
        """An open place."""
        place = self.here.find(name)
        assert place is not None
        return place

    def texts(self, name: str = "") -> list[str]:
        """What was said in a place; of the server's own if there is no name."""
        place = self.place(name) if name else self.here.home
        return [getattr(entry.event, "text", type(entry.event).__name__) for entry in place.log.entries]

    def first_new(self, name: str) -> Event | None:
        """The event under the line "new" of a place."""
        entry = self.place(name).first_unread
        return entry.event if entry is not None else None

    def names(self) -> list[str]:
        """The names of the open places, in order."""
        return [place.name for place in self.places]

    def changed(self) -> set[str]:
        """The names of the places that have changed."""
        return {place.name for place in self.places.take_changes()}
