"""Accepting connections.

The first I/O thread does it for all listening sockets and deals the new connections out to all I/O threads. A thread of
its own would cost more: of two busy threads, each waits for Python's lock after every system call.
"""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import logging
import os
import socket
import struct
import threading
from collections.abc import Sequence
from functools import lru_cache
from socket import SocketType
from typing import TYPE_CHECKING, Final

from chatroom.chat.people.session import ControlRights, Session
from chatroom.chat.stored.records import Role
from chatroom.commands.connecting.webirc import take_address
from chatroom.server.accepting import Acceptor
from chatroom.server.clocks import read_clocks
from chatroom.server.entrance import Entrance
from chatroom.server.handshakes import MADE_ROOM, Arrival, Handshakes
from chatroom.server.turned_away import TurnedAway

if TYPE_CHECKING:
    from chatroom.server.connection_counter import ConnectionCounter
    from chatroom.server.hub import Hub
    from chatroom.server.inbox import Accepted
    from chatroom.server.io_thread import IoThread
    from chatroom.server.transport import Transport

ACCEPTS_PER_TICK: Final = 64
"""The most connections that one tick takes from a listening socket, so that open ones run between two batches."""
SPARE_PLACES: Final = 16
"""How many connections a full server holds beyond its limit, while as many others end for them."""
_PAUSE_S: Final = 0.1
"""How long a listening socket rests when no more files can be opened."""
_STOP_PATIENCE_S: Final = 1.0

log = logging.getLogger(__name__)


