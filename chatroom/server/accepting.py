"""Accepting a connection from a listening socket, in fewer steps than ``socket.accept`` takes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from socket import SocketType
from typing import Any


class Acceptor:
    """Accepts the connections of one listening socket.

    ``socket.accept`` does it in a dozen calls of Python: it makes an object that may become a file, and asks two
    enumerations for the kind of socket, which is that of the listening socket each time. A connection that comes and
    goes pays for them with a twentieth of its cost. So this makes the object below it, which has all that reads,
    writes and closes.
    """

    __slots__ = ("_accept", "_family", "_kind", "_protocol")

    def __init__(self, listening: socket.socket) -> None:
        # What ``socket.accept`` begins with. It returns a descriptor, and where the peer is.
        self._accept: Callable[[], tuple[int, Any]] = listening._accept  # type: ignore[attr-defined]
        self._family, self._kind, self._protocol = int(listening.family), int(listening.type), listening.proto

    def accept(self) -> tuple[SocketType, Any]:
        """Return the socket of a new connection, and the peer's address. Raises as ``socket.accept`` does."""
        descriptor, address = self._accept()
        return SocketType(self._family, self._kind, self._protocol, descriptor), address
