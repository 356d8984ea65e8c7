from __future__ import annotations

import gc
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatroom.chat.cloak import Cloak
from chatroom.chat.session import Session
from chatroom.chat.world import World
from chatroom.config import Settings
from chatroom.config.settings import Limits
from chatroom.server import hub as hub_module
from chatroom.server.hub import Hub
from chatroom.server.io_thread import IoThread
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
