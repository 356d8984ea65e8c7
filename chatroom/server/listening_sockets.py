"""The listening sockets: those that the service manager hands over (socket activation), and those that are opened here.

The protocol is that of sd_listen_fds(3): ``LISTEN_FDS`` sockets from descriptor 3 on belong to the process
``LISTEN_PID``. A socket that the service manager keeps open takes connections while the daemon is started or restarted;
they wait in the kernel until it accepts them. A handed socket stands for the ``[[listen]]`` table with its address and
port, and is never served without one: only the table says if there must be TLS.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatroom.errors import AddressUnusable, ServeError
from chatroom.server.opening_sockets import find_address, open_listener

if TYPE_CHECKING:
    from chatroom.config import Listen

_FIRST_DESCRIPTOR = 3
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class Inherited:
    """A listening socket that the service manager has opened."""

    name: str
    """What the service manager calls it: ``FileDescriptorName``, or the name of the socket unit."""
    sock: socket.socket

    @property
    def address(self) -> tuple[str, int]:
        """Its host, as an address, and its port."""
        host, port = self.sock.getsockname()[:2]
        return host, port


def take_inherited(environ: MutableMapping[str, str]) -> list[Inherited]:
    """Take the sockets over, and remove their variables. Raises ``ServeError`` if one of them cannot be served.

    Call it before anything else opens a file: the descriptors are fixed numbers.
    """
    count, pid = environ.pop("LISTEN_FDS", ""), environ.pop("LISTEN_PID", "")
    names = environ.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not count:
        return []
    if not (count.isascii() and count.isdecimal()):
        raise ServeError(f"LISTEN_FDS is no number of sockets: {count}")
    taken: list[Inherited] = []
    try:
        for index in range(int(count)):
            name = names[index] if index < len(names) and names[index] else "unknown"
            taken.append(Inherited(name, _take(_FIRST_DESCRIPTOR + index, name)))
    except BaseException:
        close_all(taken)
        raise
    return taken


def _take(descriptor: int, name: str) -> socket.socket:
    offer = f"the service manager hands over descriptor {descriptor} ({name})"
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        raise ServeError(f"{offer}, which is no socket: {error.strerror}") from error
    if (
        sock.family not in (socket.AF_INET, socket.AF_INET6)
        or sock.type != socket.SOCK_STREAM
        or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        sock.close()
        raise ServeError(f"{offer}, which is no listening TCP socket: use ListenStream with an address and Accept=no")
    sock.set_inheritable(False)
    sock.setblocking(False)
    return sock


def close_all(inherited: Sequence[Inherited]) -> None:
    """Close the sockets here. The service manager keeps its own descriptors of them."""
    for one in inherited:
        one.sock.close()


def open_listeners(
    listens: Sequence[Listen], inherited: Sequence[Inherited], send_buffer_bytes: int
) -> list[tuple[Listen, socket.socket]]:
    """Return the listening socket of each ``[[listen]]`` table: the one that was handed over, or else a new one.

    The caller owns the sockets; if this raises, all are closed. Raises ``AddressUnusable``, also if a socket was handed
    over that no table has.
    """
    unclaimed = list(inherited)
    opened: list[tuple[Listen, socket.socket]] = []
    try:
        chosen = [(listen, _choose(listen, unclaimed)) for listen in listens]
        if unclaimed:
            raise AddressUnusable("; ".join(map(_unwanted, unclaimed)))
        for listen, one in chosen:
            if one is not None:
                _prepare(one.sock, send_buffer_bytes)
            opened.append((listen, one.sock if one is not None else open_listener(listen, send_buffer_bytes)))
    except BaseException:
        close_all(inherited)
        for _, sock in opened:
            sock.close()
        raise
    return opened


def _choose(listen: Listen, unclaimed: list[Inherited]) -> Inherited | None:
    """Take the socket of a table out of those that are left."""
    if not unclaimed or not listen.port:
        return None
    host = find_address(listen)[4][0]
    same_port = [one for one in unclaimed if one.address[1] == listen.port]
    # "ListenStream=6667" opens [::], which takes IPv4 connections too, as does a table with "::".
    either = [one for one in same_port if one.address[0] in _WILDCARDS and host in _WILDCARDS]
    for one in [*(one for one in same_port if one.address[0] == host), *either]:
        unclaimed.remove(one)
        return one
    return None


def _prepare(sock: socket.socket, send_buffer_bytes: int) -> None:
    # Connections that wait already do not inherit these, but for those the socket unit's NoDelay does the same.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)


def _unwanted(one: Inherited) -> str:
    host, port = one.address
    return (
        f"the service manager hands over {shown_address(one.sock)} ({one.name}), but no [[listen]] has it: set "
        f'host = "{host}" and port = {port} there, or remove the address from the socket unit'
    )


def describe_inherited(inherited: Sequence[Inherited]) -> list[str]:
    """Return a log line for each socket that was handed over."""
    return [f"{shown_address(one.sock)} was opened by the service manager ({one.name})" for one in inherited]


def shown_address(sock: socket.socket, listen: Listen | None = None) -> str:
    """Return the address of a listening socket for people, with what its table makes of it."""
    host, port = sock.getsockname()[:2]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if listen is None:
        return address
    kinds = [*(["websocket"] if listen.kind == "websocket" else []), *(["TLS"] if listen.tls else [])]
    return f"{address} ({', '.join(kinds)})" if kinds else address


def keep_if_wanted(handed: socket.socket | None, address: tuple[str, int] | None) -> socket.socket | None:
    """Return the listening socket of another daemon if it has the address; otherwise close it, and return None.

    The port 0 is any port. Without an address nothing is wanted.
    """
    if handed is None:
        return None
    host, port = handed.getsockname()[:2]
    if address is not None and address[0] == host and address[1] in (0, port):
        return handed
    handed.close()
    return None
