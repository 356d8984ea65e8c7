"""A WebSocket connection on a pair of sockets, with what it reports to its thread."""

from __future__ import annotations

import select
import socket

from harness.daemon import CAP_S

from chatroom.chat.people.session import Session
from chatroom.config.values import Networks
from chatroom.server.backlogs import Backlogs
from chatroom.server.connection import Connection
from chatroom.server.web_answers import WebPages
from chatroom.server.websocket_connection import MessageCache, WebSocketConnection

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyBvaw==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class WebSocketPair:
    """The connection, its peer's socket, and the reports. With ``pages``, the peer may ask for files first."""

    def __init__(
        self,
        sendq_bytes: int = 1 << 20,
        messages: MessageCache | None = None,
        *,
        proxy: str = "",
        pages: WebPages | None = None,
        refusal: str | None = None,
    ) -> None:
        ours, self.peer = socket.socketpair()
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.peer.settimeout(CAP_S)
        self.epoll = select.epoll()
        self.opened: list[WebSocketConnection] = []
        self.refused: list[str] = []
        self.left: list[WebSocketConnection] = []
        self.backlogs: Backlogs[Connection] = Backlogs(sendq_bytes)
        self.connection = WebSocketConnection(
            ours,
            Session(1, "127.0.0.1", 4, 0x7F000001, "host", 0),
            self.epoll,
            self.backlogs,
            (),
            Networks().read([proxy]) if proxy else (),
            {} if messages is None else messages,
            self.opened.append,
            lambda connection, why: self.refused.append(why),
            pages,
            lambda connection: refusal,
            self.left.append,
        )

    def close(self) -> None:
        """Close both sockets and the epoll."""
        self.connection.close()
        self.peer.close()
        self.epoll.close()

    def open(self) -> WebSocketConnection:
        """Do the handshake."""
        self.peer.sendall(UPGRADE)
        assert not self.connection.read()
        assert self.peer.recv(65_536).startswith(b"HTTP/1.1 101 ")
        return self.connection
