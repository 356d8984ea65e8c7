"""Accepting connections: one thread for all listening sockets, which deals new ones out to the I/O threads."""

from __future__ import annotations

import errno
import ipaddress
import itertools
import logging
import os
import resource
import selectors
import socket
import struct
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.chat.flood import ConnectionBudget, is_this_machine, origin
from chatroom.chat.records import Role
from chatroom.chat.session import ControlRights, Session
from chatroom.errors import AddressUnusable, ServeError
from chatroom.server.websocket import error_response

if TYPE_CHECKING:
    from chatroom.config import Listen
    from chatroom.server.hub import Hub

BACKLOG = 1024
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_S = 0.1
KEPT_FILES = 64
"""How many open files connections leave to the database, the control socket and everything else."""

_COMPLAIN_EVERY_S = 60

log = logging.getLogger(__name__)


def open_listener(listen: Listen) -> socket.socket:
    """A listening socket for a ``[[listen]]`` table. Raises ``AddressUnusable``."""
    where = f"{listen.host} port {listen.port}"
    try:
        found = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except OSError as error:
        raise AddressUnusable(f"cannot listen on {where}: {error.strerror or error}") from error
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # "::" takes IPv4 too, whatever the system's default is; such peers are IPv4 to us.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        hint = "; another program listens there, choose another with --port" if error.errno == errno.EADDRINUSE else ""
        raise AddressUnusable(f"cannot listen on {where}: {error.strerror}{hint}") from error
    sock.setblocking(False)
    return sock


def open_control(path: Path) -> socket.socket:
    """The control socket, mode 0600. Replaces a stale one, so hold the daemon's lock. Raises ``ServeError``."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
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


class Listener(threading.Thread):
    """The accepting thread. It owns the listening sockets; ``stop`` may be called from any thread."""

    def __init__(self, hub: Hub, sockets: list[tuple[Listen, socket.socket]], control: socket.socket) -> None:
        super().__init__(name="listener", daemon=True)
        self._hub = hub
        self._control = control
        self._selector = selectors.DefaultSelector()
        for listen, sock in sockets:
            self._selector.register(sock, selectors.EVENT_READ, listen.kind == "websocket")
        self._selector.register(control, selectors.EVENT_READ, False)
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector.register(self._wake_fd, selectors.EVENT_READ)
        self._stopping = threading.Event()
        self._numbers = itertools.count(1)
        limits = hub.world.settings.limits
        self._budget = ConnectionBudget(limits.connections_per_address, limits.connects_per_minute)
        self._counted: dict[int, str] = {}
        """Against which address a session is counted, by its id."""
        self._open: set[int] = set()
        """The ids of all sessions with a connection from outside."""
        self._budget_lock = threading.Lock()
        """Guards ``_budget``, ``_counted`` and ``_open``, which I/O threads change too. No other lock is taken under
        it."""
        self._complain_at = 0.0
        """When it may be said again that files have run out."""

    def stop(self) -> None:
        """Accept no more and close the sockets."""
        self._stopping.set()
        os.eventfd_write(self._wake_fd, 1)
        self.join()

    def released(self, session: Session) -> None:
        """A connection has ended. From any thread."""
        with self._budget_lock:
            self._open.discard(session.id)
            self._uncount(session)

    def _uncount(self, session: Session) -> None:
        address = self._counted.pop(session.id, None)
        if address is not None:
            self._budget.released(address)

    def admit(self, session: Session) -> str | None:
        """Count a session against its address of now (IPv6: the /64), and no other: why not, where it may not be.

        From any thread.
        """
        limits = self._hub.world.settings.limits
        with self._budget_lock:
            self._uncount(session)
            if not _is_counted(session):
                return None
            self._budget.concurrent = limits.connections_per_address if limits.enabled else 1 << 30
            self._budget.per_minute = limits.connects_per_minute if limits.enabled else 1 << 30
            counted = origin(session.version, session.address)
            refusal = self._budget.admit(counted, int(time.monotonic() * 1000))
            if refusal is None:
                self._counted[session.id] = counted
        return refusal

    def run(self) -> None:
        """Accept until stopped."""
        while not self._stopping.is_set():
            for key, _ in self._selector.select():
                if isinstance(key.fileobj, socket.socket):
                    self._accept_from(key.fileobj, websocket=key.data)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()

    def _accept_from(self, listening: socket.socket, *, websocket: bool) -> None:
        try:
            sock, address = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno in _OUT_OF_FILES:
                if self._may_complain():
                    log.error("cannot accept connections: %s", error.strerror)
                self._stopping.wait(_PAUSE_S)  # the connection stays in the kernel's queue; do not spin over it
            else:
                log.exception("cannot accept a connection")
            return
        try:
            sock.setblocking(False)
            if listening is self._control:
                self._begin_control(sock)
            else:
                self._begin(sock, address[0], websocket=websocket)
        except OSError:
            sock.close()  # gone before it was greeted

    def _begin(self, sock: socket.socket, host: str, *, websocket: bool) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = ipaddress.ip_address(host.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        world = self._hub.world
        full = self._fullness()
        if full:
            _turn_away(sock, str(address), "too many connections to this server", websocket=websocket)
            if self._may_complain():
                self._hub.post(0, lambda: world.note(f"refused {address}: {full}"))
            return
        now_ms = time.time_ns() // 1_000_000
        cloak = world.cloak.host(address.version, int(address))
        session = Session(next(self._numbers), str(address), address.version, int(address), cloak, now_ms)
        trusted = world.settings.webirc.trusts(session.version, session.address)
        refusal = None if trusted else self.admit(session)
        if refusal is not None:
            _turn_away(sock, str(address), refusal, websocket=websocket)
            self._hub.post(0, lambda: world.note(f"refused {address}: {refusal}"))
            return
        with self._budget_lock:
            self._open.add(session.id)
        self._hub.threads[session.id % len(self._hub.threads)].adopt(sock, session, websocket=websocket)

    def _fullness(self) -> str:
        """Why no more connections may be; empty where one may."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        count = len(self._open)
        if files == resource.RLIM_INFINITY or count < max(1, files - KEPT_FILES):
            return ""
        return f"{count} connections are open, as many as a limit of {files} open files leaves room for"

    def _may_complain(self) -> bool:
        """Whether to say that files have run out: at most once a minute."""
        now_s = time.monotonic()
        if now_s < self._complain_at:
            return False
        self._complain_at = now_s + _COMPLAIN_EVERY_S
        return True

    def _begin_control(self, sock: socket.socket) -> None:
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", credentials)
        if uid not in (0, os.getuid()):
            sock.close()
            return
        session = Session(next(self._numbers), "cli", 0, 0, "cli", time.time_ns() // 1_000_000)
        session.registration = None
        session.control = ControlRights(f"uid{uid}", Role.ADMIN)
        self._hub.threads[0].adopt(sock, session)


def _turn_away(sock: socket.socket, address: str, why: str, *, websocket: bool) -> None:
    """Close a connection that may not be, telling it why."""
    said = f"ERROR :Closing Link: {address} ({why})\r\n".encode()
    sock.send(error_response(HTTPStatus.TOO_MANY_REQUESTS, why) if websocket else said)
    sock.close()


def _is_counted(session: Session) -> bool:
    """Whether the connection limits count the session: not this machine's own, nor the control socket's."""
    if session.control is not None or session.version == 0:
        return False
    return not is_this_machine(session.version, session.address)
