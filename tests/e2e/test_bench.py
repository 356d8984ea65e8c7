"""The bench's load generator counts its work correctly and finds every fault of a server."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.daemon import CAP_S, Daemon, running
from harness.tls import TlsDaemon, tls_running

GENERATOR = Path(__file__).parents[2] / "bench" / "generator"


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The load generator, built from its sources."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("NO C COMPILER (cc): the bench's load generator is not tested")
    return build(compiler, tmp_path_factory.mktemp("bench") / "load")


@pytest.fixture(scope="module")
def tls_generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with TLS."""
    compiler = shutil.which("cc")
    probe = [compiler or "cc", "-fsyntax-only", "-include", "openssl/ssl.h", "-x", "c", "/dev/null"]
    if compiler is None or subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode != 0:
        pytest.skip("NO C COMPILER, OR NO HEADERS OF OPENSSL (libssl-dev): the bench over TLS is not tested")
    return build(compiler, tmp_path_factory.mktemp("bench") / "load", "-DWITH_TLS", "-lssl", "-lcrypto")


def build(compiler: str, built: Path, *options: str) -> Path:
    """Build the generator with further options, and return its path."""
    sources = [str(path) for path in sorted(GENERATOR.glob("*.c"))]
    command = [compiler, "-O1", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", str(built), *sources, "-lm", *options]
    subprocess.run(command, check=True, timeout=60)
    return built


@pytest.fixture(scope="module")
def open_daemon() -> Iterator[Daemon]:
    """A daemon as the bench runs it: without limits and without configured channels."""
    with running(limits__enabled=False, channels__autojoin="[]") as daemon:
        yield daemon


def call(
    generator: Path, daemon_port: int, pid: int, case: str, **options: str | float
) -> subprocess.CompletedProcess[str]:
    """Run the generator, whatever its exit code."""
    given = {"host": "127.0.0.1", "port": daemon_port, "pid": pid, **options}
    words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = [str(generator), case, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=4 * CAP_S, check=False)


def measure(generator: Path, daemon: Daemon, case: str, **options: str | float) -> dict[str, Any]:
    """Run the generator, which must succeed, and return its result. No two nicks may differ in case only."""
    done = call(generator, daemon.port, daemon.process.pid, case, prefix=case, **options)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["case"] == case
    assert answer["server_cpu_s"] > 0
    return answer


def test_every_member_of_every_room_reads_every_line(generator: Path, open_daemon: Daemon) -> None:
    """In three rooms of six users, two users say 40 lines each: 240 messages, each delivered to five users."""
    answer = measure(generator, open_daemon, "rooms", rooms=3, members=6, senders=2, window=4, messages=40)
    assert (answer["messages"], answer["delivered"]) == (240, 1200)


def test_direct_messages_arrive_once(generator: Path, open_daemon: Daemon) -> None:
    """In five pairs, one user each says 60 lines: 300 messages, each delivered once."""
    answer = measure(generator, open_daemon, "pairs", pairs=5, window=3, messages=60)
    assert (answer["messages"], answer["delivered"]) == (300, 300)


def test_registrations_and_visits_are_counted(generator: Path, open_daemon: Daemon) -> None:
    """There are as many registrations and visits as asked for."""
    assert measure(generator, open_daemon, "register", clients=30, wave=7)["registrations"] == 30
    assert measure(generator, open_daemon, "churn", clients=30, wave=7)["us_per_visit"] > 0
    assert measure(generator, open_daemon, "crowd", members=10, visits=20, wave=5)["us_per_visit"] > 0


def test_waits_are_measured(generator: Path, open_daemon: Daemon) -> None:
    """No wait is longer than the reported longest one: alone, beside a paste, and in a crowd."""
    for case, options in (
        ("latency", {"members": 10, "senders": 5, "rate": 100, "seconds": 1}),
        ("paste", {"members": 10, "rate": 100, "lines": 500}),
        ("reconnect", {"members": 30, "chatters": 5, "rate": 100}),
    ):
        answer = measure(generator, open_daemon, case, **options)
        assert 0 < answer["p99_ms"] <= answer["longest_ms"], answer


@pytest.fixture(scope="module")
def encrypted() -> Iterator[TlsDaemon]:
    """A daemon as the bench runs it, which also listens with TLS."""
    with tls_running(limits__enabled=False, channels__autojoin="[]") as daemon:
        yield daemon


def measure_tls(generator: Path, daemon: TlsDaemon, case: str, **options: str | float) -> dict[str, Any]:
    """Run the generator over TLS, as ``measure`` does."""
    return measure(generator, daemon, case, tls=1, port=daemon.tls_port, **options)


def test_talk_over_tls_is_checked(tls_generator: Path, encrypted: TlsDaemon) -> None:
    """Every line arrives once, through records of TLS too. Handshakes beside the talk end before the result."""
    answer = measure_tls(tls_generator, encrypted, "rooms", rooms=3, members=6, senders=2, window=4, messages=40)
    assert (answer["messages"], answer["delivered"]) == (240, 1200)
    options = {"members": 10, "senders": 5, "rate": 100, "seconds": 1, "handshakes": 20}
    assert measure_tls(tls_generator, encrypted, "latency", **options)["p99_ms"] > 0


def test_handshakes_are_counted(tls_generator: Path, encrypted: TlsDaemon) -> None:
    """There are as many as asked for; resumed ones resume a session."""
    for resumed in ({}, {"resumed": 1}):
        answer = measure_tls(tls_generator, encrypted, "handshakes", clients=30, wave=7, **resumed)
        assert answer["handshakes"] == 30


def test_a_handshake_with_a_plain_listener_fails(tls_generator: Path, open_daemon: Daemon) -> None:
    """A server without TLS: one line on stderr, no result, exit code 1."""
    options = {"members": 2, "senders": 1, "messages": 1, "tls": 1}
    done = call(tls_generator, open_daemon.port, open_daemon.process.pid, "rooms", **options)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_clients_have_addresses_of_their_own(generator: Path) -> None:
    """Nine clients come from three addresses, where two would be too few."""
    with running(limits__connections_per_address=3) as daemon:
        options: dict[str, str | float] = {"members": 9, "senders": 1, "messages": 5, "source": "127.0.7.1"}
        assert measure(generator, daemon, "rooms", per_source=3, **options)["delivered"] == 40
        done = call(generator, daemon.port, daemon.process.pid, "rooms", per_source=5, **options)
        assert done.returncode == 1


class Relay:
    """A chat server with one room, in a thread, which replaces messages on their way to a reader.

    ``faulty`` takes a message's index among those of its reader, from 0, and its line. It returns the lines to send.
    """

    def __init__(self, faulty: Callable[[int, bytes], list[bytes]]) -> None:
        self._faulty = faulty
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._stop, self._stopped = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._stopped, selectors.EVENT_READ)
        self._unfinished: dict[socket.socket, bytes] = {}
        self._nicks: dict[socket.socket, bytes] = {}
        self._members: list[socket.socket] = []
        self._delivered: dict[socket.socket, int] = {}
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="relay")

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.send(b"x")
        self._thread.join(CAP_S)
        for sock in (*self._unfinished, self._listener, self._stop, self._stopped):
            sock.close()
        self._selector.close()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is self._stopped:
                    return
                if sock is self._listener:
                    client = sock.accept()[0]
                    self._unfinished[client] = b""
                    self._selector.register(client, selectors.EVENT_READ)
                else:
                    self._read(sock)

    def _read(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(65_536)
        except ConnectionError:
            data = b""
        if not data:
            self._selector.unregister(sock)
            return
        *lines, self._unfinished[sock] = (self._unfinished[sock] + data).split(b"\r\n")
        with contextlib.suppress(ConnectionError):  # the generator has found a fault and closed
            for line in lines:
                self._answer(sock, line)

    def _answer(self, sock: socket.socket, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        if verb == b"NICK":
            self._nicks[sock] = rest
        elif verb == b"USER":
            sock.sendall(b":relay 001 %b :Welcome\r\n:relay 422 %b :None\r\n" % (self._nicks[sock], self._nicks[sock]))
        elif verb == b"JOIN":
            self._members.append(sock)
            sock.sendall(b":relay 366 %b %b :End\r\n" % (self._nicks[sock], rest))
        elif verb == b"PRIVMSG":
            for reader in self._members:
                if reader is not sock:
                    place = self._delivered.get(reader, 0)
                    self._delivered[reader] = place + 1
                    said = b":%b!x@y %b\r\n" % (self._nicks[sock], line)
                    reader.sendall(b"".join(self._faulty(place, said)))


def chat_through(generator: Path, faulty: Callable[[int, bytes], list[bytes]]) -> subprocess.CompletedProcess[str]:
    """Run three users in a room, one of which says 20 lines and has up to four unanswered."""
    with Relay(faulty) as relay:
        return call(generator, relay.port, os.getpid(), "rooms", members=3, senders=1, window=4, messages=20)


def test_a_faultless_relay_passes(generator: Path) -> None:
    """Without faults, the next test's server does what the generator expects."""
    done = chat_through(generator, lambda place, line: [line])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["delivered"] == 40


def replaced(old: bytes, new: bytes) -> Callable[[int, bytes], list[bytes]]:
    """Change the text of the eighth line."""
    return lambda place, line: [line.replace(old, new) if place == 7 else line]


@pytest.mark.parametrize(
    "faulty",
    [
        pytest.param(lambda place, line: [] if place == 7 else [line], id="lost"),
        pytest.param(lambda place, line: [line, line] if place == 7 else [line], id="doubled"),
        pytest.param(lambda place, line: [line, line] if place == 19 else [line], id="the last doubled"),
        pytest.param(replaced(b"usual", b"other"), id="changed"),
        pytest.param(replaced(b" 0000007", b" 0000006"), id="another"),
        pytest.param(replaced(b" #r0 ", b" #r1 "), id="elsewhere"),
        pytest.param(replaced(b":u0!", b":u1!"), id="of somebody else"),
    ],
)
def test_a_fault_ends_it(generator: Path, faulty: Callable[[int, bytes], list[bytes]]) -> None:
    """A line that is lost, doubled or changed: one line on stderr, no result, exit code 1."""
    done = chat_through(generator, faulty)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_two_lines_in_the_wrong_order_end_it(generator: Path) -> None:
    """Each reader gets one line behind its successor: exit code 1."""
    kept: list[bytes] = []

    def swap(place: int, line: bytes) -> list[bytes]:
        if place == 7:
            kept.append(line)
            return []
        return [line, kept.pop(0)] if place == 8 else [line]

    done = chat_through(generator, swap)
    assert done.returncode == 1
    assert "client " in done.stderr
