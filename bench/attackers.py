"""The clients of an attack: one thread with many connections. It sends the attack's lines, and reads all answers."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

_CAP_S = 30.0
_CONNECT_S = 3.0
"""How long a connection may take: if the server's queue is full, the system tries again after a second."""
_READ_BYTES = 1 << 18
_BURST_LINES, _LINES_PER_S = 40, 10
"""What our limits let a connection send. The C daemons let it send less, and hold the rest back."""
BUILDERS = "127.200.0.1"
ONE = "127.66.0.1"
"""The address of an attacker who has one."""
MANY = "127.70.0.1"
"""The first address of an attacker who has many."""

Says = Callable[[int, int], str]
"""Returns the line that a client (its number) sends as its n-th."""


@dataclass(slots=True, eq=False)
class Client:
    """One connection."""

    sock: socket.socket
    number: int
    waits_for: Sequence[bytes] = ()
    """It reads until one of these has come. Empty: it waits for nothing."""
    tail: bytes = b""
    """The end of what it has read, in which what it waits for may have begun."""
    unsent: bytes = b""
    then: bytes = b""
    """What it sends when that has come."""
    reads: bool = True
    is_closed: bool = False


@dataclass(slots=True)
class Crowd:
    """Connections to one server, and what became of them."""

    port: int
    sent_lines: int = 0
    read_bytes: int = 0
    closed: int = 0
    """How many connections the server has closed or refused."""
    opened: int = 0
    _epoll: select.epoll = field(default_factory=select.epoll)
    _clients: dict[int, Client] = field(default_factory=dict)

    def connect(self, number: int, first: str, per_address: int, *, read_buffer: int = 0) -> Client:
        """Connect from the address of that number: ``first`` or one after it. Nothing is sent."""
        sock = socket.socket()
        if read_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_buffer)
        sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        client = Client(sock, number)
        self.opened += 1
        try:
            sock.bind((str(IPv4Address(first) + number // per_address), 0))
            sock.settimeout(_CONNECT_S)
            sock.connect(("127.0.0.1", self.port))
        except OSError:
            self._drop(client)
            return client
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients[sock.fileno()] = client
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        return client

    def enter(
        self, nick: str, count: int, first: str, per_address: int, *, before: str = "", read_buffer: int = 0
    ) -> list[Client]:
        """Connect and register that many clients, which send the lines ``before`` first. Waits for their welcomes."""
        clients = []
        for number in range(count):
            client = self.connect(number, first, per_address, read_buffer=read_buffer)
            client.waits_for = (b" 376 ", b" 422 ")
            name = f"{nick}{number}"
            self.say(client, f"{before}NICK {name}\r\nUSER {nick} 0 * :{nick}".replace("{number}", str(number)))
            clients.append(client)
            self.read(0)
        self.wait(clients)
        return clients

    def wait(self, clients: Sequence[Client], cap_s: float = _CAP_S) -> bool:
        """Read until all clients have what they wait for, or are closed. Returns False if that takes too long."""
        give_up_at = time.monotonic() + cap_s
        while any(client.waits_for and not client.is_closed for client in clients):
            if time.monotonic() > give_up_at:
                return False
            self.read(0.05)
        return True

    def ask(self, clients: Sequence[Client], lines: Callable[[Client], Sequence[str]]) -> None:
        """Send lines and wait until the server has run them."""
        for client in clients:
            client.waits_for, client.tail = (b"PONG ",), b""
            self.say(client, "\r\n".join([*lines(client), "PING done"]))
            self.read(0)
        self.wait(clients)

    def say(self, client: Client, text: str) -> None:
        """Send one or more lines, without the end of the last."""
        self.sent_lines += text.count("\r\n") + 1
        self.send(client, text.encode() + b"\r\n")

    def send(self, client: Client, data: bytes) -> bool:
        """Send bytes, later what the socket does not take. Returns False if the bytes before are not all sent."""
        if client.is_closed:
            return False
        if client.unsent:
            client.unsent += data
            return False
        try:
            sent = client.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(client)
            return False
        if sent < len(data):
            client.unsent = data[sent:]
            self._watch(client)
        return True

    def read(self, wait_s: float) -> None:
        """Read what has come, or comes within that time."""
        for fd, events in self._epoll.poll(max(0.0, wait_s)):
            client = self._clients.get(fd)
            if client is None:
                continue
            if events & select.EPOLLOUT and client.unsent:
                data, client.unsent = client.unsent, b""
                self.send(client, data)
                if not client.unsent and not client.is_closed:
                    self._watch(client)
            if events & ~select.EPOLLOUT and not client.is_closed:
                self._read_one(client)

    def stop_reading(self, client: Client) -> None:
        """Let the client read nothing any more."""
        client.reads = False
        if not client.is_closed:
            self._watch(client)

    def leave(self, client: Client) -> None:
        """Close the client's connection."""
        with contextlib.suppress(KeyError):
            del self._clients[client.sock.fileno()]
        client.is_closed = True
        client.sock.close()

    def _watch(self, client: Client) -> None:
        events = (select.EPOLLIN if client.reads else 0) | (select.EPOLLOUT if client.unsent else 0)
        self._epoll.modify(client.sock.fileno(), events)

    def _read_one(self, client: Client) -> None:
        try:
            data = client.sock.recv(_READ_BYTES) if client.reads else b""
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        self.read_bytes += len(data)
        if not client.waits_for:
            return
        text = client.tail + data
        client.tail = text[-16:]
        if any(word in text for word in client.waits_for):
            client.waits_for = ()
            if client.then:
                self.send(client, client.then)

    def _drop(self, client: Client) -> None:
        self.closed += 1
        self.leave(client)


@dataclass(slots=True)
class Stage:
    """What an attack has: the server's ports, its clients, and the time that it takes."""

    server: str
    """The name of the server's column."""
    ports: dict[str, int]
    crowd: Crowd
    ends_at: float = 0.0
    """When the attack is over, on the monotonic clock."""
    told: dict[str, float] = field(default_factory=dict)
    """What the attack has measured besides."""

    @property
    def is_over(self) -> bool:
        """True when the attack is to end."""
        return time.monotonic() >= self.ends_at

    def flood(self, clients: Sequence[Client], says: Says) -> None:
        """Let each client send as many lines at once as our limits allow, and then as many a second, to the end."""
        for client in clients:
            self.crowd.say(client, "\r\n".join(says(client.number, line) for line in range(_BURST_LINES)))
        moments = every(_LINES_PER_S)
        for line, due in enumerate(moments, _BURST_LINES):
            while time.monotonic() < due:
                if self.is_over:
                    return
                self.crowd.read(min(due, self.ends_at) - time.monotonic())
            for client in clients:
                self.crowd.say(client, says(client.number, line))
                self.crowd.read(0)

    def visit(self, rate: float, begin: Callable[[int], Client], *, at_once: int = 300) -> None:
        """Begin so many visits a second. At most ``at_once`` are under way: after that the oldest is ended."""
        under_way: deque[Client] = deque()
        for number, due in enumerate(every(rate)):
            while time.monotonic() < due:
                self.crowd.read(min(due, self.ends_at) - time.monotonic())
                if self.is_over:
                    break
            if self.is_over:  # a server that is slow to accept leaves no time to wait in
                return
            under_way.append(begin(number))
            while under_way and (under_way[0].is_closed or len(under_way) > at_once):
                oldest = under_way.popleft()
                if not oldest.is_closed:
                    self.crowd.leave(oldest)
            self.crowd.read(0)

    def press(self, clients: Sequence[Client], data: bytes) -> None:
        """Let each client send the same bytes again and again, as fast as the server takes them."""
        while not self.is_over and any(not client.is_closed for client in clients):
            for client in clients:
                if not client.unsent:
                    self.crowd.send(client, data)
            self.crowd.read(0.001)
        self.rest()

    def rest(self) -> None:
        """Read to the end of the attack."""
        while not self.is_over:
            self.crowd.read(min(0.05, self.ends_at - time.monotonic()))


def every(rate: float) -> Iterator[float]:
    """Yield the moments of the monotonic clock that are a rate's, from now on."""
    moment = time.monotonic()
    while True:
        moment += 1 / rate
        yield moment
