"""Clients that register and then do nothing, beside the load generator's."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Iterator

_AT_ONCE = 500
_CAP_S = 60.0


@contextlib.contextmanager
def idling(port: int, count: int) -> Iterator[None]:
    """Keep that many clients (idle0, idle1 and so on) connected for as long as the block takes."""
    with contextlib.ExitStack() as stack:
        for start in range(0, count, _AT_ONCE):
            _admit(port, [f"idle{number}" for number in range(start, min(count, start + _AT_ONCE))], stack)
        yield


def _admit(port: int, nicks: list[str], stack: contextlib.ExitStack) -> None:
    """Connect all clients, and wait until each has read the end of its welcome."""
    with selectors.DefaultSelector() as selector:
        read: dict[socket.socket, bytes] = {}
        for nick in nicks:
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            sock.sendall(f"NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n".encode())
            sock.setblocking(False)
            read[sock] = b""
            selector.register(sock, selectors.EVENT_READ, sock)
        while read:
            ready = selector.select(_CAP_S)
            if not ready:
                raise TimeoutError(f"{len(read)} clients wait for their welcome")
            for key, _ in ready:
                sock = key.data
                data = sock.recv(65_536)
                if not data:
                    raise ConnectionError("the server closed an idle connection")
                read[sock] += data
                if b" 376 " in read[sock] or b" 422 " in read[sock]:
                    selector.unregister(sock)
                    del read[sock]
