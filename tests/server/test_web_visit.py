"""A connection that asks for files, on a pair of sockets: what is sent, in which pieces, and when it ends."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest
from harness.websocket_pair import UPGRADE, WebSocketPair

from chatroom.server.connection_stage import State
from chatroom.server.web_answers import MOST_REQUESTS, WebPages
from chatroom.server.web_files import WebFile
from chatroom.server.web_visit import MOST_LOOKS, PIECE_BYTES, TURN_BYTES, Visit

SMALL, LARGE = b"hello", bytes(range(256)) * 4000
PAGES = WebPages(
    {"/": WebFile.make("index.html", SMALL, ""), "/large.js": WebFile.make("large.js", LARGE, "")}, "a.example", False
)
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Visitor(WebSocketPair):
    """A connection that may ask for files, and the browser's end of it."""

    def __init__(self, proxy: str = "", refusal: str | None = None) -> None:
        super().__init__(proxy=proxy, pages=PAGES, refusal=refusal)

    @property
    def events(self) -> int:
        """What the connection waits for and has come: the events of its socket now."""
        return sum(mask for _, mask in self.epoll.poll(0))

    def ask(self, data: bytes = GET) -> bytes:
        """Send a request and return what can be read of the answer."""
        self.peer.sendall(data)
        assert not self.connection.read()
        return self.peer.recv(65_536)


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """A browser that has connected."""
    made = Visitor()
    yield made
    made.close()


def test_one_connection_may_ask_for_several_files_and_then_chat(visitor: Visitor) -> None:
    """Each request is answered, no session begins; a WebSocket may follow."""
    for _ in range(3):
        assert visitor.ask().endswith(SMALL)
    assert (visitor.connection.state, visitor.opened, visitor.refused) == (State.OPENING, [], [])
    assert visitor.ask(UPGRADE).startswith(b"HTTP/1.1 101 ")
    assert visitor.opened == [visitor.connection]
    visitor.peer.sendall(b"\x81\x86\0\0\0\0PING 1")
    assert visitor.connection.read()
    assert list(visitor.connection.lines) == ["PING 1"]


def test_a_request_may_come_in_pieces(visitor: Visitor) -> None:
    """It is answered when its empty line has come."""
    for byte in GET[:-1]:
        visitor.peer.sendall(bytes([byte]))
        assert not visitor.connection.read()
    assert visitor.ask(GET[-1:]).endswith(SMALL)


def test_a_slow_reader_costs_no_more_memory_than_a_piece(visitor: Visitor) -> None:
    """The next piece is made when the one before is gone. Meanwhile nothing is read, whatever the client sends."""
    visitor.peer.sendall(GET.replace(b"/ ", b"/large.js "))
    visitor.connection.read()
    visitor.peer.sendall(GET * 100)
    received = b""
    while not received.endswith(LARGE):
        assert visitor.connection._backlog_bytes <= PIECE_BYTES
        assert visitor.connection._stream.asked is None or not visitor.events & select.EPOLLIN
        received += visitor.peer.recv(65_536)
        if visitor.events & select.EPOLLOUT:
            visitor.connection.flush()
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1") == 1
    assert visitor.events == select.EPOLLIN
    assert len(visitor.backlogs) == 0


def test_a_quick_reader_lets_others_have_their_turn() -> None:
    """Even if the socket takes everything, one turn sends so much of a long file and no more."""
    visit = Visit()
    visit.body = memoryview(LARGE)
    pieces = list(iter(lambda: visit.take_piece(PIECE_BYTES), b""))
    assert b"".join(pieces) == LARGE and max(map(len, pieces)) == PIECE_BYTES
    visitor = Visitor()
    kept = visitor.connection._socket
    sink = visitor.connection._socket = Sink(visitor.connection.fd, GET.replace(b"/ ", b"/large.js "))
    visitor.connection.read()
    sent = [sink.taken]
    while visitor.events & select.EPOLLOUT:
        visitor.connection.flush()
        sent.append(sink.taken)
    assert sent[-1] > len(LARGE)
    assert max(after - before for before, after in zip([0, *sent], sent, strict=False)) <= TURN_BYTES + 1000
    kept.close()
    visitor.close()


class Sink:
    """A socket that takes everything."""

    def __init__(self, fd: int, said: bytes) -> None:
        self._fd = fd
        self._said = said
        self.taken = 0

    def fileno(self) -> int:
        """The descriptor."""
        return self._fd

    def recv(self, size: int, /) -> bytes:
        """Return what the peer has said."""
        return self._said

    def send(self, data: bytes, /) -> int:
        """Take the data."""
        self.taken += len(data)
        return len(data)

    def shutdown(self, how: int, /) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def test_a_pipelined_request_is_the_last(visitor: Visitor) -> None:
    """Of several requests at once the first is answered, and the connection ends: RFC 9112, section 9.3.2."""
    answer = visitor.ask(GET * 3)
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert b"\r\nConnection: close\r\n" in answer
    assert (visitor.connection.state, visitor.left) == (State.CLOSING, [visitor.connection])
    assert visitor.peer.recv(100) == b""


