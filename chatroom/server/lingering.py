"""Closing connections that wait for their peers to read the last lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from chatroom.server.connection import Connection

LINGER_S: Final = 2.0
"""How long a closing connection waits for its peer to read the last lines."""


class Lingering:
    """The closing connections of one I/O thread, which alone may use it."""

    __slots__ = ("until_s",)

    def __init__(self) -> None:
        self.until_s: dict[Connection, float] = {}
        """The moment when each is closed at the latest, the earliest first. Every tick looks if it is empty."""

    def add(self, connection: Connection) -> None:
        """Have a connection wait."""
        self.until_s[connection] = time.monotonic() + LINGER_S

    def discard(self, connection: Connection) -> None:
        """Take a connection out, if it is there."""
        self.until_s.pop(connection, None)

    def wait_s(self) -> float:
        """How long until the first is overdue. Some must wait."""
        return max(0.0, next(iter(self.until_s.values())) - time.monotonic())

    def overdue(self, now_s: float) -> list[Connection]:
        """Return the connections whose time is up."""
        found = []
        for connection, until_s in self.until_s.items():
            if until_s > now_s:
                break
            found.append(connection)
        return found
