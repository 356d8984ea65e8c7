"""Nothing is left for Python's search for garbage, which would stop the chat for as long as there are many objects."""

from __future__ import annotations

import gc
import select
import socket
from collections.abc import Iterator

import pytest
from harness.runtime import make_world

from chatroom.chat.people.session import Session
from chatroom.commands.connecting.registration import start
from chatroom.commands.dispatch import run_line
from chatroom.config import Settings
from chatroom.config.chatting import Limits
from chatroom.server import garbage
from chatroom.server.backlogs import Backlogs
from chatroom.server.connection import Connection
from chatroom.server.websocket_connection import WebSocketConnection


@pytest.fixture(autouse=True)
def nothing_before() -> Iterator[None]:
    """Only what the test leaves counts."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_session_leaves_no_garbage() -> None:
    """From its first line to its end: whatever it needed is freed when it ends. Refusals and log lines included."""
    world = make_world(Settings(limits=Limits(enabled=False)))
    lines = ("NICK al", "USER al 0 * :Al", "JOIN #a", "PRIVMSG #a :hi", "WHO *", "LIST", "FOO", "JOIN", "QUIT :bye")

    def live(number: int) -> None:
        session = Session(number, "10.0.0.1", 4, 0x0A000001, "host", 0)
        world.begin_tick(number, number)
        start(world, session)
        for line in lines:
            assert not run_line(world, session, line)
        world.outbox.drain()
        world.outbox.closed = []
        assert session.closing

    live(1)  # what is made once, such as the welcome
    gc.collect()
    live(2)
    assert gc.collect() == 0


def test_a_websocket_leaves_no_garbage() -> None:
    """A closed connection is freed with its last reference."""
    near, far = socket.socketpair()
    near.setblocking(False)
    epoll, backlogs = select.epoll(), Backlogs[Connection](1000)
    session = Session(1, "10.0.0.1", 4, 0x0A000001, "host", 0)
    connection = WebSocketConnection(
        near, session, epoll, backlogs, ["*"], (), {}, lambda opened: None, lambda refused, why: None
    )
    far.sendall(b"GET / HTTP/1.1\r\n\r\n")
    connection.read()
    connection.close()
    connection.close()
    far.close()
    epoll.close()
    del connection, session
    assert gc.collect() == 0


def test_new_objects_are_searched_less_often() -> None:
    """Those of one tick end with it. When the daemon has stopped, the rest of the process is searched as before."""
    before = gc.get_threshold()
    for _ in range(2):
        garbage.search_once()
    assert gc.get_threshold()[0] > before[0]
    for _ in range(2):
        garbage.search_again()
    assert gc.get_threshold() == before


def test_what_has_survived_a_full_search_is_not_searched_again() -> None:
    """Until the search is set back, objects that live long cost nothing any more."""
    kept = [[number] for number in range(1000)]
    before = gc.get_freeze_count()
    for _ in range(2):
        garbage.search_once()
    gc.collect(0)
    assert gc.get_freeze_count() == before
    gc.collect()
    assert gc.get_freeze_count() >= before + len(kept)
    for _ in range(2):
        garbage.search_again()
    gc.collect()
    assert gc.get_freeze_count() == 0
