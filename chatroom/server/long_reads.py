"""The connections of an I/O thread whose last read brought much, which is not cut into lines yet.

To cut two kilobytes can take a millisecond if each line is malformed, and so do the pings of half a kilobyte over
WebSocket. If this were done as each socket is read, who sends a line would wait for all who send as much as they can.
So a tick reads all sockets first, and then cuts for a few milliseconds what has come in long reads, in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.server.connection import Connection

CUT_S = 0.002
"""After so much time a tick cuts no further read. One takes 1.5 ms at the worst."""


class LongReads:
    """The connections with ``uncut`` bytes, each once. Only the thread itself calls the methods, without the lock."""

    __slots__ = ("_add_turn", "_give_up", "waiting")

    def __init__(self, add_turn: Callable[[Connection], None], give_up: Callable[[Connection], None]) -> None:
        """``add_turn`` takes a connection that has lines to run; ``give_up`` one that could not be cut, and logs it."""
        self._add_turn = add_turn
        self._give_up = give_up
        self.waiting: dict[Connection, None] = {}
        """The connections, the one that waits longest first."""

    def add(self, connection: Connection) -> None:
        """Have a connection's bytes cut in this tick or a later one. Idempotent."""
        self.waiting[connection] = None

    def cut(self) -> None:
        """Cut the bytes of the next connections, as far as the time goes, and of at least one."""
        waiting = self.waiting
        until_s = time.monotonic() + CUT_S
        while waiting:
            connection = next(iter(waiting))
            del waiting[connection]
            try:
                if connection.cut():
                    self._add_turn(connection)
            except Exception:
                self._give_up(connection)
            if time.monotonic() >= until_s:
                break
