from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatroom.config.serving import Listen
from chatroom.errors import AddressUnusable, ServeError
from chatroom.server import listening_sockets
from chatroom.server.listening_sockets import (
    Inherited,
    close_all,
    describe_inherited,
    open_listeners,
    shown_address,
    take_inherited,
)

SEND_BUFFER = 65_536


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes at the end what a test has opened."""
    with ExitStack() as made:
        yield made


@pytest.fixture
def hand_over(monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> Callable[..., dict[str, str]]:
    """Put files where the first ones of a service manager would be, and return the variables for them."""

    def place(*files: socket.socket | int, names: str = "") -> dict[str, str]:
        first = None
        for file in files:
            number = fcntl.fcntl(file, fcntl.F_DUPFD, 200 if first is None else first)
            first = number if first is None else first
        monkeypatch.setattr(listening_sockets, "_FIRST_DESCRIPTOR", first)
        return {"LISTEN_FDS": str(len(files)), "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": names}

    return place


def listening(stack: ExitStack, host: str = "127.0.0.1") -> socket.socket:
    """Return a listening socket on a free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = stack.enter_context(socket.socket(family))
    sock.bind((host, 0))
    sock.listen()
    return sock


def inherited(stack: ExitStack, host: str = "127.0.0.1", name: str = "chatroom.socket") -> Inherited:
    """Return a socket that was handed over."""
    return Inherited(name, listening(stack, host))


def test_sockets_are_taken_over_with_their_names(hand_over: Callable[..., dict[str, str]], stack: ExitStack) -> None:
    """A program that the daemon starts gets neither them nor their variables."""
    one, other = listening(stack), listening(stack, "::1")
    environ = {**hand_over(one, other, names="irc"), "HOME": "/"}
    taken = take_inherited(environ)
    stack.callback(close_all, taken)
    assert environ == {"HOME": "/"}
    assert [(each.name, each.address) for each in taken] == [
        ("irc", one.getsockname()[:2]),
        ("unknown", other.getsockname()[:2]),
    ]
    assert [(each.sock.get_inheritable(), each.sock.getblocking()) for each in taken] == [(False, False)] * 2
    assert describe_inherited(taken) == [
        f"127.0.0.1:{one.getsockname()[1]} was opened by the service manager (irc)",
        f"[::1]:{other.getsockname()[1]} was opened by the service manager (unknown)",
    ]


@pytest.mark.parametrize("environ", [{}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_PID": str(os.getpid())}])
def test_sockets_of_another_process_are_left_alone(environ: dict[str, str]) -> None:
    """The variables may have come through a parent that did not remove them."""
    assert take_inherited(environ) == []
    assert environ == {}


def test_what_is_no_number_is_refused() -> None:
    """The variable is broken."""
    with pytest.raises(ServeError, match="LISTEN_FDS is no number of sockets: two"):
        take_inherited({"LISTEN_FDS": "two", "LISTEN_PID": str(os.getpid())})


def test_what_cannot_be_served_is_refused(hand_over: Callable[..., dict[str, str]], stack: ExitStack) -> None:
    """A file, a socket for datagrams, a Unix socket, a connection (``Accept=yes``): each is named."""
    file = os.open("/dev/null", os.O_RDONLY)
    stack.callback(os.close, file)
    with pytest.raises(ServeError, match=r"descriptor \d+ \(bad\), which is no socket: "):
        take_inherited(hand_over(file, names="bad"))
    for sock in (
        socket.socket(type=socket.SOCK_DGRAM),
        socket.socket(socket.AF_UNIX),
        socket.create_connection(listening(stack).getsockname()),
    ):
        with sock, pytest.raises(ServeError, match=r"\(bad\), which is no listening TCP socket: use ListenStream"):
            take_inherited(hand_over(listening(stack), sock, names="good:bad"))


def test_a_table_gets_the_socket_with_its_address(stack: ExitStack) -> None:
    """The order does not matter. The other tables open sockets of their own."""
    one, other = inherited(stack), inherited(stack, "::1")
    tables = [Listen(host="::1", port=other.address[1]), Listen(port=0), Listen(port=one.address[1])]
    opened = open_listeners(tables, [one, other], SEND_BUFFER)
    for _, sock in opened:
        stack.enter_context(sock)
    assert [listen for listen, _ in opened] == tables
    assert (opened[0][1], opened[2][1]) == (other.sock, one.sock)
    assert opened[1][1].getsockname()[1] not in (one.address[1], other.address[1], 0)
    assert all(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for _, sock in opened)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
@pytest.mark.parametrize("unit", ["0.0.0.0", "::"])
def test_all_addresses_are_one(stack: ExitStack, host: str, unit: str) -> None:
    """``ListenStream=6667`` opens the one of IPv6, a configuration may have either."""
    one = inherited(stack, unit)
    ((_, sock),) = open_listeners([Listen(host=host, port=one.address[1])], [one], SEND_BUFFER)
    assert sock is one.sock


def test_a_socket_without_a_table_is_refused(stack: ExitStack) -> None:
    """Without a table nobody knows if there must be TLS. All sockets are closed then."""
    one, other = inherited(stack), inherited(stack)
    port = other.address[1]
    wanted = (
        rf"hands over 127\.0\.0\.1:{port} \(chatroom\.socket\), but no \[\[listen\]\] has it: set "
        rf'host = "127\.0\.0\.1" and port = {port} there'
    )
    tables = [Listen(port=one.address[1]), Listen(port=0)]
    with pytest.raises(AddressUnusable, match=wanted):
        open_listeners(tables, [one, other], SEND_BUFFER)
    assert (one.sock.fileno(), other.sock.fileno()) == (-1, -1)


def test_a_table_that_cannot_be_opened_closes_the_others(stack: ExitStack) -> None:
    """Its port is taken."""
    one, taken = inherited(stack), listening(stack)
    tables = [Listen(port=one.address[1]), Listen(port=taken.getsockname()[1])]
    with pytest.raises(AddressUnusable, match="another program listens there"):
        open_listeners(tables, [one], SEND_BUFFER)
    assert one.sock.fileno() == -1


def test_an_address_is_shown_with_what_it_is(stack: ExitStack) -> None:
    """The log and ``status`` have the protocol and TLS beside it."""
    sock = listening(stack)
    port = sock.getsockname()[1]
    table = Listen(kind="websocket", tls=True, certificate=(Path("c"),), key=(Path("k"),))
    assert shown_address(sock, Listen()) == f"127.0.0.1:{port}"
    assert shown_address(sock, table) == f"127.0.0.1:{port} (websocket, TLS)"


@pytest.mark.parametrize("host", ["chat..example.org", f"{'x' * 64}.example.org"])
def test_a_host_that_is_no_name(host: str) -> None:
    """DNS has no empty parts, and none of more than 63 bytes: Python says so by an error of its own."""
    with pytest.raises(AddressUnusable, match="that is no host name"):
        open_listeners([Listen(host=host, port=0)], [], SEND_BUFFER)
