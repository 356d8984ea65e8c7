"""A tick that fails: what it held is dropped, who caused it is closed, and the thread goes on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.runtime import make_world

from chatroom.chat.delivery.outbox import Outbox
from chatroom.chat.people.session import Session
from chatroom.config import Settings
from chatroom.config.chatting import Limits
from chatroom.server import io_thread
from chatroom.server.connection import Connection
from chatroom.server.entrance import Entrance
from chatroom.server.hub import Hub
from chatroom.server.io_thread import IoThread
from chatroom.server.operator_screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores

Fault = Callable[..., object]


class Scene:
    """A thread with two connections, and what closed."""

    def __init__(self, path: Path) -> None:
        world = make_world(Settings(limits=Limits(enabled=False)))
        self.hub = Hub(world, Workers(lambda: open_stores(path)), Screen())
        self.thread = IoThread(0, self.hub, lambda session: None)
        self.hub.threads = [self.thread]
        self.thread.start()
        self.peers = [self._connect(number) for number in range(2)]
        for number, peer in enumerate(self.peers):
            say(peer, f"NICK peer{number}", "USER u 0 * :U", "PING ready")
            read_to(peer, b":ready")

    def _connect(self, number: int) -> socket.socket:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.settimeout(30)
        self.thread.adopt([(near, Session(number, f"10.0.0.{number}", 4, 1, "h", 0), Entrance(near))])
        return far

    def stop(self) -> None:
        """End the thread."""
        if self.thread.is_alive():
            self.thread.stop(0.0)
            self.thread.join()
        for connection in list(self.thread.table.by_fd.values()):  # of a thread that has died
            connection.close()
        for peer in self.peers:
            peer.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A running scene."""
    made = Scene(tmp_path / "chat.db")
    yield made
    made.stop()


def say(peer: socket.socket, *lines: str) -> None:
    """Send lines."""
    peer.sendall("".join(f"{line}\r\n" for line in lines).encode())


def read_to(peer: socket.socket, wanted: bytes) -> bytes:
    """Read until some bytes have come."""
    read = b""
    while wanted not in read:
        data = peer.recv(65536)
        assert data, read
        read += data
    return read


def read_to_end(peer: socket.socket) -> bytes:
    """Read to the end of the connection."""
    read = b""
    # A connection that is closed with bytes that were not read is reset.
    with contextlib.suppress(ConnectionResetError):
        while data := peer.recv(65536):
            read += data
    return read


def failing(target: Callable[..., object], if_: Callable[..., bool], times: int = 1) -> Fault:
    """Return a function that has no memory, that many times, if the condition holds; else it does what it did."""
    left = [times]

    def fail(*arguments: object) -> object:
        if left[0] and if_(*arguments):
            left[0] -= 1
            raise MemoryError
        return target(*arguments)

    return fail


def has_spoken(outbox: Outbox) -> bool:
    """True if somebody has said the word."""
    return any(b"too much" in line for session in outbox._sessions for _, line in session.unread or ())


def test_who_caused_it_is_closed_and_others_read_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of a tick cannot be made: the one who spoke is closed, and the other reads that it quit."""
    monkeypatch.setattr(Outbox, "drain", failing(Outbox.drain, has_spoken))
    speaker, other = scene.peers
    say(other, "JOIN #a", "PING joined")
    read_to(other, b":joined")
    say(speaker, "JOIN #a", "PING joined")
    read_to(speaker, b":joined")
    read_to(other, b"JOIN")
    with scene.hub.lock:
        scene.hub.world.sessions[1].heard_mono_ms = 0  # two ticks may fall into one millisecond
    say(speaker, "PING :too much")
    assert b"ERROR" in read_to_end(speaker)
    assert b"QUIT" in read_to(other, b"QUIT")
    say(other, "PING on")
    read_to(other, b":on")


def test_a_fault_that_stays_costs_its_tick_only(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that can never be made into bytes are dropped, instead of being tried in every tick."""
    monkeypatch.setattr(Outbox, "drain", failing(Outbox.drain, has_spoken, times=1000))
    speaker, other = scene.peers
    with scene.hub.lock:
        scene.hub.world.sessions[1].heard_mono_ms = 0
    say(speaker, "PRIVMSG peer1 :too much")
    read_to_end(speaker)
    say(other, "PING on")
    read_to(other, b":on")


@pytest.mark.parametrize("method", ["read", "write"])
def test_a_connection_that_cannot_be_served_is_closed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Reading or writing it fails: the others are served in the same tick."""
    target = getattr(Connection, method)
    monkeypatch.setattr(Connection, method, failing(target, lambda self, *_: self.session.id == 0))
    first, other = scene.peers
    with scene.hub.lock:
        say(first, "PING x")
        say(other, "PING on")
    read_to(other, b":on")
    read_to_end(first)


def test_a_tick_that_fails_otherwise_is_dropped(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever spoke in it is given up."""
    first, other = scene.peers

    def has_first_spoken(hub: Hub) -> bool:
        session = hub.world.sessions.get(0)
        return session is not None and session.heard_mono_ms == hub.world.mono_ms

    with scene.hub.lock:
        for session in scene.hub.world.sessions.values():
            session.heard_mono_ms = 0
        monkeypatch.setattr(Hub, "end", failing(Hub.end, has_first_spoken))
    say(first, "PING x")
    read_to_end(first)
    say(other, "PING on")
    read_to(other, b":on")


def test_tasks_of_a_failed_tick_run_in_the_next_one(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be outcomes of the store, for which a session waits."""
    done = threading.Event()
    with scene.hub.lock:
        monkeypatch.setattr(Hub, "begin", failing(Hub.begin, lambda hub: True, times=3))
    scene.thread.post(done.set)
    assert done.wait(30)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_whose_ticks_all_fail_ends(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not try for ever: the supervisor then ends the daemon."""
    monkeypatch.setattr(io_thread, "_IDLE_WAIT_S", 0.01)
    monkeypatch.setattr(Hub, "end", failing(Hub.end, lambda hub: True, times=1000))
    scene.thread.wake()
    scene.thread.join(30)
    assert not scene.thread.is_alive()
