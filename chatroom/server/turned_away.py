"""Connections that are turned away: they are kept open for a moment, so that their peers can read why.

Most clients send their first lines at once. If the socket is closed before those have come, the peer's kernel resets
the connection and drops what the client has not read.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.server.lingering import LINGER_S

if TYPE_CHECKING:
    from chatroom.server.inbox import Task
    from chatroom.server.transport import Transport

MOST_KEPT = 16
"""How many are kept open. Few, because a full server may have hardly any open files left."""


class TurnedAway:
    """The connections that were turned away last. Only the first I/O thread calls a method."""

    def __init__(self, call_later: Callable[[float, Task], None]) -> None:
        """``call_later`` has a task run in the thread after a delay in seconds."""
        self._call_later = call_later
        self._kept: deque[tuple[float, Transport]] = deque()
        """When each is to be closed, and its socket, the oldest first."""

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, sock: Transport) -> None:
        """Say nothing more to a connection, and close it when its peer has had time to read."""
        with contextlib.suppress(OSError):  # the peer has gone already
            sock.shutdown(socket.SHUT_WR)
        self._kept.append((time.monotonic() + LINGER_S, sock))
        if len(self._kept) > MOST_KEPT:
            self._kept.popleft()[1].close()
        elif len(self._kept) == 1:
            self._call_later(LINGER_S, self._close_overdue)

    def close(self) -> None:
        """Close all of them."""
        while self._kept:
            self._kept.popleft()[1].close()

    def _close_overdue(self) -> None:
        now_s = time.monotonic()
        while self._kept and self._kept[0][0] <= now_s:
            self._kept.popleft()[1].close()
        if self._kept:
            self._call_later(self._kept[0][0] - now_s, self._close_overdue)
