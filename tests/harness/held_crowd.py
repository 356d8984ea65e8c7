"""Thousands of connections that stay, talk, come and go, in one thread."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from random import Random

MEMBERS = 50
"""About how many clients are in one room."""
PER_ADDRESS = 25
"""How many clients have one address."""
PINGS_PER_S = 4
"""How often the bystander asks whether it is still answered."""
ACTIONS = [
    *["PRIVMSG {room} :hello all of you, {number}"] * 12,
    *["PRIVMSG {nick} :just for you", "CHATHISTORY LATEST {room} * 20", "WHO {room}", "AWAY :busy", "AWAY"],
    *["NICK x{number}", "TOPIC {room} :topic {number}", "LIST {room}", "WHOIS {nick}", "NAMES {room}"],
]
"""What clients send, each as often as any other."""


class Held:
    """One connection of the crowd."""

    __slots__ = ("address", "is_in", "nick", "room", "sock", "tail")

    def __init__(self, port: int, number: int, rooms: int, address: str) -> None:
        self.nick, self.room, self.address = f"h{number}", f"#room{number % rooms}", address
        self.sock = socket.socket()
        self.sock.bind((address, 0))
        self.sock.connect(("127.0.0.1", port))
        # It speaks at once: the daemon notes the messages of a guest, and for nobody who has not spoken.
        lines = [f"NICK {self.nick}", "USER h 0 * :held", f"JOIN {self.room}", f"PRIVMSG {self.room} :hello"]
        self.sock.sendall("".join(f"{line}\r\n" for line in lines).encode())
        self.sock.setblocking(False)
        self.tail = b""
        self.is_in = False
        """True when it is in its room."""


class Crowd:
    """The connections. ``lost`` has what the last of those that the server closed without being asked to read."""

    def __init__(self, port: int, size: int, seed: int) -> None:
        self._port = port
        self._size = size
        self._random = Random(seed)
        self._epoll = select.epoll()
        self._by_fd: dict[int, Held] = {}
        self._opened = 0
        self.lines = 0
        """How many lines were read."""
        self.changed = 0
        """How many connections have ended and were replaced."""
        self.lost: list[bytes] = []
        self._asked: deque[float] = deque()
        self.waits_ms: list[float] = []
        """How long the bystander waited for each answer since the list was last emptied."""
        self._bystander = Held(port, 10**6, 10**6, "127.0.0.1")
        self._epoll.register(self._bystander.sock.fileno(), select.EPOLLIN)
        self._by_fd[self._bystander.sock.fileno()] = self._bystander

    def close(self) -> None:
        """Close all connections."""
        for held in self._by_fd.values():
            held.sock.close()
        self._epoll.close()

    def fill(self) -> None:
        """Open all connections, and wait until each is in its room."""
        while self._opened < self._size:
            for _ in range(min(50, self._size - self._opened)):
                self._open(f"127.20.{self._opened // PER_ADDRESS // 200}.{1 + self._opened // PER_ADDRESS % 200}")
            while sum(not held.is_in for held in self._by_fd.values()) > 50:
                self._read(1.0)
        while not all(held.is_in for held in self._by_fd.values()):
            self._read(1.0)

    def live(self, seconds: float, talk_per_s: float, churn_per_s: float, each_second: Callable[[float], None]) -> None:
        """Let the clients talk, come and go. ``each_second`` is called with the seconds since the beginning.

        It takes longer if the machine is too busy to let nine tenths of those come and go that should.
        """
        began_s = time.monotonic()
        rates: list[tuple[float, Callable[[], None]]] = [
            (talk_per_s, self._act),
            (churn_per_s, self._replace_one),
            (PINGS_PER_S, self._ask),
            (1, lambda: each_second(time.monotonic() - began_s)),
        ]
        done = [0] * len(rates)
        wanted = self.changed + 0.9 * seconds * churn_per_s
        while (now_s := time.monotonic() - began_s) < seconds or self.changed < wanted:
            for index, (rate, act) in enumerate(rates):
                if done[index] < now_s * rate:
                    done[index] += 1
                    act()
            self._read(0.005)

    def _open(self, address: str) -> None:
        self._opened += 1
        held = Held(self._port, self._opened, max(1, self._size // MEMBERS), address)
        self._by_fd[held.sock.fileno()] = held
        self._epoll.register(held.sock.fileno(), select.EPOLLIN)

    def _any(self) -> Held:
        while True:
            held = self._random.choice(list(self._by_fd.values()))
            if held is not self._bystander:
                return held

    def _act(self) -> None:
        held, other = self._any(), self._any()
        line = self._random.choice(ACTIONS).format(
            room=held.room, nick=other.nick, number=self._random.randrange(10**6)
        )
        self._send(held, line)

    def _ask(self) -> None:
        self._asked.append(time.monotonic())
        self._send(self._bystander, "PING :here")

    def _send(self, held: Held, line: str) -> None:
        try:
            held.sock.send(f"{line}\r\n".encode())
        except OSError as error:
            self.lost.append(str(error).encode())

    def _replace_one(self) -> None:
        """End a connection in one of three ways, and open another one."""
        held = self._any()
        how = self._random.randrange(3)
        if how == 0:
            self._send(held, "QUIT :bye")
        elif how == 1:
            held.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        del self._by_fd[held.sock.fileno()]
        held.sock.close()
        self.changed += 1
        self._open(held.address)

    def _read(self, wait_s: float) -> None:
        for fd, _ in self._epoll.poll(wait_s):
            held = self._by_fd.get(fd)
            if held is None:
                continue
            try:
                data = held.sock.recv(65_536)
            except OSError as error:
                data = b""
                held.tail += str(error).encode()
            if not data:
                self.lost.append(held.tail)
                self._epoll.unregister(fd)
                del self._by_fd[fd]
                held.sock.close()
                continue
            self._take(held, data)

    def _take(self, held: Held, data: bytes) -> None:
        data = held.tail + data
        whole, _, held.tail = data.rpartition(b"\n")
        self.lines += whole.count(b"\n") + 1 if whole else 0
        if not held.is_in and (b" 366 " in whole or (held is self._bystander and b" 001 " in whole)):
            held.is_in = True
        if b" PING :chatroom.local" in whole:
            self._send(held, "PONG :here")
        if held is self._bystander:
            for _ in range(whole.count(b" PONG ")):
                self.waits_ms.append((time.monotonic() - self._asked.popleft()) * 1000)
