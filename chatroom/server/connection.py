"""One accepted socket: bytes in, bytes out, bounded both ways.

Every method is called by the I/O thread that owns the connection, and only that thread closes it. ``session`` is
guarded by the hub lock; nothing here looks into it.
"""

from __future__ import annotations

import select
import socket
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from chatroom.irc.framing import LineBuffer, Malformed

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session

RECEIVE_BYTES = 65_536


class State(Enum):
    """What a connection is about to do."""

    OPENING = auto()
    """Its handshake is under way: it has no lines yet, and no session that anybody knows of."""
    OPEN = auto()
    CLOSING = auto()
    """Its last lines are on their way; then it is shut down, and closed when the peer has read them or time is up."""
    CLOSED = auto()


_CLOSING = State.CLOSING  # an attribute of an Enum class is slow to read


class LineSource(Protocol):
    """What makes lines of a connection's bytes."""

    def feed(self, data: bytes) -> list[str | Malformed]:
        """The lines that ``data`` completes, in order."""
        ...


class Connection:
    """A socket with what was read of it and not run yet, and what could not be written yet."""

    __slots__ = (
        "_backlog",
        "_backlog_bytes",
        "_epoll",
        "_mask",
        "_sendq_bytes",
        "_shut",
        "_socket",
        "_source",
        "_watched",
        "at_end",
        "ended",
        "fd",
        "lines",
        "paused",
        "queued",
        "session",
        "state",
        "watch_second",
    )

    receive_bytes = RECEIVE_BYTES

    def __init__(
        self,
        sock: socket.socket,
        session: Session,
        epoll: select.epoll,
        sendq_bytes: int,
        source: LineSource | None = None,
    ) -> None:
        self._socket = sock
        self.fd = sock.fileno()
        self.session = session
        self._epoll = epoll
        self._sendq_bytes = sendq_bytes
        self._source = source or LineBuffer()
        self._backlog: deque[bytes] | None = None
        self._backlog_bytes = 0
        self._shut = False
        """Whether nothing more can be written."""
        self.lines: Sequence[str | Malformed] = ()
        """What was read and not run yet; replaced, not changed: an idle connection keeps no list for it."""
        self.queued = False
        """Whether the thread has it on its list of those with lines to run."""
        self.ended = ""
        """Why no more lines can come from the peer; empty while some can."""
        self.at_end = False
        """Whether the socket itself has nothing more to give."""
        self.paused = False
        """Whether the kernel is left to hold what the peer sends."""
        self.state = State.OPEN
        self.watch_second = 0
        """In which second its thread looks whether it is alive."""
        self._watched = True
        self._mask = select.EPOLLIN
        epoll.register(self.fd, self._mask)

    # -- reading ----------------------------------------------------------------------------------

    def read(self) -> bool:
        """Read what is there into ``lines``; whether there are any now, or the peer is done."""
        try:
            data = self._socket.recv(self.receive_bytes)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self.ended = self.ended or error.strerror or "Connection lost"
            self.at_end = True
            return True
        if not data:
            self.at_end = True
            self.ended = self.ended or "Connection closed"
            if not self.is_finished:
                self._want(self._mask & ~select.EPOLLIN)
            return True
        if self.state is _CLOSING:
            return False
        lines = self._source.feed(data)
        if not lines:
            return False
        self.lines = [*self.lines, *lines] if self.lines else lines
        return True

    def hang_up(self) -> None:
        """The connection is dead both ways. Epoll would say so again and again, so it is not asked any more.

        The lines that came before are still run: a script that closes without reading our answers resets us.
        """
        self.ended = self.ended or "Connection reset by peer"
        self.at_end = True
        self._backlog = None
        self._shut = True
        self._ignore()

    def pause_reading(self) -> None:
        """Let the kernel hold what the peer sends, until what is here has been run."""
        self.paused = True
        self._want(self._mask & ~select.EPOLLIN)

    def resume_reading(self) -> None:
        """Read again."""
        self.paused = False
        if not self.ended:
            self._want(self._mask | select.EPOLLIN)

    # -- writing ----------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send, or keep what the kernel does not take. A peer that lets too much pile up ends by it."""
        if self._shut:
            return
        if self._backlog:
            self._keep(data)
            return
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self.ended = self.ended or error.strerror or "Connection lost"
            self.at_end = True
            return
        if sent < len(data):
            self._keep(data[sent:])

    def _keep(self, data: bytes) -> None:
        if self._backlog is None:
            self._backlog = deque()
        self._backlog.append(data)
        self._backlog_bytes += len(data)
        if self._backlog_bytes > self._sendq_bytes:
            self.ended = "SendQ exceeded"
            self.at_end = True
            self.lines = ()
            self._backlog = None
            self._backlog_bytes = 0
            self._shut = True
            return
        self._want(self._mask | select.EPOLLOUT)

    def flush(self) -> None:
        """Send what was kept, as the socket takes more."""
        while self._backlog:
            data = self._backlog[0]
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.ended = self.ended or error.strerror or "Connection lost"
                self.at_end = True
                self._backlog = None
                self._backlog_bytes = 0
                return
            self._backlog_bytes -= sent
            if sent < len(data):
                self._backlog[0] = data[sent:]
                return
            self._backlog.popleft()
        self._backlog = None
        self._want(self._mask & ~select.EPOLLOUT)
        if self.state is State.CLOSING:
            self._shut_down()

    # -- the end ----------------------------------------------------------------------------------

    def begin_close(self) -> None:
        """Take nothing more from the peer and end once it has what was written; ``close`` is still to be called.

        Closing at once would make the kernel throw away what the peer has not read yet, if the peer is still sending.
        """
        if self.state is State.OPEN or self.state is State.OPENING:
            self.state = State.CLOSING
            self.lines = ()
            if not self.at_end:
                self._want(self._mask | select.EPOLLIN)
            if not self._backlog:
                self._shut_down()

    def _shut_down(self) -> None:
        self._shut = True
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.at_end = True  # it was reset: nothing will come any more

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be written to the peer any more."""
        return self._shut

    @property
    def is_finished(self) -> bool:
        """Whether a closing connection has nothing left to wait for."""
        return self.state is State.CLOSING and self.at_end and not self._backlog

    def close(self) -> None:
        """Close the socket. Idempotent."""
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            self._shut = True
            self._watched = False  # the kernel takes a closed socket out of the epoll
            self._socket.close()
            self._backlog = None
            self.lines = ()

    def _want(self, mask: int) -> None:
        if mask != self._mask and self._watched:
            self._mask = mask
            self._epoll.modify(self.fd, mask)

    def _ignore(self) -> None:
        if self._watched:
            self._watched = False
            self._epoll.unregister(self.fd)
