"""Up to where the user has read each place, told to the server for the user's other devices.

Source: IRCv3 read-marker.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chatroom.client.places.place import Place
from chatroom.irc.times import format_time

CAPABILITY = "draft/read-marker"
PAUSE_S = 5.0
"""How many seconds pass at least between two lines about the place that the user is reading."""


class ReadMarks:
    """Tells the server. ``write`` sends a line; ``clock`` returns seconds that only go up."""

    def __init__(self, caps: Callable[[], set[str]], write: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._caps = caps
        self._write = write
        self._clock = clock
        # Key of a place to what the server knows, and to when it was told.
        self._known: dict[str, datetime] = {}
        self._told_at: dict[str, float] = {}

    def reset(self) -> None:
        """Begin a new connection: the server may know less, or more."""
        self._known.clear()
        self._told_at.clear()

    def ask(self, place: Place) -> None:
        """Ask up to where the user has read a conversation. For a channel the server says it unasked."""
        if CAPABILITY in self._caps():
            self._write(f"MARKREAD {place.name}")

    def known(self, key: str, at: datetime) -> None:
        """Take note of what the server knows of a place."""
        if key not in self._known or self._known[key] < at:
            self._known[key] = at

    def tell(self, place: Place, *, is_front: bool) -> bool:
        """Tell the server up to where a place is read, if that is new; seldom while the user is reading it.

        True if it is new, and must wait.
        """
        at = place.last_read
        if CAPABILITY not in self._caps() or at is None or place.is_assumed or place.kind == "server":
            return False
        if place.key in self._known and at <= self._known[place.key]:
            return False
        # Times are sent in milliseconds, and nobody has read before the year 1970.
        time_ms = int(at.timestamp() * 1000) if at.year >= 1970 else 0
        now = self._clock()
        if time_ms <= 0:
            return False
        if is_front and now - self._told_at.get(place.key, -PAUSE_S) < PAUSE_S:
            return True
        self._told_at[place.key] = now
        self._known[place.key] = at
        self._write(f"MARKREAD {place.name} timestamp={format_time(time_ms)}")
        return False
