"""One accepted socket: bytes in, bytes out, bounded both ways.

Only the I/O thread that owns the connection calls its methods. ``session`` is guarded by the hub lock; nothing here
reads or changes it.
"""

from __future__ import annotations

import select
import socket
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from chatroom.chat.runtime import Written
from chatroom.compiled_modules import mypyc_attr
from chatroom.irc.framing import LineBuffer, Malformed
from chatroom.server.connection_stage import CLOSED, CLOSING, OPEN, State
from chatroom.server.idle_bytes import count_idle
from chatroom.server.transport import send_last

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.server.backlogs import Backlogs
    from chatroom.server.transport import LineSource, Transport

RECEIVE_BYTES: Final = 2048
"""How much one read takes. To cut it into lines takes 1.5 ms at the worst, if each of them is malformed."""
FEW_BYTES: Final = 479
"""A read asks for so many bytes first, if the read before brought fewer. Python keeps memory for objects up to this
size. With one byte more, it asks the C library for memory, and a read takes 0.3 µs longer."""
REST_BYTES: Final = 65_536
"""How much is read of a connection that is dead, all at once: it is not watched any more."""
_SUSPECT_BYTES: Final = 2048
"""A read of so many bytes is looked at for them, and one that makes no line."""
MUCH_BYTES: Final = 514
"""A read of so many bytes is more than the longest line without tags. It is cut behind the reads of others."""
READ_AHEAD_LINES: Final = 1000
"""With more waiting lines than this, a connection is not read: the kernel buffers the rest and slows the peer down."""
SEND_QUEUE_EXCEEDED: Final = "SendQ exceeded"


