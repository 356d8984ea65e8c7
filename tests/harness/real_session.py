"""The terminal client's session on a real connection, without a screen."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable
from datetime import UTC, datetime

from harness.daemon import CAP_S, PASSWORD

from chatroom.client.address import Address
from chatroom.client.chat_events import Event
from chatroom.client.chat_session import ChatSession
from chatroom.client.handshake import Login
from chatroom.client.known_servers import KnownServers
from chatroom.client.link import Link, LinkItem
from chatroom.client.places.log_entry import Entry
from chatroom.client.places.place import Place
from chatroom.client.route import Route
from chatroom.client.wanted_caps import FOR_PLACES

_OPEN: list[RealSession] = []


class RealSession:
    """One user of a server, as a screen would have it. A context manager: it leaves at the end.

    While one of a test waits, the others read too.
    """

    def __init__(
        self,
        port: int,
        nick: str,
        *,
        account: bool = False,
        join: tuple[str, ...] = (),
        caps: tuple[str, ...] = FOR_PLACES,
        home: str = "#lobby",
    ) -> None:
        self._home = home
        self.seen: list[Event] = []
        self.ahead_s = 0.0
        self._items: queue.SimpleQueue[LinkItem] = queue.SimpleQueue()
        route = Route(Address("127.0.0.1", port), KnownServers(None), lambda: datetime.now(UTC))
        login = Login(nick, nick if account else "", PASSWORD if account else "", "", caps)
        self.links: list[Link] = []
        self.session = ChatSession(
            route, login, lambda: self._make_link(route), lambda: time.monotonic() + self.ahead_s, lambda: 0.5, join
        )

    def _make_link(self, route: Route) -> Link:
        self.links.append(Link(route.address, self._items.put))
        return self.links[-1]

    def __enter__(self) -> RealSession:
        _OPEN.append(self)
        self.session.start()
        self.until(
            lambda: self.here(self._home).is_joined and self.session.talk.here.is_greeted,
            f"the user is in {self._home}",
        )
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.session.over is None:
            self.session.quit()
            self.until(lambda: self.session.over is not None, "the connection has closed")
        _OPEN.remove(self)
        for link in self.links:
            link.join(CAP_S)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Read what the server sends until a condition is true."""
        give_up_at = time.monotonic() + CAP_S
        while not condition():
            assert time.monotonic() < give_up_at, f"in vain: {what}; places: {self.describe()}"
            for session in _OPEN:
                session._read(0.02 if session is self else 0.0)

    def _read(self, wait_s: float) -> None:
        with contextlib.suppress(queue.Empty):
            self.seen += self.session.handle(self._items.get(block=wait_s > 0, timeout=wait_s or None))
            while True:
                self.seen += self.session.handle(self._items.get_nowait())
        self.session.talk.tick()

    def enter(self, text: str) -> None:
        """Type a line."""
        self.seen += self.session.enter(text)

    def here(self, name: str) -> Place:
        """An open place; one that is not open is the server's own."""
        found = self.session.talk.here.find(name)
        return found if found is not None else self.session.talk.here.home

    def entry(self, name: str, text: str) -> Entry:
        """Wait for a message in a place, said and not only under way."""

        def found() -> list[Entry]:
            entries = self.here(name).log.entries
            return [entry for entry in entries if entry.said and entry.said.text == text and entry.delivery == "said"]

        self.until(found, f"{text!r} in {name}")
        return found()[-1]

    def names(self) -> list[str]:
        """The names of the open places."""
        return [place.name for place in self.session.places]

    def texts(self, name: str) -> list[str]:
        """What was said in a place, oldest first."""
        return [entry.said.text for entry in self.here(name).log.entries if entry.said is not None]

    def describe(self) -> str:
        """What the places have, for the message of a failed test."""
        return "; ".join(
            f"{place.name}: {[entry.event for entry in place.log.entries][-5:]}" for place in self.session.places
        )
