"""What a connection needs of its socket, and of what cuts its bytes into lines."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from chatroom.irc.framing import Malformed

_MORE: Final = int(socket.MSG_MORE)


class Transport(Protocol):
    """What a connection needs of its socket. Nothing waits: ``BlockingIOError`` means to try again later."""

    def fileno(self) -> int:
        """The descriptor, for epoll."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Return what has come, about ``size`` bytes at most; nothing at the end."""
        ...

    def send(self, data: bytes, /) -> int:
        """Send the beginning of the data; return how many bytes were taken.

        After a ``BlockingIOError`` the next call must have the same data, or more of it.
        """
        ...

    def shutdown(self, how: int, /) -> None:
        """Say that nothing more is sent."""
        ...

    def close(self) -> None:
        """Close the descriptor."""
        ...


def send_last(transport: Transport, data: bytes) -> int:
    """Send bytes behind which the connection ends at once. They leave in one packet with that end.

    Two packets would cost the kernel nearly twice as much. Without the end, the bytes would wait for 0.2 seconds.
    """
    return transport.send(data, _MORE) if isinstance(transport, socket.SocketType) else transport.send(data)


class LineSource(Protocol):
    """Turns a connection's bytes into lines."""

    def feed(self, data: bytes) -> list[str | Malformed]:
        """Take received bytes and return the lines that they complete, in order."""
        ...
