from __future__ import annotations

import contextlib
import gc
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from harness.daemon import until
from harness.runtime import make_world

from chatroom.chat.people.session import Session
from chatroom.chat.world import World
from chatroom.config import Settings
from chatroom.config.chatting import Limits
from chatroom.irc.framing import Malformed
from chatroom.server import hub as hub_module
from chatroom.server import io_thread, long_reads, open_connections, ready_sockets, ticks, turns
from chatroom.server.entrance import Entrance
from chatroom.server.hub import Hub
from chatroom.server.io_thread import GATHER_FROM, GATHER_S, IoThread
from chatroom.server.open_connections import LOOKS_PER_TICK, OpenConnections
from chatroom.server.operator_screen import Screen
from chatroom.server.ready_sockets import SOCKETS_BETWEEN_LOOKS
from chatroom.server.ticks import MOST_ACCEPTED
from chatroom.server.turns import LINES_OF_ALL, LINES_PER_TICK
from chatroom.server.websocket_connection import WebSocketConnection
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores


def test_a_clock_set_back_does_not_stop_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The line rate uses the monotonic clock: lines are still run with the wall clock an hour back."""
    settings = Settings(limits=Limits(burst_lines=2, lines_per_s=200.0))
    now_ms = time.time_ns() // 1_000_000
    world = make_world(settings, now_ms)
    monkeypatch.setattr(hub_module, "read_clocks", lambda: (now_ms - 3_600_000, time.monotonic_ns() // 1_000_000))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    thread = IoThread(0, hub, lambda session: None)
    hub.threads = [thread]
    thread.start()
    try:
        near, far = socket.socketpair()
        near.setblocking(False)
        thread.adopt([(near, Session(1, "10.0.0.1", 4, 0x0A000001, "host", now_ms), Entrance(near))])
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
    """A closed connection no longer refers to its session, so both are freed with their last reference."""
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
        thread.adopt([(near, session, Entrance(near))])
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


def test_a_websocket_handshake_has_its_time_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who leaves is gone at once, without the timer of its handshake; who says nothing is answered when time is up."""
    hub = Hub(make_world(Settings()), Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    released: list[int] = []
    thread = IoThread(0, hub, lambda session: released.append(session.id))
    hub.threads = [thread]
    thread.start()

    def connect(number: int) -> socket.socket:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.settimeout(30)
        thread.adopt([(near, Session(number, "10.0.0.1", 4, 0x0A000001, "host", 0), Entrance(near, websocket=True))])
        return far

    def find_connections() -> list[WebSocketConnection]:
        return [found for found in gc.get_objects() if type(found) is WebSocketConnection]

    try:
        of_other_tests = find_connections()
        connect(1).close()
        until(lambda: released == [1], "it is closed")
        # The thread may still be in the method that has released it.
        until(lambda: len(find_connections()) == len(of_other_tests), "it is freed")
        monkeypatch.setattr(open_connections, "HANDSHAKE_S", 0.0)
        with connect(2) as silent:
            assert silent.recv(4096).startswith(b"HTTP/1.1 408 ")
    finally:
        thread.stop(0.0)
        thread.join()


def test_a_websocket_handshake_has_its_time_anew_after_a_standstill(tmp_path: Path) -> None:
    """What was due while the daemon, or the whole machine, stood still is not the client's fault."""
    hub = Hub(make_world(Settings()), Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    later: list[Any] = []
    thread: Any = SimpleNamespace(post=later.append, call_later=lambda delay_s, task: later.append(task))
    with select.epoll() as epoll:
        table = OpenConnections(0, hub, thread, epoll, lambda session: None)
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        table.begin((near, Session(1, "10.0.0.1", 4, 0x0A000001, "host", 0), Entrance(near, websocket=True)))
        table.wheel.next_s -= 10
        later.pop()()
        with pytest.raises(BlockingIOError):
            far.recv(4096)
        table.wheel.next_s += 10
        later.pop()()
        assert far.recv(4096).startswith(b"HTTP/1.1 408 ")
        near.close()
        far.close()


class CountingSocket(socket.socket):
    """A socket that counts its writing system calls."""

    sends = 0

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Count the call and send."""
        self.sends += 1
        return super().send(data, flags)


class CountingHub(Hub):
    """A hub that records what each tick runs and closes."""

    def __init__(self, world: World, workers: Workers) -> None:
        super().__init__(world, workers, Screen())
        self.ticks: list[list[int]] = [[]]
        """For each tick, the id of the session of each line that was run."""
        self.closed: list[int] = []
        """How many sessions each tick closed."""
        self.long_bytes: list[int] = []
        """The bytes of each tick's long answers."""
        self.present: list[int] = []
        """How many sessions there are after each tick."""
        self.sockets: list[CountingSocket] = []
        """The sessions' sockets; a session's id is its index."""

    def run_line(self, session: Session, line: str | Malformed) -> bool:
        """Record the session and run the line."""
        self.ticks[-1].append(session.id)
        return super().run_line(session, line)

    def end(self) -> None:
        """Record what the tick closes and end it."""
        self.ticks.append([])
        self.closed.append(len(self.world.outbox.closed))
        self.long_bytes.append(self.world.costs.tick_bytes)
        self.present.append(len(self.world.sessions))
        super().end()


def register(peers: Sequence[socket.socket]) -> None:
    """Have all users join the lobby and read what that says to each of them."""
    for number, peer in enumerate(peers):
        peer.sendall(b"NICK n%d\r\nUSER n 0 * :n\r\n" % number)
        read_until(peer, b" 366 ")
    for peer in peers:
        peer.sendall(b"PING ready\r\n")
        read_until(peer, b"ready\r\n")


@contextmanager
def crowd(tmp_path: Path, limits: Limits, size: int) -> Iterator[tuple[CountingHub, list[socket.socket]]]:
    """Start a thread with that many connections. Gives the hub and the far ends of the connections."""
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
            [
                (sock, Session(id, "10.0.0.1", 4, 0x0A000001, "h", 0), Entrance(sock))
                for id, sock in enumerate(hub.sockets)
            ]
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
    """Read until some bytes have come that many times."""
    read = b""
    while read.count(wanted) < count:
        read += peer.recv(65536)


def test_if_many_have_lines_each_runs_fewer_in_a_tick(tmp_path: Path) -> None:
    """A tick runs about two thousand lines at most, so no client waits for more than those of others."""
    with crowd(tmp_path, Limits(enabled=False), 64) as (hub, peers):
        with hub.lock:  # so that the thread's next tick reads all of it
            for peer in peers:
                peer.sendall(b"PING x\r\n" * 200)
        for peer in peers:
            read_until(peer, b"\n", 200)
    assert sum(len(tick) for tick in hub.ticks) == 64 * 200
    assert max(len(tick) for tick in hub.ticks) <= LINES_OF_ALL
    assert all(tick.count(id) <= LINES_PER_TICK for tick in hub.ticks for id in set(tick))


def test_the_thread_pauses_for_answers_if_several_speak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a busy room the next answers then make one tick. What comes behind a lone message does not wait."""
    pauses: list[float] = []
    with crowd(tmp_path, Limits(enabled=False), GATHER_FROM + 2) as (hub, peers):
        register(peers)
        monkeypatch.setattr(io_thread, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pauses.append))
        for speakers in (peers[:1], peers[1:]):
            assert pauses == []
            with hub.lock:  # so that the thread's next ticks read several of them
                for peer in speakers:
                    peer.sendall(b"PRIVMSG #lobby :hello\r\n")
            read_until(peers[-1], b":hello\r\n", max(len(speakers) - 1, 1))
            peers[0].sendall(b"PING done\r\n")
            read_until(peers[0], b":done\r\n")
    assert set(pauses) == {GATHER_S}


def test_a_flood_of_empty_lines_is_a_flood(tmp_path: Path) -> None:
    """A connection that sends nothing but line ends is held back, and closed if it goes on."""
    with crowd(tmp_path, Limits(burst_lines=5, lines_per_s=0.1, queue_lines=20), 1) as (hub, peers):
        peer, answer = peers[0], b""
        with contextlib.suppress(OSError):
            for _ in range(100):
                peer.sendall(b"\r\n" * 32_768)
        with contextlib.suppress(OSError):
            while data := peer.recv(65_536):
                answer += data
    assert b"Excess flood" in answer
    assert sum(len(tick) for tick in hub.ticks) == 5


def test_long_answers_come_between_what_others_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long answers are made in many ticks of bounded bytes, and a connection that asks for little goes first."""
    monkeypatch.setattr(turns, "TICK_BYTES", 20_000)
    with crowd(tmp_path, Limits(enabled=False), 40) as (hub, peers):
        register(peers)
        with hub.lock:
            begun = len(hub.ticks) - 1
            hub.ticks[begun] = []
            hub.long_bytes.clear()
            for peer in peers[:30]:
                peer.sendall(b"WHO #lobby\r\n" * 20)
            peers[39].sendall(b"PING here\r\n")
        read_until(peers[39], b"here\r\n")
        for peer in peers[:30]:
            read_until(peer, b" 315 ", 20)
        with hub.lock:
            ticks, long_bytes = hub.ticks[begun:], hub.long_bytes
    order = [id for tick in ticks for id in tick]
    assert len(order) == 30 * 20 + 1
    assert order.index(39) < 30 * 2
    assert all(tick.count(id) == 1 for tick in ticks for id in tick)
    assert max(long_bytes) < 20_000 + 2 * 5_000


def test_one_tick_looks_at_a_bounded_number_of_silent_connections(tmp_path: Path) -> None:
    """Hundreds of silent connections do not make one tick long."""
    with crowd(tmp_path, Limits(registration_timeout_s=0.1), LOOKS_PER_TICK * 5 // 2) as (hub, peers):
        for peer in peers:
            while peer.recv(4096):
                pass
    assert sum(hub.closed) == len(peers)
    assert max(hub.closed) <= LOOKS_PER_TICK


def test_the_time_in_which_the_thread_was_held_up_is_nobodys_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that would be too late to register is not closed if the thread itself did nothing meanwhile.

    Nor is one that has not caught up with its backlog.
    """
    with crowd(tmp_path, Limits(enabled=False, sendq_bytes=2**24, backlog_timeout_s=60), 3) as (hub, peers):
        slow, late, other = peers
        register([slow, other])
        slow.sendall(b"NAMES #lobby\r\n" * 10_000)
        until(lambda: len(hub.threads[0].table._backlogs), "there is a backlog")  # type: ignore[attr-defined]
        ahead = SimpleNamespace(monotonic=lambda: time.monotonic() + 100, sleep=time.sleep)
        monkeypatch.setattr(ticks, "time", ahead)
        other.sendall(b"PING first\r\n")
        read_until(other, b":first\r\n")
        other.sendall(b"PING second\r\n")
        read_until(other, b":second\r\n")
        late.sendall(b"NICK late\r\nUSER late 0 * :late\r\n")
        read_until(late, b" 366 ")
        read_until(slow, b" 366 ", 10_000)


def test_a_tick_begins_a_bounded_number_of_connections(tmp_path: Path) -> None:
    """However many are accepted at once."""
    with crowd(tmp_path, Limits(enabled=False), MOST_ACCEPTED * 5 // 2) as (hub, peers):
        register(peers[-1:])
    began = [after - before for before, after in pairwise([0, *hub.present])]
    assert max(began) == MOST_ACCEPTED


def test_a_tick_that_reads_for_long_runs_what_it_has_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other sockets are read in the next ticks, and each of them has its turn."""
    monkeypatch.setattr(ready_sockets, "READ_S", 0.0)
    with crowd(tmp_path, Limits(enabled=False), 40) as (hub, peers):
        register(peers)
        with hub.lock:
            begun = len(hub.ticks) - 1
            hub.ticks[begun] = []
            for peer in peers:
                peer.sendall(b"PING x\r\n" * 5)
        for peer in peers:
            read_until(peer, b"\n", 5)
        with hub.lock:
            ticks = hub.ticks[begun:]
    assert sorted(id for tick in ticks for id in set(tick)) == list(range(40))
    assert max(len(set(tick)) for tick in ticks) <= SOCKETS_BETWEEN_LOOKS


def test_who_sends_little_does_not_wait_for_who_sends_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sockets are read before a long read is cut, even if only one of these is cut in each tick."""
    monkeypatch.setattr(long_reads, "CUT_S", 0.0)
    monkeypatch.setattr(ready_sockets, "READ_S", 60.0)
    with crowd(tmp_path, Limits(enabled=False), 20) as (hub, peers):
        register(peers)
        with hub.lock:
            begun = len(hub.ticks) - 1
            hub.ticks[begun] = []
            for peer in peers[:-1]:
                peer.sendall(b"\xff\r\n" * 500)
            peers[-1].sendall(b"PING here\r\n")
        read_until(peers[-1], b"here\r\n")
        for peer in peers[:-1]:
            read_until(peer, b"INVALID_UTF8", 500)
        with hub.lock:
            ticks = [tick for tick in hub.ticks[begun:] if tick]
    (own,) = (tick for tick in ticks if 19 in tick)
    before = ticks[: ticks.index(own)]
    assert len(set(own) | {id for tick in before for id in tick}) <= 3
    assert sorted({id for tick in ticks for id in tick}) == list(range(20))


def test_a_tick_costs_each_reader_one_system_call(tmp_path: Path) -> None:
    """Two hundred lines of five users to a channel of twenty-five cost each member a few writes, not hundreds."""
    with crowd(tmp_path, Limits(enabled=False), 25) as (hub, peers):
        register(peers)
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
