"""Opens listening sockets: those of ``[[listen]]`` tables, and the control socket."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatroom.errors import AddressUnusable, ServeError
from chatroom.server.backlogs import SEND_BUFFER_BYTES

if TYPE_CHECKING:
    from chatroom.config import Listen

BACKLOG = 4096
"""How many connections may wait to be accepted; the system may allow fewer. A client that finds no room tries again a
second later."""


def find_address(listen: Listen) -> tuple[int, int, int, str, tuple[Any, ...]]:
    """Return where a ``[[listen]]`` table listens, as ``getaddrinfo`` has it. Raises ``AddressUnusable``."""
    try:
        found = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except OSError as error:
        raise AddressUnusable(
            f"cannot listen on {listen.host} port {listen.port}: {error.strerror or error}"
        ) from error
    except UnicodeError as error:  # a name with an empty part, or a part of more than 63 bytes
        raise AddressUnusable(f"cannot listen on {listen.host} port {listen.port}: that is no host name") from error
    return found[0]


def open_listener(listen: Listen, send_buffer_bytes: int = SEND_BUFFER_BYTES) -> socket.socket:
    """Open the listening socket of a ``[[listen]]`` table. Raises ``AddressUnusable``."""
    sock = bind(listen, send_buffer_bytes)
    try:
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _unusable(listen, error) from error
    sock.setblocking(False)
    return sock


def bind(listen: Listen, send_buffer_bytes: int = SEND_BUFFER_BYTES) -> socket.socket:
    """Take the address of a ``[[listen]]`` table, without listening. Raises ``AddressUnusable``."""
    family, kind, protocol, _, address = find_address(listen)
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit these.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        if family == socket.AF_INET6:
            # "::" takes IPv4 connections too, whatever the system's default; _parse_peer makes their addresses IPv4.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise _unusable(listen, error) from error
    return sock


def _unusable(listen: Listen, error: OSError) -> AddressUnusable:
    hint = "; another program listens there, choose another with --port" if error.errno == errno.EADDRINUSE else ""
    return AddressUnusable(f"cannot listen on {listen.host} port {listen.port}: {error.strerror}{hint}")


def open_control(path: Path) -> socket.socket:
    """Open the control socket with mode 0600, in place of a stale one. Raises ``ServeError``.

    The caller holds the daemon's lock on the database, so the socket of a running daemon is never replaced.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # By umask and not by chmod: between bind and chmod, any user could connect.
    old_mask = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        sock.bind(str(path))
        sock.listen(16)
    except OSError as error:
        sock.close()
        raise ServeError(f"cannot make the control socket {path}: {error.strerror}") from error
    finally:
        os.umask(old_mask)
    sock.setblocking(False)
    return sock
