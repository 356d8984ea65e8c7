"""A daemon that also listens for WebSocket, and a client that uses a real WebSocket library."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from harness.daemon import CAP_S, Client, Daemon, Place, stopped_well
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

TEXT, BINARY = "text.ircv3.net", "binary.ircv3.net"


class WebClient(Client):
    """A client whose lines are messages. ``kinds`` has the types of the messages that it has read."""

    def __init__(
        self,
        port: int,
        protocols: Sequence[str] = (TEXT,),
        *,
        origin: str | None = None,
        from_address: str = "127.0.0.1",
    ) -> None:
        self.sock = socket.socket()
        try:
            self.sock.bind((from_address, 0))
            self.sock.settimeout(CAP_S)
            self.sock.connect(("127.0.0.1", port))
            how: dict[str, Any] = {"origin": origin, "open_timeout": CAP_S, "proxy": None, "ping_interval": None}
            offered = [Subprotocol(name) for name in protocols] or None
            self._opening = connect(f"ws://127.0.0.1:{port}/", sock=self.sock, subprotocols=offered, **how)
            self.web: ClientConnection = self._opening.__enter__()
        except BaseException:
            self.sock.close()
            raise
        self.lines: list[str] = []
        self.kinds: set[type] = set()
        self._tail = b""
        self._fences = 0

    def __enter__(self) -> WebClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._opening.__exit__(None, None, None)

    def register(self, nick: str, *, password: str = "") -> WebClient:
        """Complete the registration."""
        super().register(nick, password=password)
        return self

    def send(self, *lines: str) -> None:
        """Send lines, each in its own message of the subprotocol's type."""
        for line in lines:
            self.web.send(line.encode() if self.web.subprotocol == BINARY else line)

    def read_line(self) -> str | None:
        """Read the next message; None at the end of the connection."""
        try:
            message = self.web.recv(timeout=CAP_S)
        except ConnectionClosed:
            return None
        self.kinds.add(type(message))
        line = message.decode() if isinstance(message, bytes) else message
        assert "\r" not in line and "\n" not in line
        self.lines.append(line)
        return line

    @property
    def close_code(self) -> int | None:
        """The code of the server's close frame."""
        self.web.close()
        sent = self.web.protocol.close_rcvd
        return sent.code if sent is not None else None


class WebDaemon(Daemon):
    """A daemon that also listens for WebSocket, at ``web_port``: a free one, or that of the daemon before it."""

    def __init__(self, place: Place, configuration: str = "", web_port: int = 0, listen: str = "") -> None:
        """``listen`` has further lines of the table of its second listener."""
        listen = f'[[listen]]\nport = 1\n[[listen]]\nkind = "websocket"\nport = {web_port}\n{listen}\n'
        place.config_file.write_text(f"{configuration}\n{listen}")
        super().__init__(place)
        self.web_port = int(self.expect_log(" (websocket)").removesuffix(" (websocket)").rpartition(":")[2])

    def open_web(self, *protocols: str, origin: str | None = None, from_address: str = "127.0.0.1") -> WebClient:
        """Connect over WebSocket without sending a line; in text, unless the test names another subprotocol."""
        return WebClient(self.web_port, protocols or (TEXT,), origin=origin, from_address=from_address)


@contextlib.contextmanager
def web_running(configuration: str = "", *, listen: str = "", **settings: float | str) -> Iterator[WebDaemon]:
    """Run a daemon as ``harness.daemon.running`` does, with a configuration file."""
    with Place.make(**settings) as place:
        yield from stopped_well(WebDaemon(place, configuration, listen=listen))
