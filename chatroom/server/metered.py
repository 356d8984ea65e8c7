"""A hub and I/O threads that count what they do. They are used only if metrics are on, so that off costs nothing."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chatroom.server.hub import Hub
from chatroom.server.io_thread import IoThread

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World
    from chatroom.irc.framing import Malformed
    from chatroom.server.operator_screen import Screen
    from chatroom.server.workers import Workers

TICK_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""A tick is meant to take at most about 20 ms."""
BYTE_BOUNDS = (100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0)
_MESSAGES = ("PRIVMSG ", "NOTICE ", "TAGMSG ")


class Buckets:
    """How many values were at most as high as each bound. One thread at a time adds; others read whole numbers."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """How many values were above the bound before and at most this one; the last is above all bounds."""
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class MeteredHub(Hub):
    """A hub that counts lines and bytes. All its numbers are changed under the hub lock."""

    def __init__(self, world: World, workers: Workers, screen: Screen) -> None:
        super().__init__(world, workers, screen)
        self.lines_in = 0
        """The lines of clients that were run."""
        self.messages_in = 0
        """The lines of clients that said something: PRIVMSG, NOTICE and TAGMSG."""
        self.lines_out = 0
        """The lines that were handed to connections to be sent: one for each reader."""
        self.tick_bytes = Buckets(BYTE_BOUNDS)
        """The bytes that each tick handed to connections, of ticks that said anything."""

    def run_line(self, session: Session, line: str | Malformed) -> bool:
        """Run a line, and count it."""
        self._count_line(line)
        return Hub.run_line(self, session, line)  # by its name, which is quicker than super()

    def _count_line(self, line: str | Malformed) -> None:
        self.lines_in += 1
        # Clients write the verb in capitals; another spelling is worth no parsing.
        if isinstance(line, str) and (
            line.startswith(_MESSAGES) or (line[:1] == "@" and line.partition(" ")[2].startswith(_MESSAGES))
        ):
            self.messages_in += 1

    def _drain(self) -> list[tuple[Session, bytes]]:
        writes = super()._drain()
        if writes:
            size, lines, counted, count = 0, 0, b"", 0
            for _, data in writes:
                size += len(data)
                if data is not counted:  # a room's readers get the same object, one after the other
                    counted, count = data, data.count(b"\n")
                lines += count
            self.lines_out += lines
            self.tick_bytes.add(size)
        return writes


def make_threads(hub: Hub, count: int, released: Callable[[Session], None]) -> list[IoThread]:
    """Make the I/O threads of a hub, metered if it is."""
    kind = MeteredIoThread if isinstance(hub, MeteredHub) else IoThread
    hub.threads = threads = [kind(index, hub, released) for index in range(count)]
    return threads


class MeteredIoThread(IoThread):
    """An I/O thread that measures its ticks."""

    def __init__(self, index: int, hub: Hub, released: Callable[[Session], None]) -> None:
        super().__init__(index, hub, released)
        self.tick_s = Buckets(TICK_BOUNDS_S)
        """How long each tick took: reading sockets, running lines and tasks, writing. Only this thread adds."""

    def _tick(self, events: list[tuple[int, int]]) -> None:
        began_s = time.perf_counter()
        super()._tick(events)
        self.tick_s.add(time.perf_counter() - began_s)
