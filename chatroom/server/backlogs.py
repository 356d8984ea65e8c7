"""The send queues of one I/O thread: how long they may be, and how long a client may take to catch up with its own.

What waits for a slow client is in the daemon's memory, the backlog, and in the kernel's, the send buffer of its socket.
Both count. A client that answers PING and reads little would otherwise keep its part of both for ever.
"""

from __future__ import annotations

import fcntl
import struct
import termios
import time
from typing import Generic, TypeVar

Peer = TypeVar("Peer")
"""A connection: the class that has this one's objects, which therefore cannot name it."""
SEND_BUFFER_BYTES = 131_072
"""The send buffer of a socket, of which the kernel makes twice as much, for its own overhead. Without a bound it lets
one grow to 4 MB. A quarter of ``limits.sendq_bytes``, if that is less."""
_INT = bytes(struct.calcsize("i"))


def send_buffer_bytes(sendq_bytes: int) -> int:
    """Return the send buffer for the sockets of a listener."""
    return min(SEND_BUFFER_BYTES, sendq_bytes // 4)


def count_unsent(fd: int) -> int:
    """Return how many bytes the kernel has that the peer has not received; 0 if that cannot be found out."""
    try:
        # Of the same number as SIOCOUTQ, which Python does not name.
        (count,) = struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, _INT))
    except OSError:
        return 0
    return int(count)


class Backlogs(Generic[Peer]):
    """The connections with a backlog. Only the thread that owns them calls a method."""

    __slots__ = ("_since_s", "sendq_bytes", "written")

    def __init__(self, sendq_bytes: int, written: int = 0) -> None:
        self.sendq_bytes = sendq_bytes
        """What may wait for one client, here and in the kernel."""
        self.written = written
        """The sequence number up to which the thread has written everything; what it writes now is behind that."""
        self._since_s: dict[Peer, float] = {}
        """When the backlog of each began, the earliest first."""

    def __len__(self) -> int:
        return len(self._since_s)

    def peers(self) -> list[Peer]:
        """The connections, that of the earliest backlog first."""
        return list(self._since_s)

    def begin(self, connection: Peer) -> None:
        """Note that a connection has a backlog from now on."""
        self._since_s[connection] = time.monotonic()

    def end(self, connection: Peer) -> None:
        """Note that a connection has none any more."""
        self._since_s.pop(connection, None)

    def forgive_stall(self, late_s: float) -> None:
        """Do not count a time in which the daemon itself did nothing."""
        for connection in self._since_s:
            self._since_s[connection] += late_s

    def is_too_long(self, backlog_bytes: int, fd: int) -> bool:
        """True if more waits for a client than may. It costs a system call only near the bound."""
        room = self.sendq_bytes - backlog_bytes
        # The kernel's buffer is at most twice what was asked for.
        return room < 0 or (room < 2 * SEND_BUFFER_BYTES and room < count_unsent(fd))

    def find_overdue(self, now_s: float, timeout_s: float) -> list[Peer]:
        """Return the connections that have had a backlog for so long, without a moment in between."""
        found = []
        for connection, since_s in self._since_s.items():
            if now_s - since_s < timeout_s:
                break
            found.append(connection)
        return found