def test_a_connection_has_so_many_requests(visitor: Visitor) -> None:
    """The last one says that the connection ends."""
    answers = [visitor.ask() for _ in range(MOST_REQUESTS)]
    assert [b"Connection: close" in answer for answer in answers] == [False] * (MOST_REQUESTS - 1) + [True]
    assert visitor.peer.recv(100) == b""


def test_an_idle_visit_ends(visitor: Visitor) -> None:
    """It is looked at from time to time: if nothing has moved, the connection is closed, and nothing is logged."""
    visitor.ask()
    assert visitor.connection.time_out()
    assert not visitor.connection.time_out()
    assert visitor.peer.recv(100) == b""
    assert (visitor.left, visitor.refused) == ([visitor.connection], [])


def test_a_client_that_does_not_read_is_given_up(visitor: Visitor) -> None:
    """A look that finds no progress ends the connection; its backlog is freed."""
    visitor.peer.sendall(GET.replace(b"/ ", b"/large.js "))
    visitor.connection.read()
    assert visitor.connection.time_out()
    assert not visitor.connection.time_out()
    assert visitor.connection.is_finished
    assert len(visitor.backlogs) == 0


def test_a_slow_line_is_progress() -> None:
    """What the kernel has sent counts, although it has not asked for more."""
    visit = Visit()
    assert not visit.may_go_on(100_000)
    assert visit.may_go_on(99_000)
    assert not visit.may_go_on(99_000)


def test_a_client_that_reads_drop_by_drop_is_given_up(visitor: Visitor) -> None:
    """Progress at each look is not enough for ever."""
    visitor.peer.sendall(GET.replace(b"/ ", b"/large.js "))
    visitor.connection.read()
    looks = 0
    while visitor.connection.time_out():
        looks += 1
        visitor.peer.recv(20_000)
        visitor.connection.flush()
    assert looks == MOST_LOOKS - 1


def test_a_handshake_that_never_comes_is_refused_as_ever(visitor: Visitor) -> None:
    """A connection that has asked for nothing is a handshake that is late."""
    visitor.peer.sendall(GET[:20])
    visitor.connection.read()
    assert not visitor.connection.time_out()
    assert visitor.peer.recv(65_536).startswith(b"HTTP/1.1 408 ")
    assert visitor.refused == ["no WebSocket handshake in time"]


def test_a_peer_that_leaves_while_it_is_answered_is_gone(visitor: Visitor) -> None:
    """Nothing is left of its answer."""
    visitor.peer.sendall(GET.replace(b"/ ", b"/large.js "))
    visitor.connection.read()
    visitor.peer.close()
    visitor.connection.flush()
    visitor.connection.hang_up()
    assert visitor.connection.is_finished
    assert not visitor.refused


def test_a_half_closed_peer_is_answered(visitor: Visitor) -> None:
    """A script may send its request and say that it has no more."""
    visitor.peer.sendall(GET)
    visitor.peer.shutdown(socket.SHUT_WR)
    visitor.connection.read()
    assert visitor.peer.recv(65_536).endswith(SMALL)
    visitor.connection.read()
    assert visitor.connection.is_finished


def test_behind_a_proxy_each_request_is_a_connection() -> None:
    """It is counted for the client that the proxy names, and answered once; a client over its limit reads 429."""
    named = GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
    for refusal, status in ((None, b"200"), ("too many connections", b"429")):
        visitor = Visitor("127.0.0.1", refusal)
        answer = visitor.ask(named)
        assert answer.startswith(b"HTTP/1.1 %b " % status) and b"Connection: close" in answer
        assert visitor.peer.recv(100) == b""
        assert visitor.connection.forwarded is not None and visitor.connection.forwarded.address == "192.0.2.7"
        visitor.close()
    unnamed = Visitor("127.0.0.1")
    assert unnamed.ask().startswith(b"HTTP/1.1 400 ")
    unnamed.close()


@pytest.mark.parametrize("line, status", [(b"GET  / HTTP/1.1", b"400"), (b"POST / HTTP/1.1", b"405")])
def test_a_bad_request_ends_the_connection(visitor: Visitor, line: bytes, status: bytes) -> None:
    """It is answered, and nothing more is read."""
    assert visitor.ask(GET.replace(b"GET / HTTP/1.1", line)).startswith(b"HTTP/1.1 %b " % status)
    assert visitor.peer.recv(100) == b""
