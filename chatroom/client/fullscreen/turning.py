"""The keys that bring another place in front."""

from __future__ import annotations

from collections.abc import Callable

from chatroom.client.fullscreen.program import Program
from chatroom.client.places.place import Place


class Turning:
    """Turns to places."""

    def __init__(self, app: Program) -> None:
        self._app = app
        self.actions: dict[str, Callable[[], object]] = {
            "next-place": lambda: self._turn_by(1),
            "previous-place": lambda: self._turn_by(-1),
            "last-place": self._turn_back,
            "next-unread": self._next_unread,
            "next-mention": self._next_mention,
            "server-place": lambda: self.turn_to(self._server_place),
            **{f"place-{number}": self._to_number(number) for number in range(1, 10)},
        }

    def turn_to(self, place: Place | None) -> None:
        """Bring a place in front."""
        if place is not None and self._app.session is not None:
            self._app.session.places.turn_to(place)
            self._app.refresh_chat()

    @property
    def _server_place(self) -> Place | None:
        places = self._app.session.places if self._app.session is not None else None
        front = places.front if places is not None else None
        if places is None or front is None:
            return None
        return next((place for place in places if place.kind == "server" and place.server == front.server), None)

    def _to_number(self, number: int) -> Callable[[], None]:
        return lambda: self.turn_to(self._app.chat.place_number(number))

    def _turn_by(self, step: int) -> None:
        session = self._app.session
        if session is not None:
            session.places.turn_by(step)
            self._app.refresh_chat()

    def _turn_back(self) -> None:
        session = self._app.session
        if session is not None:
            session.places.turn_back()
            self._app.refresh_chat()

    def _next_unread(self) -> None:
        session = self._app.session
        place = session.places.next_unread if session is not None else None
        if place is None:
            self._app.chat.flash("Nothing is new anywhere.")
        self.turn_to(place)

    def _next_mention(self) -> None:
        session = self._app.session
        place = session.places.next_mention if session is not None else None
        if place is None:
            self._app.chat.flash("Nobody has spoken to you.")
        self.turn_to(place)
