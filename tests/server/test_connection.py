from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from chatroom.chat.people.session import Session
from chatroom.config import Listen
from chatroom.irc.framing import Malformed
from chatroom.server.backlogs import Backlogs, count_unsent, send_buffer_bytes
from chatroom.server.connection import FEW_BYTES, READ_AHEAD_LINES, RECEIVE_BYTES, Connection
from chatroom.server.connection_stage import State
from chatroom.server.idle_bytes import IDLE_BYTES, IDLE_ENDS
from chatroom.server.opening_sockets import open_listener


class Pair(NamedTuple):
    """A connection, the socket at its other end, and what its I/O thread has for all: the epoll and the backlogs."""

    connection: Connection
    peer: socket.socket
    epoll: select.epoll
    backlogs: Backlogs[Connection]


@contextlib.contextmanager
def make_pair(sendq_bytes: int) -> Iterator[Pair]:
    """Make a connection whose backlog may have that many bytes."""
    with select.epoll() as epoll, socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes(sendq_bytes))
        peer = socket.create_connection(server.getsockname())
        near, _ = server.accept()
        near.setblocking(False)
        peer.settimeout(30)
        backlogs: Backlogs[Connection] = Backlogs(sendq_bytes)
        connection = Connection(near, Session(1, "127.0.0.1", 4, 0x7F000001, "host", 0), epoll, backlogs)
        with peer:
            yield Pair(connection, peer, epoll, backlogs)
        connection.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A connection whose backlog may have 64 KiB."""
    with make_pair(65_536) as made:
        yield made


def read_until(pair: Pair, condition: Callable[[], object]) -> None:
    """Handle events as the I/O thread does, until a condition is true."""
    while not condition():
        events = pair.epoll.poll(30)
        assert events, "nothing happens any more"
        for _, mask in events:
            if mask & select.EPOLLOUT:
                pair.connection.flush()
            if mask & ~select.EPOLLOUT and not pair.connection.read() and pair.connection.uncut:
                pair.connection.cut()
            if mask & (select.EPOLLHUP | select.EPOLLERR):
                pair.connection.hang_up()


def test_bytes_become_lines(pair: Pair) -> None:
    """The network may cut the bytes anywhere. A malformed line keeps its place among the others."""
    for piece in (b"PING a\r\nPI", b"NG b\r", b"\nx\xff\r\nPING c"):
        pair.peer.sendall(piece)
    read_until(pair, lambda: len(pair.connection.lines) == 3)
    assert list(pair.connection.lines) == ["PING a", "PING b", Malformed.NOT_UTF8]
    assert not pair.connection.ended


def test_one_read_takes_what_has_come(pair: Pair) -> None:
    """It asks for few bytes first. So much may come, or less, or more, and what came before tells nothing."""
    for size in (10, FEW_BYTES - 1, FEW_BYTES, FEW_BYTES + 1, 512, FEW_BYTES, 10):
        pair.peer.sendall(b"x" * (size - 2) + b"\r\n")
        assert pair.epoll.poll(30)
        assert pair.connection.read()
        assert pair.epoll.poll(0) == []
        assert list(pair.connection.lines) == ["x" * (size - 2)]
        pair.connection.lines = ()


def test_reads_that_make_no_line_count_as_lines(pair: Pair) -> None:
    """Empty lines, and pieces of a line, are paid as empty lines: more of them for more bytes."""
    pair.peer.sendall(b"PIN")
    assert pair.connection.read()
    pair.peer.sendall(b"G a\r\n\r\n\r\n")
    assert pair.connection.read()
    assert list(pair.connection.lines) == ["", "PING a"]
    pair.connection.lines = ()
    pair.peer.sendall(b"\r\n" * (4 * IDLE_BYTES))
    read_until(pair, lambda: len(pair.connection.lines) >= 3 * IDLE_BYTES // IDLE_ENDS)
    assert set(pair.connection.lines) == {""}
    pair.connection.lines = ()
    pair.peer.sendall(b"PING a" + b"\n" * 4000)
    read_until(pair, lambda: "PING a" in pair.connection.lines and len(pair.connection.lines) >= 3000 // IDLE_ENDS)


def test_a_line_without_an_end_is_one_line(pair: Pair) -> None:
    """However much comes before the end of a line, it is paid once, when it ends."""
    pair.peer.sendall(b"z" * (2 * IDLE_BYTES))
    assert not pair.connection.read()
    assert not pair.connection.cut()
    assert not pair.connection.lines


def test_a_long_read_is_cut_later(pair: Pair) -> None:
    """Until then nothing more is read. The lines are in order, also if the peer is gone by then."""
    pair.peer.sendall(b"PING a\r\n" * 100)
    assert not pair.connection.read()
    assert pair.connection.uncut and not pair.connection.lines
    pair.peer.sendall(b"PING b\r\n")
    pair.peer.close()
    assert not pair.connection.read()
    assert pair.connection.cut()
    assert not pair.connection.uncut
    assert pair.connection.read()
    assert list(pair.connection.lines) == ["PING a"] * 100 + ["PING b"]


def test_a_dead_connection_is_read_no_further_than_a_flood(pair: Pair) -> None:
    """Its lines are kept in order; behind more of them than any session may have waiting, nothing is read."""
    pair.peer.sendall(b"\xff\r\n" * 20_000)
    assert not pair.connection.read()
    pair.connection.hang_up()
    assert READ_AHEAD_LINES < len(pair.connection.lines) <= READ_AHEAD_LINES + RECEIVE_BYTES // 3
    assert pair.connection.ended


def test_long_lines_cost_nothing_more(pair: Pair) -> None:
    """A client that sends the longest lines pays for its lines only."""
    line = b"@a=" + b"x" * 4000 + b" PRIVMSG #a :" + b"y" * 400
    pair.peer.sendall((line + b"\r\n") * 8)
    read_until(pair, lambda: len([line for line in pair.connection.lines if line]) == 8)
    assert len(pair.connection.lines) <= 8 + 8  # the network may have cut them into pieces


def test_the_end_of_the_peers_side_comes_after_its_lines(pair: Pair) -> None:
    """Lines from before the peer shut down its sending side still run, and it can be written to."""
    pair.peer.sendall(b"PING a\r\n")
    pair.peer.shutdown(socket.SHUT_WR)
    read_until(pair, lambda: pair.connection.ended)
    assert list(pair.connection.lines) == ["PING a"]
    pair.connection.write(b"PONG a\r\n")
    assert pair.peer.recv(100) == b"PONG a\r\n"
    assert pair.epoll.poll(0) == []


def test_epoll_reports_a_dead_socket_once(pair: Pair) -> None:
    """After a reset, epoll reports nothing more of the socket. Lines from before it are kept."""
    pair.connection.write(b"unread")
    pair.peer.recv(1)
    pair.peer.sendall(b"PING a\r\nPING b\r\n")
    pair.peer.close()  # unread bytes make the close an RST
    read_until(pair, lambda: pair.connection.ended)
    assert list(pair.connection.lines) == ["PING a", "PING b"]
    assert pair.epoll.poll(0) == []
    pair.connection.write(b"nobody reads this")
    pair.connection.begin_close()
    assert pair.connection.is_finished


def test_the_backlog_is_sent_in_order() -> None:
    """A slow reader gets every byte in order. After that, epoll no longer reports the socket writable."""
    sent = b"".join(b"%07d\n" % number for number in range(2_000_000))
    with make_pair(len(sent)) as pair:
        for start in range(0, len(sent), 100_000):
            pair.connection.write(sent[start : start + 100_000])
        received = bytearray()
        while len(received) < len(sent):
            received += pair.peer.recv(1 << 20)
            for _, mask in pair.epoll.poll(0):
                assert mask == select.EPOLLOUT
                pair.connection.flush()
        assert bytes(received) == sent
        assert pair.epoll.poll(0) == []
        assert not pair.connection.ended


def test_a_full_send_queue_ends_the_connection(pair: Pair) -> None:
    """Beyond the send queue limit the connection ends, and nothing more is sent."""
    while not pair.connection.ended:
        pair.connection.write(b"x" * 4096)
    assert pair.connection.ended == "SendQ exceeded"
    pair.connection.write(b"last words")
    pair.connection.close()
    received = b""
    while data := pair.peer.recv(1 << 20):
        received += data
    assert set(received) == {ord("x")}


def test_what_the_kernel_holds_counts_as_well(pair: Pair) -> None:
    """A client that reads nothing keeps no more than its send queue, here and in the kernel together."""
    connection, backlogs = pair.connection, pair.backlogs
    while not backlogs:
        connection.write(b"x" * 4096)
    unsent = count_unsent(connection.fd)
    assert unsent > 0
    assert not backlogs.is_too_long(65_536 - unsent, connection.fd)
    assert backlogs.is_too_long(65_536 - unsent + 1, connection.fd)


def test_the_kernel_keeps_little_for_a_listener() -> None:
    """Accepted sockets have the bounded send buffer of their listener, which the kernel does not let grow."""
    with open_listener(Listen(port=0), send_buffer_bytes(65_536)) as server:
        server.setblocking(True)
        with socket.create_connection(server.getsockname()), server.accept()[0] as near:
            assert near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * 16_384


def test_a_backlog_is_timed_from_its_beginning(pair: Pair) -> None:
    """One that began again is as new; a quick client is never in the list."""
    connection, backlogs = pair.connection, pair.backlogs
    connection.write(b"quick")
    assert not backlogs
    while not backlogs:
        connection.write(b"x" * 4096)
    began_s = time.monotonic()
    assert backlogs.find_overdue(began_s + 9, 10) == []
    assert backlogs.find_overdue(began_s + 10, 10) == [connection]
    while backlogs:
        pair.peer.recv(1 << 20)
        connection.flush()
    assert not connection.ended
    assert backlogs.find_overdue(began_s + 99, 10) == []


def test_the_last_lines_leave_with_the_end(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel keeps them for the packet that ends the connection: two packets cost it nearly twice as much."""
    noted: list[tuple[Any, ...]] = []
    send = socket.socket.send

    def note(sock: socket.socket, *given: Any) -> int:
        noted.append(given)
        return send(sock, *given)

    monkeypatch.setattr(socket.socket, "send", note)
    pair.connection.write(b":you JOIN #c\r\n")
    pair.connection.session.closing = True
    pair.connection.write(b"ERROR :bye\r\n")
    assert noted == [(b":you JOIN #c\r\n",), (b"ERROR :bye\r\n", socket.MSG_MORE)]
    pair.connection.begin_close()
    assert pair.peer.makefile("rb").read() == b":you JOIN #c\r\nERROR :bye\r\n"


