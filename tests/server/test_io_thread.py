from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from harness.runtime import make_world

from chatroom.chat.people.session import Session
from chatroom.chat.world import World
from chatroom.config import Settings
from chatroom.config.settings import Limits
from chatroom.irc.framing import Malformed
from chatroom.server import hub as hub_module
from chatroom.server.hub import Hub
from chatroom.server.io_thread import LINES_OF_ALL, LINES_PER_TICK, LOOKS_PER_TICK, IoThread
from chatroom.server.operator_screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores


def test_a_clock_set_back_silences_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The line rate goes by the clock that never jumps: with the time of day an hour back, lines are still taken."""
    settings = Settings(limits=Limits(burst_lines=2, lines_per_s=200.0))
    now_ms = time.time_ns() // 1_000_000
    world = make_world(settings, now_ms)
    monkeypatch.setattr(hub_module, "time", SimpleNamespace(time_ns=lambda: (now_ms - 3_600_000) * 1_000_000))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    thread = IoThread(0, hub, lambda session: None)
    hub.threads = [thread]
    thread.start()
    try:
        near, far = socket.socketpair()
        near.setblocking(False)
        thread.adopt([(near, Session(1, "10.0.0.1", 4, 0x0A000001, "host", now_ms), False)])
        far.settimeout(30)
        far.sendall(b"".join(b"PING %d\r\n" % number for number in range(20)))
        answer = b""
        while b":19\r\n" not in answer:
            answer += far.recv(4096)
        far.close()
    finally:
        thread.stop(0.0)
        thread.join()


def test_a_closed_connection_is_gone_without_the_garbage_collector(tmp_path: Path) -> None:
    """Once it is closed it knows its session no longer: the last who knew it lets both go."""
    world = make_world(Settings(limits=Limits(enabled=False)))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    released = threading.Event()
    thread = IoThread(0, hub, lambda session: released.set())
    hub.threads = [thread]
    thread.start()
    session = Session(1, "10.0.0.1", 4, 0x0A000001, "host", 0)
    try:
        near, far = socket.socketpair()
        near.setblocking(False)
        thread.adopt([(near, session, False)])
        far.settimeout(30)
        far.sendall(b"NICK al\r\nUSER al 0 * :Al\r\nQUIT\r\n")
        while far.recv(4096):
            pass
        far.close()
        assert released.wait(30)
    finally:
        thread.stop(0.0)
        thread.join()
    assert session.connection is not None
    assert session.connection not in gc.get_referrers(session)


class CountingSocket(socket.socket):
    """A socket that counts the system calls by which it writes."""

    sends = 0

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Count it, and do it."""
        self.sends += 1
        return super().send(data, flags)


class CountingHub(Hub):
    """A hub that notes what each tick ran and closed."""

    def __init__(self, world: World, workers: Workers) -> None:
        super().__init__(world, workers, Screen())
        self.ticks: list[list[int]] = [[]]
        """The sessions, by their ids, whose lines were run, tick by tick."""
        self.closed: list[int] = []
        """How many sessions each tick closed."""
        self.sockets: list[CountingSocket] = []
        """Of the sessions, by their ids."""

    def run_line(self, session: Session, line: str | Malformed) -> None:
        """Note whose it is, and run it."""
        self.ticks[-1].append(session.id)
        super().run_line(session, line)

    def end(self) -> None:
        """Note what the tick closes, and end it."""
        self.ticks.append([])
        self.closed.append(len(self.world.outbox.closed))
        super().end()


@contextmanager
def crowd(tmp_path: Path, limits: Limits, size: int) -> Iterator[tuple[CountingHub, list[socket.socket]]]:
    """A running thread with so many connections; the far ends of them."""
    world = make_world(Settings(limits=limits))
    hub = CountingHub(world, Workers(lambda: open_stores(tmp_path / "chat.db")))
    thread = IoThread(0, hub, lambda session: None)
    hub.threads = [thread]
    thread.start()
    pairs = [socket.socketpair() for _ in range(size)]
    peers = [far for _, far in pairs]
    try:
        hub.sockets = [CountingSocket(fileno=near.detach()) for near, _ in pairs]
        for sock in hub.sockets:
            sock.setblocking(False)
        thread.adopt(
            [(sock, Session(id, "10.0.0.1", 4, 0x0A000001, "h", 0), False) for id, sock in enumerate(hub.sockets)]
        )
        for far in peers:
            far.settimeout(30)
        yield hub, peers
    finally:
        thread.stop(0.0)
        thread.join()
        for far in peers:
            far.close()


def read_until(peer: socket.socket, wanted: bytes, count: int = 1) -> None:
    """Read until that came so often."""
    read = b""
    while read.count(wanted) < count:
        read += peer.recv(65536)


def test_where_many_have_lines_each_has_fewer_of_them_run_in_a_tick(tmp_path: Path) -> None:
    """So that a tick is never longer than a couple of thousand lines, and nobody's line waits for more than those."""
    with crowd(tmp_path, Limits(enabled=False), 64) as (hub, peers):
        with hub.lock:  # the thread reads what each of them has sent by then
            for peer in peers:
                peer.sendall(b"PING x\r\n" * 200)
        for peer in peers:
            read_until(peer, b"\n", 200)
    assert sum(len(tick) for tick in hub.ticks) == 64 * 200
    assert max(len(tick) for tick in hub.ticks) <= LINES_OF_ALL
    assert all(tick.count(id) <= LINES_PER_TICK for tick in hub.ticks for id in set(tick))


def test_those_who_are_due_in_the_same_second_are_looked_at_little_by_little(tmp_path: Path) -> None:
    """A thousand silent connections are no tick in which everybody else waits."""
    with crowd(tmp_path, Limits(registration_timeout_s=0.1), LOOKS_PER_TICK * 5 // 2) as (hub, peers):
        for peer in peers:
            while peer.recv(4096):
                pass
    assert sum(hub.closed) == len(peers)
    assert max(hub.closed) <= LOOKS_PER_TICK


def test_what_many_say_is_one_system_call_a_tick_for_each_who_reads_it(tmp_path: Path) -> None:
    """Two hundred lines of five people, to twenty-five in a room, are a few writes to each of them and not hundreds."""
    with crowd(tmp_path, Limits(enabled=False), 25) as (hub, peers):
        for number, peer in enumerate(peers):
            peer.sendall(b"NICK n%d\r\nUSER n 0 * :n\r\n" % number)
            read_until(peer, b" 366 ")
        for peer in peers:
            peer.sendall(b"PING ready\r\n")
            read_until(peer, b"ready\r\n")
        with hub.lock:
            ticks, sends = len(hub.ticks), [sock.sends for sock in hub.sockets]
            for peer in peers[:5]:
                peer.sendall(b"".join([b"PRIVMSG #lobby :%d\r\n" % number for number in range(40)]))
        for number, peer in enumerate(peers):
            read_until(peer, b" PRIVMSG ", 160 if number < 5 else 200)
        with hub.lock:
            talking = [tick for tick in hub.ticks[ticks - 1 :] if tick]
            written = [sock.sends - before for sock, before in zip(hub.sockets, sends, strict=True)]
    assert sum(len(tick) for tick in talking) == 200
    assert max(written) <= len(talking) <= 5
