"""The sockets that epoll reports to an I/O thread: the first part of each tick, without the hub lock.

A connection's socket is read, or written if a backlog waits; one that has lines then stands in a queue for its turn.
A listening socket has its connections accepted.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from chatroom.server.connection import Connection
from chatroom.server.connection_stage import OPEN

if TYPE_CHECKING:
    from chatroom.server.inbox import Task
    from chatroom.server.long_reads import LongReads
    from chatroom.server.open_connections import OpenConnections
    from chatroom.server.turns import Turns

READ_S: Final = 0.005
"""After so much time a tick reads no further sockets."""
SOCKETS_BETWEEN_LOOKS: Final = 8
"""After so many sockets it looks at the clock."""

_READABLE: Final = select.EPOLLIN


class ReadySockets:
    """Acts on what epoll reports. Only the thread itself calls the methods."""

    __slots__ = (
        "_acceptors",
        "_behind",
        "_connections",
        "_epoll",
        "_give_up",
        "_long_reads",
        "_ready",
        "_table",
        "_turns",
        "_wake_fd",
        "most",
    )

    def __init__(
        self,
        epoll: select.epoll,
        wake_fd: int,
        table: OpenConnections,
        turns: Turns,
        long_reads: LongReads,
        give_up: Callable[[Connection | None], None],
    ) -> None:
        """``give_up`` takes a connection that could not be read, and logs it; None for any other socket."""
        self._epoll = epoll
        self._wake_fd = wake_fd
        self._table = table
        self._turns = turns
        self._long_reads = long_reads
        self._give_up = give_up
        # Parts of them, which every tick needs.
        self._connections, self._ready, self._behind = table.by_fd, turns.ready, turns.behind
        self._acceptors: dict[int, Task] = {}
        """What to call when a listening socket has connections, by its descriptor."""
        self.most = -1
        """How many sockets epoll is to report at most to the next tick; -1 for as many as it likes."""

    def watch(self, listening: socket.socket, accept: Task) -> None:
        """Call ``accept`` whenever a listening socket has connections."""
        self._acceptors[listening.fileno()] = accept
        self._epoll.register(listening.fileno(), select.EPOLLIN)

    def unwatch(self, listening: socket.socket) -> None:
        """Stop watching a listening socket, if it is watched."""
        if self._acceptors.pop(listening.fileno(), None) is not None:
            self._epoll.unregister(listening.fileno())

    def read(self, events: list[tuple[int, int]]) -> None:
        """Read the sockets of these events; of many, as many as the time allows, so that their lines are run."""
        connections, ready, behind = self._connections, self._ready, self._behind
        # Of so few, nobody looks at the clock.
        end_s = time.monotonic() + READ_S if len(events) > SOCKETS_BETWEEN_LOOKS else 0.0
        self.most = -1
        for first in range(0, len(events), SOCKETS_BETWEEN_LOOKS):
            if first and time.monotonic() >= end_s:
                # Epoll reports the others again. It goes round all sockets only if it is asked for a few at a time.
                self.most = SOCKETS_BETWEEN_LOOKS
                return
            for fd, mask in events[first : first + SOCKETS_BETWEEN_LOOKS]:
                connection = connections.get(fd)
                try:
                    if connection is None:
                        self._accept_or_wake(fd)
                    elif mask == _READABLE and connection.state is OPEN:
                        # The usual case, without the calls of _serve and Turns.add.
                        if connection.read():
                            if not connection.queued:
                                connection.queued = True
                                (ready if connection.session.registration is None else behind).append(connection)
                        elif connection.uncut:
                            self._long_reads.add(connection)
                    else:
                        self._serve(connection, mask)
                except Exception:
                    self._give_up(connection)

    def _accept_or_wake(self, fd: int) -> None:
        if fd == self._wake_fd:
            os.eventfd_read(fd)
        elif fd in self._acceptors:
            self._acceptors[fd]()

    def _serve(self, connection: Connection, mask: int) -> None:
        if mask & select.EPOLLOUT:
            connection.flush()
        if mask & ~select.EPOLLOUT:
            if connection.read():
                if connection.state is OPEN:
                    self._turns.add(connection)
            elif connection.uncut:
                self._long_reads.add(connection)
        is_finished = connection.is_finished
        if not is_finished and mask & (select.EPOLLHUP | select.EPOLLERR):
            connection.hang_up()
            self._turns.add(connection)
            is_finished = connection.is_finished
        if is_finished:
            self._table.close(connection)