def test_last_lines_arrive_while_the_peer_is_still_sending(pair: Pair) -> None:
    """Closing waits for the peer. What it sends meanwhile is dropped, and does not reset the connection."""
    pair.peer.sendall(b"PRIVMSG #c :x\r\n" * 1000)
    pair.connection.write(b"ERROR :enough\r\n")
    pair.connection.begin_close()
    assert pair.connection.state is State.CLOSING
    pair.peer.sendall(b"PRIVMSG #c :x\r\n" * 1000)
    assert pair.peer.recv(100) == b"ERROR :enough\r\n"
    assert pair.peer.recv(100) == b""
    pair.peer.close()
    read_until(pair, lambda: pair.connection.is_finished)
    assert not pair.connection.lines


def test_closing_twice_does_no_harm(pair: Pair) -> None:
    """Close is idempotent, and ends reading and writing."""
    pair.connection.close()
    pair.connection.close()
    pair.connection.write(b"x")
    assert pair.peer.recv(10) == b""


def test_a_connection_knows_up_to_where_its_socket_has_taken_everything() -> None:
    """The mark moves with the backlog, is gone when that is sent, and stays when the peer is given up."""
    with make_pair(100_000_000) as pair:
        connection, backlogs = pair.connection, pair.backlogs
        backlogs.written = 5
        connection.write(b"taken")
        assert connection.written == (5, True)
        while not connection.has_backlog:
            connection.write(b"x" * 10_000)
        backlogs.written = 7
        connection.write(b"y" * 10_000)
        assert connection.written == (5, False)
        while len(backlogs):
            pair.peer.recv(65_536)
            connection.flush()
            assert connection.behind in {5, 7, None}
        assert connection.written == (7, True)
        connection.drop("SendQ exceeded")
        backlogs.written = 9
        assert connection.written == (7, False)
