"""How much of the long answers one tick makes, and what a client's own pace and end do to them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from harness.runtime import make_world

from chatroom.chat.people.session import Session
from chatroom.chat.people.user import User
from chatroom.commands import long_answers
from chatroom.config import Settings
from chatroom.config.chatting import Limits
from chatroom.server import answer_turns
from chatroom.server.answer_turns import AnswerTurns
from chatroom.server.entrance import Entrance
from chatroom.server.hub import Hub
from chatroom.server.io_thread import IoThread
from chatroom.server.operator_screen import Screen
from chatroom.server.turns import TICK_BYTES
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores


class Stage:
    """Long answers without a thread: what was made, in order, and what waits for its time."""

    def __init__(self) -> None:
        self.costs: Any = SimpleNamespace(tick_bytes=0)
        self.later: list[Callable[[], None]] = []
        self.made: list[tuple[str, bool]] = []
        hub: Any = SimpleNamespace(world=SimpleNamespace(costs=self.costs), run_task=lambda task: task())
        self.answers = AnswerTurns(hub, lambda delay_s, task: self.later.append(task))

    def run(self) -> None:
        """Make pieces as a tick with much time does."""
        self.answers.run(time.monotonic() + 60)

    def add(self, name: str, size: int = 0, *, has_backlog: bool = False, is_lost: bool = False) -> Any:
        """Add an answer of many pieces. Return its connection."""
        connection: Any = SimpleNamespace(has_backlog=has_backlog, is_lost=is_lost)

        def go_on(lost: bool) -> None:
            self.made.append((name, lost))
            self.costs.tick_bytes += size
            if not lost:
                self.answers.add(connection, go_on)

        self.answers.add(connection, go_on)
        return connection


def test_each_answer_makes_one_piece_in_a_tick() -> None:
    """Also if there is time for more."""
    stage = Stage()
    for name in "ab":
        stage.add(name)
    stage.run()
    assert stage.made == [("a", False), ("b", False)]


def test_the_bytes_of_a_tick_are_bounded_and_answers_take_turns() -> None:
    """One piece is made in any case. The next tick begins with the next answer."""
    stage = Stage()
    for name in "abc":
        stage.add(name, TICK_BYTES)
    for _ in range(4):
        stage.run()
    assert [name for name, _ in stage.made] == ["a", "b", "c", "a"]


def test_the_time_of_a_tick_is_bounded() -> None:
    """Without any time left, one piece is made."""
    stage = Stage()
    for name in "ab":
        stage.add(name)
    stage.answers.run(time.monotonic())
    assert stage.made == [("a", False)]


def test_an_answer_waits_until_its_client_has_read_the_last_piece() -> None:
    """It does not keep the thread busy meanwhile, and others go on."""
    stage = Stage()
    slow = stage.add("slow", has_backlog=True)
    stage.add("quick")
    stage.run()
    stage.run()
    assert [name for name, _ in stage.made] == ["quick", "quick"]
    slow.has_backlog = False
    (again,) = stage.later
    again()
    stage.run()
    assert ("slow", False) in stage.made


def test_an_answer_to_a_lost_connection_is_dropped() -> None:
    """It learns of it, and is not added again."""
    stage = Stage()
    stage.add("lost", has_backlog=True, is_lost=True)
    stage.run()
    assert stage.made == [("lost", True)]
    assert not stage.answers.waiting


@pytest.mark.parametrize("threads", [1, 2])
def test_a_long_answer_comes_whole_over_a_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, threads: int) -> None:
    """Over many ticks, and more than the socket takes at once. The client's next line is answered behind it."""
    monkeypatch.setattr(long_answers, "PIECE_BYTES", 1)
    monkeypatch.setattr(answer_turns, "BACKLOG_PAUSE_S", 0.001)
    world = make_world(Settings(limits=Limits(enabled=False)))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    all_threads = [IoThread(index, hub, lambda session: None) for index in range(threads)]
    hub.threads = all_threads
    peers = []
    for thread in all_threads:
        thread.start()
    try:
        for number in range(20):
            near, far = socket.socketpair()
            near.setblocking(False)
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            far.settimeout(30)
            session = Session(number, "10.0.0.1", 4, 0x0A000001, "host", 0)
            all_threads[number % threads].adopt([(near, session, Entrance(near))])
            far.sendall(b"NICK n%d\r\nUSER u 0 * :%s\r\nPING ready\r\n" % (number, b"x" * 90))
            read_to(far, b":ready")
            peers.append(far)
        for far in peers:
            far.sendall(b"WHO #lobby\r\nPING behind\r\n")
        for far in peers:
            answer = read_to(far, b":behind")
            assert answer.count(b" 352 ") == 20
            assert answer.index(b" 315 ") < answer.index(b" PONG ")
        peers[0].sendall(b"WHO #lobby\r\n")
        peers.pop(0).close()
        while len(hub.world.users) == 20:
            peers[0].sendall(b"PING still\r\n")
            read_to(peers[0], b":still")
    finally:
        for thread in all_threads:
            thread.stop(0.0)
            thread.join()
        for far in peers:
            far.close()


def read_to(peer: socket.socket, wanted: bytes) -> bytes:
    """Read until some bytes have come. Return all."""
    data = b""
    for part in iter(partial(peer.recv, 65_536), b""):
        data += part
        if wanted in data:
            break
    return data


def test_an_answer_may_be_longer_than_the_send_queue(tmp_path: Path) -> None:
    """The client reads the metadata of a channel, twenty times as long as its send queue, at its own pace."""
    world = make_world(Settings(limits=Limits(enabled=False, sendq_bytes=16_384)))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    thread = IoThread(0, hub, lambda session: None)
    hub.threads = [thread]
    thread.start()
    near, far = socket.socketpair()
    near.setblocking(False)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    far.settimeout(30)
    with far:
        try:
            thread.adopt([(near, Session(1, "10.0.0.1", 4, 0x0A000001, "host", 0), Entrance(near))])
            keys = " ".join(f"k{number}" for number in range(20))
            far.sendall(b"CAP REQ :batch draft/metadata-3\r\nNICK al\r\nUSER u 0 * :U\r\nCAP END\r\n")
            read_to(far, b" 366 ")
            with hub.lock:
                hub.world.begin_tick(0, 0)
                for number in range(60):
                    user = User(f"n{number}", "u", "U", "h", None, 0, 0)
                    user.account_data.metadata.update(dict.fromkeys(keys.split(), "v" * 250))
                    world.add_user(user)
                    world.join(world.channels["#lobby"], user, 0)
            far.sendall(f"METADATA * SUB {keys}\r\nMETADATA #lobby SYNC\r\nPING behind\r\n".encode())
            answer = read_to(far, b":behind")
        finally:
            thread.stop(0.0)
            thread.join()
    assert answer.count(b" 761 ") == 60 * 20
    assert len(answer) > 20 * 16_384
