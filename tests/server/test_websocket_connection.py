"""A WebSocket connection on a pair of sockets: its bounds of time and memory, and its end."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from harness.daemon import until
from harness.websocket_pair import UPGRADE, WebSocketPair

from chatroom.server.connection_stage import State
from chatroom.server.websocket_connection import MessageCache

SENDQ_BYTES = 20_000


@pytest.fixture
def pair() -> Iterator[WebSocketPair]:
    """A pair whose handshake has not begun."""
    made = WebSocketPair(SENDQ_BYTES)
    yield made
    made.close()


def test_a_handshake_opens_it_once(pair: WebSocketPair) -> None:
    """The connection reports it to its thread, and has lines only from then on."""
    before = pair.connection.state
    connection = pair.open()
    assert pair.opened == [connection]
    assert (before, connection.state) == (State.OPENING, State.OPEN)
    pair.peer.sendall(b"\x81\x86\0\0\0\0PING 1")
    assert connection.read()
    assert list(connection.lines) == ["PING 1"]
    assert pair.opened == [connection]


def test_frames_that_make_no_line_count_as_lines(pair: WebSocketPair) -> None:
    """Pings, empty messages and fragments are paid as empty lines, also between lines."""
    connection = pair.open()
    ping, empty, fragment = b"\x89\x80\0\0\0\0", b"\x81\x80\0\0\0\0", b"\x01\x80\0\0\0\0"
    pair.peer.sendall(ping * 20 + b"\x81\x86\0\0\0\0PING 1" + empty * 10)
    assert connection.read()
    assert sorted(str(line) for line in connection.lines) == [""] * 30 + ["PING 1"]
    connection.lines = ()
    pair.peer.sendall(fragment + b"\x00\x80\0\0\0\0" * 5)
    assert connection.read()
    assert list(connection.lines) == [""] * 6


def test_pings_of_a_long_read_are_answered_when_they_are_cut(pair: WebSocketPair) -> None:
    """They are behind what other connections have sent, and are paid as empty lines."""
    connection = pair.open()
    pair.peer.sendall(b"\x89\x84\0\0\0\0ping" * 40)
    assert not connection.read()
    assert connection.cut()
    assert list(connection.lines) == [""] * 40
    assert pair.peer.recv(65_536) == b"\x8a\x04ping" * 40


def test_a_handshake_times_out(pair: WebSocketPair) -> None:
    """An unfinished handshake is answered with 408 and reported to the thread. A finished one is left alone."""
    pair.peer.sendall(UPGRADE[:50])
    pair.connection.read()
    pair.connection.time_out()
    assert pair.peer.recv(65_536).startswith(b"HTTP/1.1 408 ")
    assert pair.peer.recv(1) == b""
    assert pair.refused == ["no WebSocket handshake in time"]
    assert pair.connection.state is State.CLOSING
    pair.connection.time_out()
    assert pair.refused == ["no WebSocket handshake in time"]
    other = WebSocketPair(SENDQ_BYTES)
    other.open().time_out()
    assert other.connection.state is State.OPEN
    other.close()


@pytest.mark.parametrize("said", [b"", UPGRADE[:50]])
def test_a_peer_that_leaves_during_the_handshake_has_no_session(pair: WebSocketPair, said: bytes) -> None:
    """There are no lines, nothing is logged, and the connection is finished."""
    pair.peer.sendall(said)
    pair.peer.shutdown(socket.SHUT_WR)
    until(lambda: not pair.connection.read() and pair.connection.at_end, "the end was read")
    assert not pair.opened and not pair.refused
    assert pair.connection.is_finished


def test_a_peer_that_hangs_up_during_the_handshake_has_no_session(pair: WebSocketPair) -> None:
    """The same if epoll reports the connection dead in both directions."""
    pair.connection.hang_up()
    assert pair.connection.is_finished
    assert not pair.opened and not pair.refused


def test_a_refused_peer_can_read_the_reason(pair: WebSocketPair) -> None:
    """The response stays readable while the peer is still sending. The connection ends when the peer is done."""
    pair.peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert not pair.connection.read()
    assert not pair.connection.is_finished
    pair.peer.sendall(b"more" * 100)
    assert not pair.connection.read()
    assert pair.peer.recv(65_536).startswith(b"HTTP/1.1 426 ")
    pair.peer.close()
    assert not pair.connection.read()
    assert pair.connection.is_finished


def test_a_full_send_queue_ends_the_connection(pair: WebSocketPair) -> None:
    """The send queue limit holds for messages and for pongs."""
    connection = pair.open()
    for number in range(1000):
        if connection.ended:
            break
        connection.write(f"PRIVMSG #lobby :{number}{'x' * 300}\r\n".encode())
    assert connection.ended == "SendQ exceeded"
    pinging = WebSocketPair(SENDQ_BYTES)
    pinging.open()
    for _ in range(5000):
        if pinging.connection.ended:
            break
        pinging.peer.sendall((b"\x89\xfd" + bytes(4) + b"p" * 125) * 3)
        pinging.connection.read()
        pinging.connection.cut()
    assert pinging.connection.ended == "SendQ exceeded"
    pinging.close()


@pytest.mark.parametrize("code", [1000, 1012])
def test_nothing_is_sent_behind_a_close_frame(pair: WebSocketPair, code: int) -> None:
    """RFC 6455, section 5.5.1, whichever side sent it. The code is 1000, or 1012 if the daemon stops."""
    connection = pair.open()
    connection.write(b"ERROR :bye\r\n")
    connection.begin_close(is_restart=code == 1012)
    connection.write(b"PRIVMSG #lobby :late\r\n")
    data = b""
    while piece := pair.peer.recv(65_536):
        data += piece
    assert data == b"\x81\x0aERROR :bye\x88\x02" + code.to_bytes(2, "big")


def test_a_failed_connection_waits_for_its_peer_to_read_the_code(pair: WebSocketPair) -> None:
    """Closing at once would reset a peer that is still sending, and it would not read the close frame."""
    connection = pair.open()
    pair.peer.sendall(b"\x81\x81\0\0\0\0\xff")
    assert connection.read()
    pair.peer.sendall(b"x" * 1000)
    assert connection.ended == "Message not UTF-8"
    connection.begin_close()
    assert not connection.is_finished
    assert pair.peer.recv(65_536) == b"\x88\x02\x03\xef"
    pair.peer.close()
    until(lambda: not connection.read() and connection.is_finished, "the peer's end was read")


def test_shared_lines_are_put_into_messages_once() -> None:
    """Connections that share a tick's cache write the same bytes object."""
    messages: MessageCache = {}
    one, two = WebSocketPair(SENDQ_BYTES, messages), WebSocketPair(SENDQ_BYTES, messages)
    line = b"PRIVMSG #lobby :to all\r\n"
    for pair in (one, two):
        pair.open().write(line)
    assert len(messages) == 1
    assert one.peer.recv(100) == two.peer.recv(100) == b"\x81\x16PRIVMSG #lobby :to all"
    one.close()
    two.close()
