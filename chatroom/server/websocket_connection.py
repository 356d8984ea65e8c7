"""A connection whose lines come and go in WebSocket messages.

Its session enters the world when its handshake is done.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from websockets.frames import CloseCode

from chatroom.server.connection import Connection, State, Transport
from chatroom.server.websocket import Forwarded, WebSocketStream, to_messages

if TYPE_CHECKING:
    from websockets.frames import Opcode

    from chatroom.chat.people.session import Session
    from chatroom.config.values import Network
    from chatroom.irc.framing import Malformed
    from chatroom.server.backlogs import Backlogs

RECEIVE_BYTES = 512
"""How much one read takes: less than of plain lines, because a short frame costs more time than a short line."""

MUCH_BYTES = 256
"""A read of so many bytes is cut behind the reads of others: it may hold 42 pings, which take a quarter of a
millisecond. Most messages are shorter."""

MessageCache = dict[tuple["Opcode", bytes], bytes]
"""Lines of one tick and the messages they are in: the same lines for many readers are put into messages once."""


class WebSocketConnection(Connection):
    """A connection that reads and writes WebSocket messages; everything else is as in ``Connection``.

    It calls ``opened`` when the handshake is done, or ``refused`` with the reason if the handshake fails.
    """

    __slots__ = ("_messages", "_opened", "_refused", "_stream")

    receive_bytes = RECEIVE_BYTES
    much_bytes = MUCH_BYTES
    idle_bytes = 0
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
    ) -> None:
        self._stream = WebSocketStream(allowed_origins, forwarders)
        super().__init__(sock, session, epoll, backlogs, self._stream)
        self._messages = messages
        self._opened = opened
        self._refused = refused
        self.state = State.OPENING

    def read(self) -> bool:
        """Read once, as ``Connection.read`` does. True only while the connection is open, when it has a session."""
        return self._go_on(super().read())

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
            if stream.is_open and not self.ended:
                self.state = State.OPEN
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

    @property
    def forwarded(self) -> Forwarded | None:
        """What a proxy's headers say of the client; None if no proxy is in front of it."""
        return self._stream.forwarded

    def hang_up(self) -> None:
        """Note that the connection is dead in both directions."""
        super().hang_up()
        if self.state is State.OPENING:
            self._give_up("")

    def time_out(self) -> None:
        """Refuse the handshake if it is still not done."""
        if self.state is State.OPENING:
            self._stream.refuse(HTTPStatus.REQUEST_TIMEOUT, "no WebSocket handshake in time")
            super().write(self._stream.take_outgoing())
            self._give_up(self._stream.refusal)

    def _give_up(self, why: str) -> None:
        if why:
            self._refused(self, why)
        self.begin_close()
