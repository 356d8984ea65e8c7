"""When an I/O thread must look whether its connections are still alive."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.server.connection import Connection


class LivenessWheel:
    """Connections by the second in which a look is due: to schedule or discard one costs the same for any number.

    Each connection is in it once and has its second in ``watch_second``. Belongs to one I/O thread. Moments are of the
    clock that never jumps.
    """

    __slots__ = ("_by_second", "due", "next_s")

    def __init__(self, now_s: float) -> None:
        self._by_second: dict[int, set[Connection]] = {}
        self.next_s = int(now_s) + 1
        """The next second to come. What was scheduled for earlier ones is in ``due``, or was looked at."""
        self.due: deque[Connection] = deque()
        """Connections to look at now, in order. The thread takes them out."""

    def schedule(self, connection: Connection, due_ms: int) -> None:
        """Have a connection looked at within a second after that moment."""
        # Rounded up: by the time the look comes, the moment has passed, and no second look is needed for it.
        second = due_ms // 1000 + 1
        if second < self.next_s:
            second = self.next_s
        connection.watch_second = second
        watched = self._by_second.get(second)
        if watched is None:
            watched = self._by_second[second] = set()
        watched.add(connection)

    def discard(self, connection: Connection) -> None:
        """Forget a closed connection. One that is in ``due`` already stays there."""
        watched = self._by_second.get(connection.watch_second)
        if watched is not None:
            watched.discard(connection)

    def advance(self, now_s: float) -> None:
        """Put the connections of the seconds that have come into ``due``."""
        while self.next_s <= now_s:
            self.due.extend(self._by_second.pop(self.next_s, ()))
            self.next_s += 1
