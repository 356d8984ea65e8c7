"""A connection whose lines come and go in WebSocket messages.

Its session enters the world when its handshake is done. If the listener has a ``webroot``, a connection may ask for
files instead: then it never has a session, and all happens in ``read`` and ``flush``, without the hub lock.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from websockets.frames import CloseCode

from chatroom.server.backlogs import count_unsent
from chatroom.server.connection import Connection
from chatroom.server.connection_stage import State
from chatroom.server.web_answers import MOST_REQUESTS
from chatroom.server.web_visit import PIECE_BYTES, TURN_BYTES, Visit
from chatroom.server.websocket import Forwarded, WebSocketStream, to_messages

if TYPE_CHECKING:
    from websockets.frames import Opcode

    from chatroom.chat.people.session import Session
    from chatroom.config.values import Network
    from chatroom.irc.framing import Malformed
    from chatroom.server.backlogs import Backlogs
    from chatroom.server.transport import Transport
    from chatroom.server.web_answers import WebPages

RECEIVE_BYTES = 512
"""How much one read takes: less than of plain lines, because a short frame costs more time than a short line."""

MUCH_BYTES = 256
"""A read of so many bytes is cut behind the reads of others: it may hold 42 pings, which take a quarter of a
millisecond. Most messages are shorter."""

MessageCache = dict[tuple["Opcode", bytes], bytes]
"""Lines of one tick and the messages they are in: the same lines for many readers are put into messages once."""


class WebSocketConnection(Connection):
    """A connection that reads and writes WebSocket messages; everything else is as in ``Connection``.

    It calls ``opened`` when the handshake is done, or ``refused`` with the reason if the handshake fails. A connection
    that asks for files calls ``admit`` if a proxy has named its client, which returns why it must not be answered, if
    so; and ``left`` at its end.
    """

    __slots__ = ("_admit", "_left", "_messages", "_opened", "_pages", "_refused", "_stream", "_visit")

    receive_bytes = RECEIVE_BYTES
    counts_each = True
    # Web clients take ERROR for final, and do not connect again. The code of the close frame tells them of a restart.
    ends_with_error = False

    def __init__(
        self,
        sock: Transport,
        session: Session,
        epoll: select.epoll,
        backlogs: Backlogs[Connection],
        allowed_origins: Sequence[str],
        forwarders: tuple[Network, ...],
        messages: MessageCache,
        opened: Callable[[WebSocketConnection], None],
        refused: Callable[[WebSocketConnection, str], None],
        pages: WebPages | None = None,
        admit: Callable[[WebSocketConnection], str | None] = lambda connection: None,
        left: Callable[[WebSocketConnection], None] = lambda connection: None,
    ) -> None:
        self._stream = WebSocketStream(allowed_origins, forwarders, pages)
        super().__init__(sock, session, epoll, backlogs, self._stream)
        self._messages = messages
        self._opened = opened
        self._refused = refused
        self._pages = pages
        self._admit = admit
        self._left = left
        self._visit: Visit | None = None
        """The requests for files; None if there was none."""
        self.state = State.OPENING

    def read(
        self, receive_bytes: int = RECEIVE_BYTES, much_bytes: int = MUCH_BYTES, *, counts_each: bool = True
    ) -> bool:
        """Read once, as ``Connection.read`` does. True only while the connection is open, when it has a session."""
        return self._go_on(super().read(receive_bytes, much_bytes, counts_each=counts_each))

    def cut(self) -> bool:
        """Cut what the last read has brought, as ``Connection.cut`` does. Pings are answered here, off the hub lock."""
        return self._go_on(super().cut())

    def _go_on(self, has_lines: bool) -> bool:
        """Send the protocol's answers, and note what the handshake or a close frame has changed."""
        stream = self._stream
        answer = stream.take_outgoing()
        if answer:
            super().write(answer)
        if self.state is State.OPENING:
            if stream.asked is not None:
                self._answer_request()
            elif stream.is_open and not self.ended:
                self.state = State.OPEN
                self._visit = None
                self._opened(self)
            elif stream.refusal or self.ended:
                self._give_up(stream.refusal)
        if stream.ended and not self.ended:
            self.ended = stream.ended
            has_lines = True
        return has_lines and self.state is State.OPEN

    def _count_idle(self, data: bytes, lines: Sequence[str | Malformed]) -> int:
        """Return how many frames of the read have made no line: pings, empty messages, fragments."""
        return self._stream.take_idle_frames()

    def write(self, data: bytes) -> None:
        """Send lines, each in its own message."""
        stream = self._stream
        if not stream.can_send:
            return
        key = (stream.opcode, data)
        messages = self._messages.get(key)
        if messages is None:
            messages = self._messages[key] = to_messages(data, stream.opcode)
        super().write(messages)

    def begin_close(self, *, is_restart: bool = False) -> None:
        """Send a close frame behind what was written, and end as any connection does."""
        self._stream.close(CloseCode.SERVICE_RESTART if is_restart else CloseCode.NORMAL_CLOSURE)
        last = self._stream.take_outgoing()
        if last:
            super().write(last)
        super().begin_close(is_restart=is_restart)

    def close(self) -> None:
        """Close the socket. Idempotent."""
        super().close()
        self._stream.free()

    def use_state(self, state: dict[str, Any]) -> None:
        """Go on with an open stream that another process has begun (``WebSocketStream.to_state``)."""
        self._stream.use_state(state)
        self.state = State.OPEN

    @property
    def stream(self) -> WebSocketStream:
        """The protocol's side of the connection."""
        return self._stream

    @property
    def forwarded(self) -> Forwarded | None:
        """What a proxy's headers say of the client; None if no proxy is in front of it."""
        return self._stream.forwarded

    def hang_up(self) -> None:
        """Note that the connection is dead in both directions."""
        super().hang_up()
        if self.state is State.OPENING:
            self._give_up("")

    def time_out(self) -> bool:
        """Refuse the handshake if it is still not done. True if files are sent meanwhile: look again later."""
        visit = self._visit
        if self.state is not State.OPENING:
            return False
        if visit is None:
            self._stream.refuse(HTTPStatus.REQUEST_TIMEOUT, "no WebSocket handshake in time")
            super().write(self._stream.take_outgoing())
            self._give_up(self._stream.refusal)
        elif visit.may_go_on(count_unsent(self.fd)):
            return True
        else:
            self.drop("Nothing asked for, or not read")
            self.begin_close()
            self._left(self)
        return False

    @property
    def is_visited(self) -> bool:
        """True if the peer has asked for files."""
        return self._visit is not None

    # -- files ------------------------------------------------------------------------------------

    def _answer_request(self) -> None:
        """Answer the request that the stream has read. Until its end, nothing more is read."""
        stream, pages, request = self._stream, self._pages, self._stream.asked
        assert pages is not None and request is not None
        if stream.forwarded is not None:
            refusal = self._admit(self)
            if refusal is not None:
                stream.refuse(HTTPStatus.TOO_MANY_REQUESTS, refusal)
                super().write(stream.take_outgoing())
                self._give_up(refusal)
                return
        visit = self._visit
        if visit is None:
            visit = self._visit = Visit()
        visit.requests += 1
        visit.has_moved = True
        # A proxy may use one connection for several of its clients.
        is_last = stream.is_pipelined or stream.forwarded is not None or visit.requests >= MOST_REQUESTS
        answer = pages.answer(request, is_own=stream.is_own(request.host), is_last=is_last)
        visit.closes = answer.closes
        if len(answer.head) + len(answer.body) <= PIECE_BYTES:
            super().write(answer.head + answer.body)
        else:
            super().write(answer.head)
            visit.body = memoryview(answer.body)
        self._send_on(visit)

    def _send_on(self, visit: Visit) -> None:
        """Send the next pieces of the answer. When all of it is sent, close the connection or read it again."""
        sent, most = 0, min(PIECE_BYTES, self._backlogs.sendq_bytes // 4)
        while not self.has_backlog and not self.ended and sent < TURN_BYTES:
            piece = visit.take_piece(most)
            if not piece:
                break
            super().write(piece)
            sent += len(piece)
        if self.ended:
            visit.body = None  # the peer is gone
        elif visit.body is not None or self.has_backlog:
            self._want((self._mask | select.EPOLLOUT) & ~select.EPOLLIN)
            return
        self._stream.asked = None
        if visit.closes or self._stream.is_pipelined or self.ended:
            self.begin_close()
            self._left(self)
        else:
            self._want((self._mask | select.EPOLLIN) & ~select.EPOLLOUT)

    def flush(self) -> None:
        """Send as much of what waits as the socket takes; of an answer that is a file, the next pieces."""
        super().flush()
        if self._visit is not None and self._stream.asked is not None and self.state is State.OPENING:
            self._visit.has_moved = True
            if not self.has_backlog:
                self._send_on(self._visit)

    def _give_up(self, why: str) -> None:
        if why:
            self._refused(self, why)
        self.begin_close()
