from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest

from chatroom.chat.people.session import Session
from chatroom.server.backlogs import Backlogs
from chatroom.server.connection import Connection
from chatroom.server.liveness_wheel import LivenessWheel


@pytest.fixture
def connections() -> Iterator[list[Connection]]:
    """Two open connections."""
    epoll, pairs = select.epoll(), [socket.socketpair() for _ in range(2)]
    yield [
        Connection(near, Session(number, "10.0.0.1", 4, 1, "host", 0), epoll, Backlogs(1000))
        for number, (near, _) in enumerate(pairs)
    ]
    for near, far in pairs:
        near.close()
        far.close()
    epoll.close()


def test_a_connection_is_due_in_the_second_after_its_moment(connections: list[Connection]) -> None:
    """It is never due before its moment. After a long pause, connections are due in the order of their seconds."""
    early, late = connections
    wheel = LivenessWheel(now_s=100.5)
    wheel.schedule(late, 104_000)
    wheel.schedule(early, 102_999)
    wheel.advance(102.999)
    assert list(wheel.due) == []
    wheel.advance(103.0)
    assert list(wheel.due) == [early]
    wheel.advance(200.0)
    assert list(wheel.due) == [early, late]


def test_a_moment_that_has_passed_is_due_in_the_next_second(connections: list[Connection]) -> None:
    """The wheel does not come back to a second that it has left behind."""
    wheel = LivenessWheel(now_s=100.5)
    wheel.schedule(connections[0], 5000)
    wheel.advance(100.9)
    assert list(wheel.due) == []
    wheel.advance(101.0)
    assert list(wheel.due) == [connections[0]]


def test_a_closed_connection_is_forgotten(connections: list[Connection]) -> None:
    """Discarding a connection leaves the others of its second. One that is due already stays so."""
    wheel = LivenessWheel(now_s=100.5)
    for connection in connections:
        wheel.schedule(connection, 101_000)
    wheel.discard(connections[0])
    wheel.advance(110.0)
    wheel.discard(connections[1])
    assert list(wheel.due) == [connections[1]]
