from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatroom.chat.cloak import Cloak
from chatroom.chat.session import Session
from chatroom.chat.world import World
from chatroom.config import Settings
from chatroom.config.settings import Limits
from chatroom.irc.framing import Malformed
from chatroom.server import hub as hub_module
from chatroom.server.hub import Hub
from chatroom.server.io_thread import LINES_OF_ALL, LINES_PER_TICK, LOOKS_PER_TICK, IoThread
from chatroom.server.screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.stores import open_stores


def test_a_clock_set_back_silences_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The line rate goes by the clock that never jumps: with the time of day an hour back, lines are still taken."""
    settings = Settings(limits=Limits(burst_lines=2, lines_per_s=200.0))
    now_ms = time.time_ns() // 1_000_000
    world = World(settings, now_ms, "t-", Cloak(b"key"))
    monkeypatch.setattr(hub_module, "time", SimpleNamespace(time_ns=lambda: (now_ms - 3_600_000) * 1_000_000))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db"), lambda stores: None), Screen())
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
    world = World(Settings(limits=Limits(enabled=False)), 0, "t-", Cloak(b"key"))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db"), lambda stores: None), Screen())
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


class CountingHub(Hub):
    """A hub that notes what each tick ran and closed."""

    def __init__(self, world: World, workers: Workers) -> None:
        super().__init__(world, workers, Screen())
        self.ticks: list[list[int]] = [[]]
        """The sessions, by their ids, whose lines were run, tick by tick."""
        self.closed: list[int] = []
        """How many sessions each tick closed."""

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
    world = World(Settings(limits=limits), 0, "t-", Cloak(b"key"))
    hub = CountingHub(world, Workers(lambda: open_stores(tmp_path / "chat.db"), lambda stores: None))
    thread = IoThread(0, hub, lambda session: None)
    hub.threads = [thread]
    thread.start()
    pairs = [socket.socketpair() for _ in range(size)]
    try:
        for near, _ in pairs:
            near.setblocking(False)
        thread.adopt(
            [(near, Session(id, "10.0.0.1", 4, 0x0A000001, "h", 0), False) for id, (near, _) in enumerate(pairs)]
        )
        for _, far in pairs:
            far.settimeout(30)
        yield hub, [far for _, far in pairs]
    finally:
        thread.stop(0.0)
        thread.join()
        for _, far in pairs:
            far.close()


def test_where_many_have_lines_each_has_fewer_of_them_run_in_a_tick(tmp_path: Path) -> None:
    """So that a tick is never longer than a couple of thousand lines, and nobody's line waits for more than those."""
    with crowd(tmp_path, Limits(enabled=False), 64) as (hub, peers):
        with hub.lock:  # the thread reads what each of them has sent by then
            for peer in peers:
                peer.sendall(b"PING x\r\n" * 200)
        for peer in peers:
            answer = b""
            while answer.count(b"\n") < 200:
                answer += peer.recv(65536)
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