class Listener:
    """Accepts connections. Only the first I/O thread calls a method that does not say otherwise."""

    def __init__(
        self,
        hub: Hub,
        threads: Sequence[IoThread],
        counter: ConnectionCounter,
        entrances: Sequence[Entrance],
        control: socket.socket,
        first_number: int = 1,
    ) -> None:
        """``first_number`` is the id of the first session that it makes."""
        self._hub = hub
        self._threads = threads
        self.counter = counter
        self._control = control
        self._entrances = {entrance.listening: entrance for entrance in (*entrances, Entrance(control))}
        """The listening sockets and what is behind them."""
        self._acceptors = {listening: Acceptor(listening) for listening in self._entrances}
        self.handshakes: Handshakes | None = None
        """The handshake thread; None if no connection needs it. Never replaced."""
        if not all(entrance.is_plain for entrance in entrances):
            self.handshakes = Handshakes(list(entrances), self._take_over, self._forget, self._report)
        self._turned_away = TurnedAway(threads[0].call_later)
        self._numbers = itertools.count(first_number)
        """Session ids."""

    def start(self) -> None:
        """Begin to accept, and return when that is so. From any thread but an I/O thread."""
        begun = threading.Event()

        def watch() -> None:
            for sock in self._entrances:
                self._watch(sock)
            begun.set()

        if self.handshakes is not None:
            self.handshakes.start()

        self._threads[0].post(watch)
        begun.wait(_STOP_PATIENCE_S)

    def stop(self) -> None:
        """Accept no more and close the sockets. From any thread but an I/O thread."""
        closed = threading.Event()

        def close() -> None:
            for sock in self._entrances:
                self._threads[0].unwatch(sock)
                sock.close()
            self._entrances = {}
            self._turned_away.close()
            closed.set()

        self._threads[0].post(close)
        closed.wait(_STOP_PATIENCE_S)
        if self.handshakes is not None:
            self.handshakes.stop(_STOP_PATIENCE_S)

    @property
    def sockets(self) -> list[socket.socket]:
        """The listening sockets in the order of the ``[[listen]]`` tables, and last that of the control socket."""
        return list(self._entrances)

    def take_number(self) -> int:
        """Return an id that no session has. From another thread only while the first I/O thread stands still."""
        return next(self._numbers)

    def let_go(self) -> None:
        """Close this process's descriptors of listening sockets that another one has now.

        From another thread than the first I/O thread, which stands still.
        """
        for sock in self._entrances:
            self._threads[0].unwatch(sock)
            sock.close()
        self._entrances = {}
        self._turned_away.close()

    def _watch(self, sock: socket.socket) -> None:
        if sock in self._entrances:
            self._threads[0].watch(sock, lambda: self._accept_some(sock))

    def _accept_some(self, listening: socket.socket) -> None:
        try:
            self._accept_all(listening)
        except Exception:
            log.exception("cannot accept connections")
            self._pause(listening)

    def _accept_all(self, listening: socket.socket) -> None:
        """Accept the connections that wait and deal them out, each I/O thread's share at once."""
        dealt: dict[IoThread, list[Accepted]] = {}
        try:
            self._accept_batch(listening, dealt)
        finally:  # a fault, such as a lack of memory, does not cost those that were accepted before it
            for thread, accepted in dealt.items():
                thread.adopt(accepted)

    def _accept_batch(self, listening: socket.socket, dealt: dict[IoThread, list[Accepted]]) -> None:
        """Accept some connections, and enter those whose session can begin into ``dealt``."""
        entrance, acceptor = self._entrances[listening], self._acceptors[listening]
        wall_ms, _ = read_clocks()
        self.counter.look_at_files()
        for _ in range(ACCEPTS_PER_TICK):
            try:
                sock, address = acceptor.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError as error:
                log.error("cannot accept connections: %s", error.strerror)
                self._pause(listening)
                break
            session = None
            try:
                sock.setblocking(False)
                if listening is self._control:
                    session = self._begin_control(sock, wall_ms)
                else:
                    session = self._begin(sock, address[0], entrance, wall_ms)
            except OSError:
                pass  # the peer has gone already
            finally:
                if session is None:
                    self._turned_away.add(sock)
            if session is None:
                continue
            if self.handshakes is not None and not entrance.is_plain:
                self.handshakes.add(Arrival(sock, entrance, session))
            else:
                # Ids count up, so the threads get equal shares.
                owner = self._threads[session.id % len(self._threads)]
                dealt.setdefault(owner, []).append((sock, session, entrance))

    def _pause(self, listening: socket.socket) -> None:
        """Stop watching a listening socket for a moment.

        Its connections stay in the kernel's queue. Without a pause, epoll would report them in every tick.
        """
        thread = self._threads[0]
        thread.unwatch(listening)
        thread.call_later(_PAUSE_S, lambda: self._watch(listening))

    def _begin(self, sock: SocketType, host: str, entrance: Entrance, wall_ms: int) -> Session | None:
        """Make a new connection's session, or return None if the connection is turned away."""
        address_text, version, address = _parse_peer(host)
        world = self._hub.world
        comes_by_proxy = bool(entrance.proxies or entrance.forwarders)
        if comes_by_proxy and not entrance.lets_in(version, address):
            self._log_refusal(f"refused {address_text}: it is none of the proxies that may connect here")
            return None
        settings = world.settings
        full = self.counter.fullness(settings)
        if full and not self._make_room():
            _turn_away(sock, address_text, "too many connections to this server, try again later", entrance)
            self._log_refusal(f"refused {address_text}: {full}")
            return None
        host = world.cloak.host(version, address)
        session = world.session_kind(next(self._numbers), address_text, version, address, host, wall_ms)
        # The session of a trusted gateway or proxy is counted when WEBIRC or a header names the client's address.
        gateways = settings.webirc
        by_address = not (comes_by_proxy or (gateways.password and gateways.trusts(version, address)))
        refusal = self.counter.open(session, settings, by_address=by_address)
        if refusal is not None:
            _turn_away(sock, address_text, refusal, entrance)
            self._log_refusal(f"refused {address_text}: {refusal}")
            return None
        return session

    def _make_room(self) -> bool:
        """Have a connection that is not registered yet end, the oldest, for a new one. False if there is none.

        So whoever connects and says nothing holds no place of a full server that others need.
        """
        if self.counter.fullness(self._hub.world.settings, SPARE_PLACES):
            return False
        # Without the lock: if the last of them registers just now, another connection is one too many for a moment.
        if self._hub.world.online.unregistered:
            self._threads[0].post(self._end_oldest)
            return True
        if any(thread.end_oldest_handshake() for thread in self._threads):
            return True
        return self.handshakes is not None and self.handshakes.end_oldest()

    def _end_oldest(self) -> None:
        """End the oldest session that is not registered and waits for nothing. Under the hub lock."""
        world = self._hub.world
        oldest = next((session for session in world.online.unregistered if not session.waiting), None)
        if oldest is not None:
            world.log_line(f"refused {oldest.address_text}: {MADE_ROOM}", at=(__name__, "made room"))
            world.close(oldest, MADE_ROOM)
            owner, connection = self._threads[oldest.thread], oldest.connection
            owner.post(lambda: owner.close_now(connection))

    # -- what the handshake thread hands back -----------------------------------------------------

    def _take_over(self, arrival: Arrival) -> None:
        """Begin the session of a connection whose handshake is done. From the handshake thread."""
        self._threads[0].post(lambda: self._finish(arrival))

    def _finish(self, arrival: Arrival) -> None:
        session, entrance, header = arrival.session, arrival.entrance, arrival.header
        refusal = None
        if header is not None:
            world = self._hub.world
            if header.address is not None:
                refusal = take_address(world, session, "", header.address)
            else:
                refusal = world.runtime.admit(session, world.settings)
        if refusal is not None:
            with contextlib.suppress(OSError):  # the peer has gone already
                _turn_away(arrival.transport, session.address_text, refusal, entrance)
            self._log_refusal(f"refused {session.address_text}: {refusal}")
        if refusal is not None or not self._entrances:  # without entrances, the daemon is stopping
            self._turned_away.add(arrival.transport)
            self.counter.released(session)
            return
        session.secure = arrival.encrypted or (header is not None and header.tls)
        session.certificate = arrival.fingerprint
        owner = self._threads[session.id % len(self._threads)]
        owner.adopt([(arrival.transport, session, entrance)])
        owner.wake()  # its tick under way has looked into its inbox already

    def _forget(self, arrival: Arrival, why: str) -> None:
        """Take a connection that failed in its handshake out of the counts. From the handshake thread."""
        self.counter.released(arrival.session)
        if why:
            self._log_refusal(f"refused {arrival.session.address_text}: {why}")

    def _report(self, line: str) -> None:
        """Log what the handshake thread says. From the handshake thread."""
        self._threads[0].post(lambda: self._hub.world.log_line(line, at=(__name__, "handshake")))

    def _log_refusal(self, line: str) -> None:
        self._threads[0].post(lambda: self._hub.world.log_line(line, at=(__name__, "refused")))

    def _begin_control(self, sock: SocketType, wall_ms: int) -> Session | None:
        # The kernel vouches for the peer's identity (struct ucred: pid, uid, gid).
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", credentials)
        if uid not in (0, os.getuid()):
            return None
        session = Session(next(self._numbers), "cli", 0, 0, "cli", wall_ms)
        session.registration = None
        session.control = ControlRights(f"uid{uid}", Role.ADMIN)
        return session


@lru_cache(maxsize=4096)  # clients behind one address, and those that come again, are parsed once
def _parse_peer(host: str) -> tuple[str, int, int]:
    """Return a peer's address as text, version and integer. An IPv4-mapped address is the IPv4 address."""
    address = ipaddress.ip_address(host.partition("%")[0])  # fe80::1%eth0: without the interface
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address), address.version, int(address)


def _turn_away(sock: Transport, address: str, why: str, entrance: Entrance) -> None:
    """Send the reason for a refusal, as far as the socket takes it at once."""
    if entrance.certificates is not None and isinstance(sock, SocketType):
        return  # before the TLS handshake the client cannot read anything
    line = f"ERROR :Closing Link: {address} ({why})\r\n".encode()
    if entrance.websocket:
        from http import HTTPStatus

        from chatroom.server.websocket import error_response  # as in ``open_entrance``

        line = error_response(HTTPStatus.TOO_MANY_REQUESTS, why)
    sock.send(line)
