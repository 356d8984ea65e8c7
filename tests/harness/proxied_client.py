"""A client of IRC on a connection that somebody else has opened, such as one through a proxy with TLS."""

from __future__ import annotations

import socket

from harness.daemon import Client


class ProxiedClient(Client):
    """A client on this connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.lines: list[str] = []
        self._tail = b""
        self._fences = 0
