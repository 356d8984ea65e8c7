"""The handshake thread: TLS handshakes and PROXY headers of new connections.

A TLS handshake takes about a millisecond of processor time. In an I/O thread, each would delay everybody's messages;
here it runs beside them, because OpenSSL releases Python's lock. A connection that is ready goes to the listener, and
this thread sees it no more. The thread also looks whether certificates were renewed.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from chatroom.server.loop_thread import LoopThread
from chatroom.server.proxy_header import LONGEST, ProxyHeader, read_header

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.server.entrance import Entrance
    from chatroom.server.transport import Transport

HANDSHAKE_S = 10.0
"""The longest time that the header and the handshake of a connection may take together."""
MOST_WAITING = 2000
"""The most connections in their handshakes. With more, the oldest is closed: its client can try again."""
MADE_ROOM = "the server is full, and a new connection has taken its place"
"""Why a connection is closed that was not registered yet."""
_FAILURE_PAUSE_S = 0.1
"""The pause after a fault that the next turn may have again."""
_NOTHING_MORE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
STALL_S = 2.0
"""A turn that comes so much later than it should was held up by the daemon itself, or its machine. That time does not
count for those who wait."""
LOOK_EVERY_S = 1.0
"""How often to look for renewed certificates."""

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Arrival:
    """An accepted connection before its session begins."""

    transport: Transport
    """Its socket; with TLS, once the handshake has begun, what encrypts it."""
    entrance: Entrance
    session: Session
    header: ProxyHeader | None = None
    """What the proxy said; None before that, and without a proxy."""
    fingerprint: str = ""
    """The fingerprint of the client's certificate; empty if it has none."""
    encrypted: bool = False
    """True when the TLS handshake is done."""
    since_s: float = field(default_factory=time.monotonic)
    """When it was accepted, by the clock that never jumps."""


