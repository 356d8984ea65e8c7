from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest
from harness.runtime import make_world

from chatroom.config import Settings
from chatroom.config.settings import Limits, Listen
from chatroom.server import listener as listener_module
from chatroom.server.connection_counter import ConnectionCounter
from chatroom.server.hub import Hub
from chatroom.server.inbox import Accepted
from chatroom.server.io_thread import IoThread
from chatroom.server.listener import Listener, open_listener
from chatroom.server.operator_screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores


class Owner:
    """Stands in for an I/O thread: does at once what is posted, and keeps what it is given."""

    def __init__(self) -> None:
        self.doors: dict[socket.socket, Callable[[], None]] = {}
        self.shares: list[list[Accepted]] = []

    def post(self, task: Callable[[], None]) -> None:
        """Run a task."""
        task()

    def watch(self, door: socket.socket, knocked: Callable[[], None]) -> None:
        """Watch a listening socket."""
        self.doors[door] = knocked

    def unwatch(self, door: socket.socket) -> None:
        """Watch it no longer."""
        self.doors.pop(door, None)

    def adopt(self, accepted: list[Accepted]) -> None:
        """Take over sockets."""
        self.shares.append(accepted)


class House:
    """A listener on a port of its own with two owners, and clients that have connected to it."""

    def __init__(self, hub: Hub, listening: socket.socket, control: socket.socket, stack: ExitStack) -> None:
        self.owners = [Owner(), Owner()]
        self.listening = listening
        threads = cast(list[IoThread], self.owners)
        self.listener = Listener(hub, threads, ConnectionCounter(), [(Listen(), listening)], control)
        self._stack = stack

    def connect(self, count: int) -> None:
        """Have so many clients wait to be accepted."""
        for _ in range(count):
            self._stack.enter_context(socket.create_connection(self.listening.getsockname(), timeout=30))

    def knock(self) -> list[list[Accepted]]:
        """Tell that somebody waits; what each owner is given then, a list for each time."""
        for owner in self.owners:
            owner.shares = []
        self.owners[0].doors[self.listening]()
        shares = [share for owner in self.owners for share in owner.shares]
        for share in shares:
            for sock, _, _ in share:
                self._stack.enter_context(sock)
        return shares


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A listener with two I/O threads, with limits off."""
    world = make_world(Settings(limits=Limits(enabled=False)))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    with ExitStack() as stack:
        control, other = socket.socketpair()
        stack.enter_context(control)
        stack.enter_context(other)
        listening = stack.enter_context(open_listener(Listen(port=0)))
        yield House(hub, listening, control, stack)


def test_connections_that_wait_are_dealt_out_at_one_go(house: House) -> None:
    """However many wait, each I/O thread is told once; the sockets do not block, nor wait to fill a packet."""
    house.listener.start()
    house.connect(7)
    shares = house.knock()
    assert sorted(len(share) for share in shares) == [3, 4]
    for share in shares:
        for sock, session, websocket in share:
            assert not sock.getblocking()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert (session.address_text, session.version, session.address) == ("127.0.0.1", 4, 0x7F000001)
            assert not websocket
    assert house.knock() == []


def test_those_who_are_here_get_their_turn_between_those_who_come(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One tick takes a bounded number of new connections; the rest waits for the next."""
    monkeypatch.setattr(listener_module, "ACCEPTS_PER_TICK", 4)
    house.listener.start()
    house.connect(6)
    assert [sum(map(len, house.knock())) for _ in range(3)] == [4, 2, 0]


def test_after_the_stop_nothing_is_accepted(house: House) -> None:
    """The listening sockets are closed, and nobody watches them."""
    house.listener.start()
    assert house.listening in house.owners[0].doors
    house.listener.stop()
    assert house.owners[0].doors == {}
    assert house.listening.fileno() == -1
