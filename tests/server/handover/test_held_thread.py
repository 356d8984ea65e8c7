"""An I/O thread in a handover: what it does while it is held, and with connections that it takes over."""

from __future__ import annotations

import contextlib
import socket
from base64 import b64encode
from functools import partial
from pathlib import Path

from harness.daemon import CAP_S, until
from harness.runtime import make_world

from chatroom.chat.people.session import Session
from chatroom.config import Settings
from chatroom.config.chatting import Limits
from chatroom.server.entrance import Entrance
from chatroom.server.halt import Halt
from chatroom.server.hub import Hub
from chatroom.server.io_thread import IoThread
from chatroom.server.operator_screen import Screen
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores


def test_a_connection_that_is_taken_over_and_has_ended_has_a_turn(tmp_path: Path) -> None:
    """More waits for its peer than the new settings allow: it ends now, and not when it is silent for long."""
    hub = Hub(make_world(Settings()), Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    thread = IoThread(0, hub, lambda session: None)
    session = Session(1, "10.0.0.1", 4, 0x0A000001, "host", 0)
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        unsent = b64encode(bytes(hub.world.settings.limits.sendq_bytes + 1)).decode()
        state = {"lines": [], "uncut": "", "unsent": unsent, "tail": "", "overlong": False, "websocket": None}
        thread.give(thread.table.take_over(near, session, state))
        assert list(thread._ticks.turns.behind) == [session.connection]


def test_a_thread_that_is_held_sends_what_waits(tmp_path: Path) -> None:
    """Or else a long answer whose reader is slow would never end, and with it the connection."""
    world = make_world(Settings(limits=Limits(enabled=False)))
    hub = Hub(world, Workers(lambda: open_stores(tmp_path / "chat.db")), Screen())
    thread = IoThread(0, hub, lambda session: None)
    hub.threads = [thread]
    thread.start()
    session = Session(1, "10.0.0.1", 4, 0x0A000001, "host", 0)
    near, far = socket.socketpair()
    received = bytearray()

    def is_read() -> bool:
        halt = thread.halt = Halt(1)
        thread.wake()
        assert halt.wait(CAP_S)
        thread.halt = None
        halt.release(goes_on=True)
        with contextlib.suppress(BlockingIOError):
            while data := far.recv(65_536):
                received.extend(data)
        return b"the last" in received

    try:
        near.setblocking(False)
        far.setblocking(False)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        thread.adopt([(near, session, Entrance(near))])
        until(lambda: session.connection is not None, "it has begun")
        thread.post(thread.hold)
        for line in (*["x" * 400] * 200, "the last"):
            thread.post(partial(world.tell_session, session, line))
        until(is_read, "all of it is read")
    finally:
        far.close()
        thread.post(thread.go_on)
        thread.stop(0.0)
        thread.join()