class Handshakes(LoopThread):
    """The handshake thread."""

    def __init__(
        self,
        entrances: list[Entrance],
        ready: Callable[[Arrival], None],
        failed: Callable[[Arrival, str], None],
        report: Callable[[str], None],
    ) -> None:
        super().__init__("handshakes")
        self._entrances = entrances
        self._ready = ready
        """Takes over a connection whose handshake is done. Called in this thread, like the next two."""
        self._failed = failed
        """Told of a connection that this thread has closed, and why."""
        self._report = report
        """Takes a line for the log."""
        self._epoll = select.epoll()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake_fd, select.EPOLLIN)
        self._lock = threading.Lock()
        """Guards ``_new`` and ``_to_end``. No other lock is taken while it is held."""
        self._new: deque[Arrival] = deque()
        """Connections that were handed over since the last look."""
        self._waiting: dict[int, Arrival] = {}
        """The connections in their handshakes, by descriptor, the oldest first."""
        self._to_end = 0
        """How many of the oldest are to be closed, so that others have their places. Guarded by ``_lock``."""
        self._look_at_s = 0.0
        self._turned_s = time.monotonic()
        """When the last turn was."""
        self._is_ending = False

    # -- from any thread --------------------------------------------------------------------------

    def add(self, arrival: Arrival) -> None:
        """Take over an accepted connection. From any thread."""
        with self._lock:
            self._new.append(arrival)
        os.eventfd_write(self._wake_fd, 1)

    def end_oldest(self) -> bool:
        """Close the connection that has waited longest, soon. False if none waits. From any thread."""
        with self._lock:
            if len(self._waiting) <= self._to_end:
                return False
            self._to_end += 1
        os.eventfd_write(self._wake_fd, 1)
        return True

    def stop(self, patience_s: float) -> None:
        """Close what is under way and end. From any other thread."""
        self._is_ending = True
        os.eventfd_write(self._wake_fd, 1)
        self.join(patience_s)

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Do handshakes until stopped."""
        while not self._is_ending:
            try:
                self._turn()
            except Exception:
                log.exception("the handshake thread failed")
                time.sleep(_FAILURE_PAUSE_S)
        for arrival in list(self._waiting.values()):
            self._give_up(arrival, "")
        self._epoll.close()

    def _turn(self) -> None:
        for fd, events in self._epoll.poll(self._wait_s()):
            if fd == self._wake_fd:
                os.eventfd_read(fd)
            elif fd in self._waiting:
                self._go_on(self._waiting[fd], events)
        while self._new:
            with self._lock:
                arrival = self._new.popleft()
            self._begin(arrival)
        now_s = time.monotonic()
        late_s = now_s - self._turned_s - LOOK_EVERY_S
        self._turned_s = now_s
        if late_s > STALL_S:
            for arrival in self._waiting.values():
                arrival.since_s += late_s
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if oldest.since_s + HANDSHAKE_S > now_s:
                break
            self._give_up(oldest, "no handshake in time")
        with self._lock:
            to_end, self._to_end = self._to_end, 0
        for arrival in list(islice(self._waiting.values(), to_end)):
            self._give_up(arrival, MADE_ROOM)
        if now_s >= self._look_at_s:
            self._look_at_s = now_s + LOOK_EVERY_S
            self._look_for_renewals()

    def _wait_s(self) -> float:
        if not self._waiting:
            return LOOK_EVERY_S
        oldest = next(iter(self._waiting.values()))
        return max(0.0, min(LOOK_EVERY_S, oldest.since_s + HANDSHAKE_S - time.monotonic()))

    def _begin(self, arrival: Arrival) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._give_up(next(iter(self._waiting.values())), "too many handshakes at once")
        fd = arrival.transport.fileno()
        self._waiting[fd] = arrival
        try:
            self._epoll.register(fd, select.EPOLLIN)
        except OSError as error:
            self._give_up(arrival, error.strerror or "a fault of the system")
        else:
            self._go_on(arrival, 0)

    def _go_on(self, arrival: Arrival, events: int) -> None:
        try:
            if arrival.entrance.proxies and arrival.header is None and not self._read_header(arrival, events):
                return
            if arrival.entrance.certificates is not None and not self._encrypt(arrival):
                return
        except BlockingIOError:
            return
        except (OSError, ValueError) as error:
            self._give_up(arrival, getattr(error, "strerror", None) or str(error) or "connection lost")
            return
        except Exception:
            log.exception("a handshake failed")
            self._give_up(arrival, "a fault of the server")
            return
        fd = arrival.transport.fileno()
        del self._waiting[fd]
        self._epoll.unregister(fd)
        self._ready(arrival)

    def _read_header(self, arrival: Arrival, events: int) -> bool:
        """Read the PROXY header, and nothing behind it. Return False if it has not come whole."""
        sock = arrival.transport
        assert isinstance(sock, socket.SocketType)
        data = sock.recv(LONGEST, socket.MSG_PEEK)
        if not data:
            raise ConnectionError("no PROXY header")
        header = read_header(data)
        if header is None:
            if events & _NOTHING_MORE:
                raise ConnectionError("the PROXY header has no end")
            # What is peeked at stays readable, so epoll would report it again and again until the rest comes.
            self._epoll.modify(sock.fileno(), select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)
            return False
        sock.recv(header.size)
        self._epoll.modify(sock.fileno(), select.EPOLLIN)
        arrival.header = header
        return True

    def _encrypt(self, arrival: Arrival) -> bool:
        """Go on with the TLS handshake. Return False if it is not done."""
        # Here, because a daemon without TLS does not load pyOpenSSL.
        from chatroom.server.tls_socket import TlsSocket

        tls = arrival.transport
        if not isinstance(tls, TlsSocket):
            assert isinstance(tls, socket.SocketType) and arrival.entrance.certificates is not None
            tls = arrival.transport = TlsSocket(tls, arrival.entrance.certificates.context)
        wanted = tls.handshake()
        if wanted is not None:
            self._epoll.modify(tls.fileno(), wanted)
            return False
        arrival.fingerprint, arrival.encrypted = tls.client_fingerprint(), True
        return True

    def _give_up(self, arrival: Arrival, why: str) -> None:
        del self._waiting[arrival.transport.fileno()]
        arrival.transport.close()
        self._failed(arrival, why)

    def _look_for_renewals(self) -> None:
        for entrance in self._entrances:
            if entrance.certificates is not None:
                line = entrance.certificates.look()
                if line:
                    self._report(line)