@mypyc_attr(allow_interpreted_subclasses=True)
class Connection:
    """A socket with the lines that are read and not run yet, and the bytes that it has not taken yet.

    Every open connection has one, so all its state is in flat slots: parts of their own would cost memory for each
    client and a step for each read and write.
    """

    __slots__ = (
        *("_backlog", "_backlog_bytes", "_backlogs", "_epoll", "_gets_few", "_mask"),
        *("_shut", "_socket", "_source", "_watched"),
        "at_end",
        "behind",
        "ended",
        "fd",
        "lines",
        "paused",
        "queued",
        "session",
        "state",
        "uncut",
        "watch_second",
    )
    __deletable__ = ("session",)  # for mypyc

    receive_bytes: ClassVar[int] = RECEIVE_BYTES
    counts_each: ClassVar[bool] = False
    """True if each read is asked what it had besides its lines, however short it is."""
    ends_with_error: ClassVar[bool] = True
    """True if the peer is sent an ERROR when the daemon stops."""

    def __init__(
        self,
        sock: Transport,
        session: Session,
        epoll: select.epoll,
        backlogs: Backlogs[Connection],
        source: LineSource | None = None,
    ) -> None:
        self._socket = sock
        self.fd = sock.fileno()
        self.session = session
        self._epoll = epoll
        self._backlogs = backlogs
        self._source = source or LineBuffer()
        self._backlog: deque[tuple[int, bytes]] | None = None
        """What the socket has not taken yet, in order, each with the sequence number before it; None if it took all."""
        self._backlog_bytes = 0
        self._gets_few = True
        """True if the last read has brought less than ``FEW_BYTES``."""
        self._shut = False
        """True if nothing more can be written."""
        self.behind: int | None = None
        """Up to which sequence number the socket has taken everything, if not all. Any thread may read it."""
        self.lines: Sequence[str | Malformed] = ()
        """The lines that are read and not run yet. Replaced, never changed: an idle connection keeps no list."""
        self.uncut = b""
        """Bytes of the last read that are not cut into lines yet (``cut``). Until they are, nothing more is read."""
        self.queued = False
        """True if it is in its thread's list of connections with lines to run."""
        self.ended = ""
        """The reason why no more lines can come from the peer; empty while some can."""
        self.at_end = False
        """True if the socket has nothing more to read."""
        self.paused = False
        """True if the socket is not read because too many lines wait."""
        self.state = OPEN
        self.watch_second = 0
        """The second in which its thread next checks that it is alive (``LivenessWheel``)."""
        self._watched = True
        """True while the epoll reports events of the socket."""
        self._mask = select.EPOLLIN
        epoll.register(self.fd, self._mask)

    # -- reading ----------------------------------------------------------------------------------

    def read(
        self, receive_bytes: int = RECEIVE_BYTES, much_bytes: int = MUCH_BYTES, *, counts_each: bool = False
    ) -> bool:
        """Read once and add to ``lines``. True if there are new lines, or the peer is gone or has closed its end.

        False also if the read has brought much: then ``uncut`` has it, and the caller sees to it that ``cut`` is called
        when the connections with little have been read. A subclass has other limits. They are parameters, because
        reading an attribute of a class takes several times as long, and most lines come in a read of their own.
        """
        if self.uncut:
            return False
        try:
            if self._gets_few:
                data = self._socket.recv(FEW_BYTES)
                if len(data) == FEW_BYTES:
                    data = self._read_on(data, receive_bytes)
            else:
                data = self._socket.recv(receive_bytes)
                self._gets_few = len(data) < FEW_BYTES
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self.ended = self.ended or error.strerror or "Connection lost"
            self.at_end = True
            self._fall_behind()
            return True
        if not data:
            self.at_end = True
            self.ended = self.ended or "Connection closed"
            if self.state is not CLOSING or self._backlog:
                # A socket at its end is always readable: epoll would report it in every tick.
                self._want(self._mask & ~select.EPOLLIN)
            return True
        if self.state is OPEN:
            if len(data) >= much_bytes:
                self.uncut = data
                return False
        elif self.state is CLOSING:
            return False  # read only to learn when the peer closes its end
        lines = self._source.feed(data)
        if not lines or counts_each:
            return self._add_lines(data, lines)
        self.lines = [*self.lines, *lines] if self.lines else lines
        return True

    def _read_on(self, data: bytes, receive_bytes: int) -> bytes:
        """Return what a read has brought that asked for few bytes, and the rest of what it may take."""
        self._gets_few = False
        try:
            return data + self._socket.recv(receive_bytes - len(data))
        except OSError:
            return data  # there is no more yet; if the peer is gone, the next read finds that too

    def cut(self) -> bool:
        """Cut what the last read has brought and add to ``lines``. True as for ``read``."""
        data, self.uncut = self.uncut, b""
        has_lines = bool(data) and self._add_lines(data, self._source.feed(data))
        return has_lines or bool(self.ended)

    def _add_lines(self, data: bytes, lines: list[str | Malformed]) -> bool:
        """Add the lines that a read has made, and empty ones for what it had besides. True if there are any."""
        if not lines or self.counts_each or len(data) >= _SUSPECT_BYTES:
            lines += [""] * self._count_idle(data, lines)
            if not lines:
                return False
        self.lines = [*self.lines, *lines] if self.lines else lines
        return True

    def _count_idle(self, data: bytes, lines: Sequence[str | Malformed]) -> int:
        return count_idle(data, lines)

    def hang_up(self) -> None:
        """Note that the connection is dead in both directions.

        Lines that came before are still run: a script may send its commands and close without reading the answers,
        which resets the connection.
        """
        self.cut()
        for _ in range(REST_BYTES // self.receive_bytes):
            # With so many lines, the connection is ended for a flood anyway.
            if self.at_end or len(self.lines) > READ_AHEAD_LINES:
                break
            self.read()
            self.cut()
        self.ended = self.ended or "Connection reset by peer"
        self.at_end = True
        self._fall_behind()
        self._end_backlog()
        self._shut = True
        if self._watched:
            # Epoll reports a dead socket in every tick, whatever it is asked for.
            self._watched = False
            self._epoll.unregister(self.fd)

    def throttle_reading(self) -> None:
        """Stop reading if more than ``READ_AHEAD_LINES`` wait, and read again when all of them have run."""
        if len(self.lines) > READ_AHEAD_LINES:
            self.paused = True
            self._want(self._mask & ~select.EPOLLIN)
        elif not self.lines:
            self.paused = False
            if not self.ended:
                self._want(self._mask | select.EPOLLIN)

    # -- writing ----------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes; what the socket does not take goes to the backlog.

        If more waits for the peer than may (``Backlogs``), the connection is given up.
        """
        if self._shut:
            return
        if self._backlog:
            self._add_to_backlog(data, self._backlogs.written)
            return
        try:
            sent = send_last(self._socket, data) if self.session.closing else self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self.ended = self.ended or error.strerror or "Connection lost"
            self.at_end = True
            self._fall_behind()
            return
        if sent < len(data):
            self._add_to_backlog(data[sent:], self._backlogs.written)

    def _fall_behind(self) -> None:
        """Note that the socket does not take what is written now, if it has taken everything before."""
        if self.behind is None:
            self.behind = self._backlogs.written

    def _add_to_backlog(self, data: bytes, before: int) -> None:
        if self._backlog is None:
            self._backlog = deque()
            self._backlogs.begin(self)
            if self.behind is None:
                self.behind = before
        self._backlog.append((before, data))
        self._backlog_bytes += len(data)
        if self._backlogs.is_too_long(self._backlog_bytes, self.fd):
            self.drop(SEND_QUEUE_EXCEEDED)
            return
        self._want(self._mask | select.EPOLLOUT)

    def drop(self, why: str) -> None:
        """Give the peer up: nothing more is read or written."""
        self.ended = why
        self.at_end = True
        self.lines, self.uncut = (), b""
        self._fall_behind()
        self._end_backlog()
        self._shut = True

    def _end_backlog(self) -> None:
        if self._backlog is not None:
            self._backlog = None
            self._backlog_bytes = 0
            self._backlogs.end(self)

    def flush(self) -> None:
        """Send as much of the backlog as the socket takes."""
        while self._backlog:
            before, data = self._backlog[0]
            self.behind = before
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.ended = self.ended or error.strerror or "Connection lost"
                self.at_end = True
                self._end_backlog()
                return
            self._backlog_bytes -= sent
            if sent < len(data):
                self._backlog[0] = before, data[sent:]
                return
            self._backlog.popleft()
        self._end_backlog()
        self.behind = None
        self._want(self._mask & ~select.EPOLLOUT)
        if self.state is CLOSING:
            self._shut_down()

    # -- the end ----------------------------------------------------------------------------------

    def begin_close(self, *, is_restart: bool = False) -> None:
        """Run no more lines of the peer, and shut the socket down when the backlog is sent. Idempotent.

        ``is_restart`` is True if the daemon stops, and the peer may connect again.
        The caller calls ``close`` later. Closing now would reset the connection if the peer is still sending, and its
        kernel would then drop last lines that it has not read.
        """
        if self.state is OPEN or self.state is State.OPENING:
            self.state = CLOSING
            self.lines, self.uncut = (), b""
            if not self.at_end:
                self._want(self._mask | select.EPOLLIN)
            if not self._backlog:
                self._shut_down()

    def _shut_down(self) -> None:
        self._shut = True
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.at_end = True  # the peer has reset the connection: nothing will come any more

    @property
    def has_backlog(self) -> bool:
        """True if the peer has not read all that was sent to it."""
        return bool(self._backlog)

    @property
    def written(self) -> Written:
        """How far what the session was told is handed to the socket. From any thread."""
        behind = self.behind
        return Written(self._backlogs.written, is_all=True) if behind is None else Written(behind, is_all=False)

    @property
    def is_lost(self) -> bool:
        """True if nothing more can be written to the peer."""
        return self._shut

    @property
    def is_finished(self) -> bool:
        """True if a closing connection has nothing left to wait for."""
        return self.at_end and self.state is CLOSING and not self._backlog

    def close(self) -> None:
        """Close the socket. Idempotent."""
        if self.state is not CLOSED:
            self.state = CLOSED
            self._shut = True
            self._watched = False  # the kernel removes a closed socket from the epoll
            self._socket.close()
            self._end_backlog()
            self.lines, self.uncut = (), b""

    # -- from process to process -------------------------------------------------------------------

    @property
    def source(self) -> LineSource:
        """What cuts the bytes into lines."""
        return self._source

    @property
    def transport(self) -> Transport:
        """The socket."""
        return self._socket

    @property
    def unsent(self) -> bytes:
        """The bytes that the socket has not taken yet."""
        return b"".join([data for _, data in self._backlog or ()])

    def go_on(self, lines: Sequence[str | Malformed], uncut: bytes, unsent: bytes, behind: int) -> None:
        """Go on where the connection was left by the process that had it. Before anything else is read or written.

        ``behind`` is the sequence number before ``unsent``.
        """
        self.lines, self.uncut = lines, uncut
        self.throttle_reading()
        if unsent:
            self._add_to_backlog(unsent, behind)

    def let_go(self) -> None:
        """Close this process's descriptor of a socket that another process has now. Nothing of it reaches the peer."""
        if self._watched:
            # The kernel removes a socket from an epoll when its last descriptor is closed, in whatever process that is.
            self._watched = False
            self._epoll.unregister(self.fd)
        self.close()

    def _want(self, mask: int) -> None:
        if mask != self._mask and self._watched:
            self._mask = mask
            self._epoll.modify(self.fd, mask)
