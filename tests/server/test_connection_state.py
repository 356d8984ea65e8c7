"""A connection goes on in another process in the middle of anything: here, on another connection object."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Callable

import pytest
from harness.websocket_pair import UPGRADE
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from chatroom.chat.people.session import Session
from chatroom.irc.framing import LineBuffer, Malformed
from chatroom.server.backlogs import Backlogs
from chatroom.server.connection import Connection
from chatroom.server.connection_stage import State
from chatroom.server.connection_state import can_be_handed_over, connection_from_state, connection_to_state
from chatroom.server.websocket import WebSocketStream
from chatroom.server.websocket_connection import WebSocketConnection

LINES = st.lists(
    st.sampled_from([b"PING x", b"", b"x" * 600, b"\xff", b"@+a=b PRIVMSG #a :b", b"a\0b", "é☃".encode(), b"y" * 509])
)


def handed(state: object) -> object:
    """Return what comes out of the link."""
    return json.loads(json.dumps(state))


@given(lines=LINES, ends=st.sampled_from([b"\r\n", b"\n", b"\r"]), cut=st.integers(0, 3000))
def test_lines_are_the_same_wherever_they_are_cut(lines: list[bytes], ends: bytes, cut: int) -> None:
    """Also in the middle of one that is too long, or of a character."""
    data = ends.join([*lines, b"last", b""])
    whole = LineBuffer().feed(data)
    first, second = LineBuffer(), LineBuffer()
    before = first.feed(data[:cut])
    second.use_state(*first.to_state())
    assert before + second.feed(data[cut:]) == whole


def frames(texts: list[bytes], pieces: int) -> bytes:
    """Return texts as a client's messages, each in so many fragments, with pings in between."""
    found = b""
    for text in texts:
        size = max(1, -(-len(text) // pieces))
        parts = [text[at : at + size] for at in range(0, len(text), size)] or [b""]
        for index, part in enumerate(parts):
            kind = Opcode.CONT if index else Opcode.BINARY
            found += Frame(kind, part, fin=index == len(parts) - 1).serialize(mask=True)
            found += Frame(Opcode.PING, b"p").serialize(mask=True)
    return found


@given(
    texts=st.lists(st.sampled_from([b"PING x", b"", b"x" * 130, "é☃".encode(), b"z" * 400]), max_size=5),
    pieces=st.integers(1, 3),
    cut=st.integers(0, 2000),
)
def test_messages_are_the_same_wherever_they_are_cut(texts: list[bytes], pieces: int, cut: int) -> None:
    """Between fragments, in a header, in a ping: each line comes once, and each ping is answered once."""
    data = frames(texts, pieces)
    streams = [opened() for _ in range(3)]
    whole = streams[0].feed(data)
    before = streams[1].feed(data[:cut])
    streams[2].use_state(streams[1].to_state())
    assert before + streams[2].feed(data[cut:]) == whole
    pongs = streams[1].take_outgoing() + streams[2].take_outgoing()
    assert pongs == streams[0].take_outgoing()


def opened() -> WebSocketStream:
    """Return a stream whose handshake is done."""
    stream = WebSocketStream(())
    stream.feed(UPGRADE)
    stream.take_outgoing()
    return stream


def make(sock: socket.socket, epoll: select.epoll) -> Connection:
    """Make a connection whose session has begun."""
    session = Session(1, "10.0.0.1", 4, 1, "host", 0)
    session.connection = connection = Connection(sock, session, epoll, Backlogs(1_000_000))
    return connection


def test_what_was_read_and_what_waits_to_be_sent_goes_along() -> None:
    """Lines that have not run, the unfinished one, and the backlog, once each."""
    ours, theirs = socket.socketpair()
    with theirs, select.epoll() as epoll, select.epoll() as other:
        ours.setblocking(False)
        theirs.setblocking(False)
        first = make(ours, epoll)
        theirs.sendall(b"ONE\r\nTWO\r\n\xff\r\nTHR")
        assert first.read()
        sent = b""
        while not first.has_backlog:
            sent += b"%09d\n" % len(sent) * 1000
            first.write(sent[-10_000:])
        assert can_be_handed_over(first)
        state = handed(connection_to_state(first))
        assert isinstance(state, dict)
        second = make(ours.dup(), other)
        first.let_go()
        connection_from_state(second, state)
        assert second.lines == ["ONE", "TWO", Malformed.NOT_UTF8]
        theirs.sendall(b"EE\r\n")
        assert second.read() and second.lines[-1] == "THREE"
        received = b""
        while len(received) < len(sent):
            received += theirs.recv(1_000_000)
            second.flush()
        assert received == sent and not second.has_backlog
        second.close()


def test_a_web_connection_goes_on_too() -> None:
    """With its kind of messages, and the frame that is half read."""
    ours, theirs = socket.socketpair()
    with theirs, select.epoll() as epoll, select.epoll() as other:
        ours.setblocking(False)
        first, second = (make_web(sock, one) for sock, one in ((ours, epoll), (ours.dup(), other)))
        first.use_state(opened().to_state())
        frame = Frame(Opcode.TEXT, b"PING x").serialize(mask=True)
        theirs.sendall(frame[:5])
        first.read()
        assert can_be_handed_over(first)
        state = handed(connection_to_state(first))
        assert isinstance(state, dict)
        first.let_go()
        connection_from_state(second, state)
        theirs.sendall(frame[5:])
        assert second.read() and list(second.lines) == ["PING x"]
        second.write(b"PONG x\r\n")
        assert theirs.recv(100) == b"\x81\x06PONG x"
        second.close()


def make_web(sock: socket.socket, epoll: select.epoll) -> WebSocketConnection:
    """Make a WebSocket connection."""
    session = Session(1, "10.0.0.1", 4, 1, "host", 0)
    return WebSocketConnection(sock, session, epoll, Backlogs(1_000_000), (), (), {}, lambda _: None, lambda *_: None)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: setattr(one.session, "waiting", True),
        lambda one: setattr(one.session, "closing", True),
        lambda one: setattr(one, "state", State.CLOSING),
        lambda one: one.drop("SendQ exceeded"),
    ],
)
def test_what_is_under_way_is_not_handed_over(spoil: Callable[[Connection], None]) -> None:
    """Nor what has ended."""
    ours, theirs = socket.socketpair()
    with ours, theirs, select.epoll() as epoll:
        one = make(ours, epoll)
        spoil(one)
        assert not can_be_handed_over(one)
