from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from harness.runtime import make_world

from chatroom.chat.people.session import Session
from chatroom.config import Settings
from chatroom.config.chatting import Limits
from chatroom.config.serving import Listen
from chatroom.server import listener as listener_module
from chatroom.server.connection_counter import ConnectionCounter
from chatroom.server.entrance import Entrance
from chatroom.server.hub import Hub
from chatroom.server.inbox import Accepted
from chatroom.server.io_thread import IoThread
from chatroom.server.listener import Listener
from chatroom.server.opening_sockets import open_listener
from chatroom.server.operator_screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores


class Owner:
    """Stands in for an I/O thread: runs posted tasks at once and records the sockets it is given."""

    def __init__(self) -> None:
        self.acceptors: dict[socket.socket, Callable[[], None]] = {}
        self.shares: list[list[Accepted]] = []
        self.delayed: list[Callable[[], None]] = []

    def post(self, task: Callable[[], None]) -> None:
        """Run a task."""
        task()

    def call_later(self, delay_s: float, task: Callable[[], None]) -> None:
        """Record a task."""
        self.delayed.append(task)

    def watch(self, listening: socket.socket, accept: Callable[[], None]) -> None:
        """Record a listening socket."""
        self.acceptors[listening] = accept

    def unwatch(self, listening: socket.socket) -> None:
        """Forget a listening socket."""
        self.acceptors.pop(listening, None)

    def adopt(self, accepted: list[Accepted]) -> None:
        """Record accepted sockets."""
        self.shares.append(accepted)


class Scene:
    """A listener on a free port with two owners, and the clients that connect to it."""

    def __init__(self, hub: Hub, listening: socket.socket, control: socket.socket, stack: ExitStack) -> None:
        self.owners = [Owner(), Owner()]
        self.listening = listening
        threads = cast(list[IoThread], self.owners)
        self.hub = hub
        self.listener = Listener(hub, threads, ConnectionCounter(), [Entrance(listening)], control)
        self._stack = stack

    def connect(self, count: int) -> None:
        """Connect that many clients, which then wait to be accepted."""
        for _ in range(count):
            self._stack.enter_context(socket.create_connection(self.listening.getsockname(), timeout=30))

    def accept(self) -> list[list[Accepted]]:
        """Report the listening socket readable. Returns the shares that the owners are given, one list each."""
        for owner in self.owners:
            owner.shares = []
        self.owners[0].acceptors[self.listening]()
        shares = [share for owner in self.owners for share in owner.shares]
        for share in shares:
            for sock, _, _ in share:
                assert isinstance(sock, socket.SocketType)
                self._stack.callback(sock.close)
        return shares


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A listener with two I/O threads and without limits."""
    world = make_world(Settings(limits=Limits(enabled=False)))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    with ExitStack() as stack:
        control, other = socket.socketpair()
        stack.enter_context(control)
        stack.enter_context(other)
        listening = stack.enter_context(open_listener(Listen(port=0)))
        made = Scene(hub, listening, control, stack)
        yield made
        made.listener.stop()


def test_waiting_connections_are_dealt_out_at_once(scene: Scene) -> None:
    """Each I/O thread gets its share at once. The sockets do not block, and send small packets without delay."""
    scene.listener.start()
    scene.connect(7)
    shares = scene.accept()
    assert sorted(len(share) for share in shares) == [3, 4]
    for share in shares:
        for sock, session, entrance in share:
            assert isinstance(sock, socket.SocketType)
            assert not sock.getblocking()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert (session.address_text, session.version, session.address) == ("127.0.0.1", 4, 0x7F000001)
            assert entrance.listening is scene.listening
    assert scene.accept() == []


def test_one_tick_accepts_a_bounded_number_of_connections(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """One tick accepts a bounded number of connections, and the next tick more."""
    monkeypatch.setattr(listener_module, "ACCEPTS_PER_TICK", 4)
    scene.listener.start()
    scene.connect(6)
    assert [sum(map(len, scene.accept())) for _ in range(3)] == [4, 2, 0]


def test_a_fault_does_not_cost_the_connections_before_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third finds no memory and is closed. The two before it begin, and the fourth does in a moment."""
    made: list[Session] = []

    def make(*words: Any) -> Session:
        if len(made) == 2:
            raise MemoryError
        made.append(Session(*words))
        return made[-1]

    scene.listener.start()
    scene.connect(4)
    with monkeypatch.context() as patched:
        patched.setattr(scene.hub.world, "session_kind", make)
        assert sum(map(len, scene.accept())) == 2
    assert scene.listening not in scene.owners[0].acceptors
    scene.owners[0].delayed.pop()()
    assert sum(map(len, scene.accept())) == 1


def test_after_the_stop_nothing_is_accepted(scene: Scene) -> None:
    """The listening sockets are closed and no longer watched."""
    scene.listener.start()
    assert scene.listening in scene.owners[0].acceptors
    scene.listener.stop()
    assert scene.owners[0].acceptors == {}
    assert scene.listening.fileno() == -1
