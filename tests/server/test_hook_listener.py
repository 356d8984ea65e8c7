"""The listener of incoming hooks, with clients that are slow, many, or gone."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.daemon import until
from harness.world import SHELL, Here, make_settings

from chatroom.chat.admission.hook_policy import make_incoming
from chatroom.commands.talking.hook_messages import SAID
from chatroom.config import Settings, find_unsafe
from chatroom.config.observing import Hooks
from chatroom.errors import ServeError
from chatroom.server import hook_listener
from chatroom.server.hook_entrance import open_hooks
from chatroom.server.hook_listener import MOST_OPEN, HookListener

HEAD = "POST /hooks/{} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n"


class Stage:
    """A listener, and a hub whose ticks the test runs: no thread but the listener's own."""

    def __init__(self, here: Here) -> None:
        self.here = here
        self.world = here.world
        self.threads = [self]
        self.tasks: deque[Callable[[], None]] = deque()
        self.committed: list[Callable[[], None]] = []
        hook = here.stores.hooks.add(make_incoming("#ops", "ci"), SHELL)
        self.token = hook.secret
        here.world.ledger.hooks.use(here.stores.hooks.list_all(), here.stores.hooks.list_incoming())
        listener = open_hooks(Hooks("127.0.0.1:0"))
        assert listener is not None
        self.listener: HookListener = listener
        self.port = int(listener.url.rpartition(":")[2].partition("/")[0])
        hub: Any = self
        listener.begin(hub)

    def post(self, thread: int, task: Callable[[], None]) -> None:
        """As of ``Hub``."""
        self.tasks.append(task)

    def call_later(self, delay_s: float, task: Callable[[], None]) -> None:
        """As of an I/O thread: later is when the test asks."""
        self.tasks.append(task)

    def when_committed(self, task: Callable[[], None]) -> None:
        """As of ``Hub``."""
        self.committed.append(task)

    def tick(self, count: int = 1) -> None:
        """Wait for tasks, and run each in a tick."""
        for _ in range(count):
            until(lambda: self.tasks, "a text arrives")
            with self.here.tick():
                self.tasks.popleft()()
            while self.committed:
                self.committed.pop()()

    def connect(self) -> socket.socket:
        """Connect."""
        sock = socket.create_connection(("127.0.0.1", self.port), 20)
        return sock

    def send(self, text: str, fields: str = "") -> socket.socket:
        """Send a text."""
        sock = self.connect()
        sock.sendall((HEAD.format(self.token, len(text), fields) + text).encode())
        return sock


def read(sock: socket.socket) -> str:
    """Read to the end. Empty if there was no answer."""
    with sock, contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: sock.recv(4096), b"")).decode()
    return ""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A listener with a hook of #ops."""
    settings = make_settings(channels={"autojoin": ("#ops",)})
    with Here(tmp_path / "chat.db", settings, history=True) as here:
        made = Stage(here)
        yield made
        made.listener.stop(20)
        assert not made.listener.is_alive()


def test_a_text_is_said_and_answered(stage: Stage) -> None:
    """When it is committed. A refusal is answered with its line."""
    bob = stage.here.connect("bob")
    bob.read()
    sock = stage.send("hello")
    stage.tick()
    answer = read(sock)
    assert answer.startswith("HTTP/1.1 200 OK\r\n") and answer.endswith("\r\n\r\nok\n")
    assert bob.read() == [":ci/hook!hook@chatroom.local PRIVMSG #ops :hello"]
    stage.token = "1-wrong"
    sock = stage.send("hello")
    stage.tick()
    assert "404 Not Found" in read(sock)
    assert (stage.listener.said, stage.listener.refused) == (1, 1)


def test_a_bad_request_is_answered_and_its_body_dropped(stage: Stage) -> None:
    """The client can send all of it, and reads why."""
    with stage.connect() as sock:
        sock.sendall(HEAD.format("1-x", 10_000_000, "").encode())
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                sock.sendall(b"x" * 1000)
        assert "413 " in sock.recv(4096).decode()


def test_a_client_that_waits_is_told_to_go_on(stage: Stage) -> None:
    """Then it sends the body."""
    with stage.connect() as sock:
        sock.sendall(HEAD.format(stage.token, 2, "Expect: 100-continue\r\n").encode())
        assert sock.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hi")
        stage.tick()
        assert b"200 OK" in sock.recv(4096)


def test_slow_clients_do_not_keep_others_waiting(stage: Stage) -> None:
    """They send a byte now and then, or nothing. The oldest goes when there are too many."""
    slow = [stage.connect() for _ in range(MOST_OPEN)]
    slow[0].sendall(b"POST /ho")
    sock = stage.send("hello")
    stage.tick()
    assert "200 OK" in read(sock)
    assert read(slow[0]) == ""
    for one in slow:
        one.close()


def test_a_client_has_only_so_long(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then its connection is closed."""
    monkeypatch.setattr(hook_listener, "PATIENCE_S", 0.05)
    assert read(stage.connect()) == ""


def test_a_client_that_has_gone_has_spoken(stage: Stage) -> None:
    """Its text is said, and nobody is answered."""
    bob = stage.here.connect("bob")
    bob.read()
    stage.send("bye").close()
    stage.tick()
    assert len(bob.read()) == 1
    sock = stage.send("again")
    stage.tick()
    assert "200 OK" in read(sock)


def test_a_text_waits_for_the_write_lock(stage: Stage) -> None:
    """As long as a user's message would, and then it is refused."""
    sock = stage.send("now")
    stage.tick()  # stores the channel too
    assert "200 OK" in read(sock)
    sock = stage.send("later")
    with stage.here.stores.database.transaction():
        stage.tick()
    stage.tick(2)  # the delay, and the next try
    assert "200 OK" in read(sock)
    sock = stage.send("never")
    with stage.here.stores.database.transaction():
        stage.tick()
        stage.here.mono_ms += 6000
        stage.tick(2)
    assert "503 Service Unavailable" in read(sock)


def test_a_commit_that_fails_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message was not said."""
    sock = stage.send("lost")
    until(lambda: stage.tasks, "a text arrives")
    with stage.here.tick():
        stage.tasks.popleft()()
    stage.world.ledger.failure = "the disk is full"
    stage.committed.pop()()
    assert "503 Service Unavailable" in read(sock)


def test_a_bug_is_answered_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub logs it."""

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(hook_listener, "say_by_hook", fail)
    sock = stage.send("hello")
    until(lambda: stage.tasks, "a text arrives")
    with pytest.raises(RuntimeError):
        stage.tasks.popleft()()
    assert "503 Service Unavailable" in read(sock)


def test_without_files_it_rests_and_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that cannot be accepted stays in the kernel's queue."""
    monkeypatch.setattr(hook_listener, "_PAUSE_S", 0.01)
    real, failures = socket.socket.accept, [OSError(24, "Too many open files")]

    def accept(listening: socket.socket) -> Any:
        if failures:
            raise failures.pop()
        return real(listening)

    monkeypatch.setattr(socket.socket, "accept", accept)
    sock = stage.send("hello")
    stage.tick()
    assert "200 OK" in read(sock)
    assert not failures


def test_an_address_in_use_ends_the_start(stage: Stage) -> None:
    """With one line. Without an address there is no listener."""
    with pytest.raises(ServeError, match=r"hooks\.listen 127\.0\.0\.1:"):
        open_hooks(Hooks(f"127.0.0.1:{stage.port}"))
    assert open_hooks(Hooks()) is None


def test_an_address_of_the_network_is_unsafe() -> None:
    """Tokens would go over it without TLS."""
    for listen, is_unsafe in (("127.0.0.1:1", False), ("[::1]:1", False), ("0.0.0.0:1", True), ("", False)):
        found = [str(one) for one in find_unsafe(Settings(hooks=Hooks(listen)))]
        assert any("hooks.listen" in one for one in found) is is_unsafe
    assert Hooks("[::1]:9680").url_of("t") == "http://[::1]:9680/hooks/t"
    assert Hooks().url_of("t") == "http://HOST:PORT/hooks/t"


def test_a_client_that_ends_its_side_is_answered(stage: Stage) -> None:
    """As ``nc -N`` does, while the answer is still to come, or is large for its buffers."""
    sock = stage.send("hello")
    sock.shutdown(socket.SHUT_WR)
    other = stage.send("wait for the listener to have read on")
    until(lambda: len(stage.tasks) == 2, "both are read")
    stage.tick(2)
    assert read(sock).endswith("\r\n\r\nok\n")
    assert read(other).endswith("ok\n")


def test_half_a_request_is_not_waited_for(stage: Stage) -> None:
    """Nobody sends the rest."""
    with stage.connect() as sock:
        sock.sendall(HEAD.format(stage.token, 9, "").encode() + b"half")
        sock.shutdown(socket.SHUT_WR)
        assert read(sock) == ""
    assert not stage.tasks


@pytest.mark.parametrize("is_half_closed", [False, True])
def test_an_answer_waits_for_the_client_to_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, is_half_closed: bool
) -> None:
    """Also if the very first byte has no room; then it comes in pieces."""
    outcome, real = SAID._replace(text="y" * 50), socket.socket.send
    blocks = [True, False]

    def send(sock: socket.socket, data: bytes) -> int:
        if not data.startswith((b"HTTP", b"y")):
            return real(sock, data)
        if blocks and blocks.pop(0):
            raise BlockingIOError
        return real(sock, data[:1])

    sock = stage.send("hello")
    if is_half_closed:
        sock.shutdown(socket.SHUT_WR)
    until(lambda: stage.tasks, "a text arrives")
    monkeypatch.setattr(hook_listener, "say_by_hook", lambda *_: outcome)
    monkeypatch.setattr(socket.socket, "send", send)
    stage.tick()
    assert read(sock).endswith(outcome.text + "\n")


def test_a_connection_that_cannot_be_watched_harms_no_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is closed, and the listener rests. Its thread goes on."""
    sock = stage.send("first")  # so that the thread watches its own sockets
    stage.tick()
    assert "200 OK" in read(sock)
    monkeypatch.setattr(hook_listener, "_PAUSE_S", 0.01)
    real, failures = selectors.DefaultSelector.register, [OSError(28, "No space left on device")]

    def register(selector: Any, fileobj: Any, events: int, data: Any = None) -> Any:
        if failures:
            raise failures.pop()
        return real(selector, fileobj, events, data)

    monkeypatch.setattr(selectors.DefaultSelector, "register", register)
    assert read(stage.connect()) == ""
    sock = stage.send("hello")
    stage.tick()
    assert "200 OK" in read(sock)
    assert stage.listener.is_alive()


@pytest.mark.parametrize("when", ["at a connection", "in a pause"])
def test_the_listener_begins_again_after_a_fault(stage: Stage, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """With no visitor of before, and with no pause that has not ended: as the supervisor has it."""
    real, failures = socket.socket.accept, [OSError(24, "Too many open files")]

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    def accept(listening: socket.socket) -> Any:
        if failures and when == "in a pause":
            raise failures.pop()
        return real(listening)

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(hook_listener, "_PAUSE_S", 0.0)  # over as soon as it begins again
    monkeypatch.setattr(socket.socket, "accept", accept)
    with monkeypatch.context() as broken:
        name = "_look_at_time" if when == "in a pause" else "_attend"
        broken.setattr(HookListener, name, fail)
        lost = stage.send("lost")
        until(lambda: not stage.listener.is_alive(), "a fault has ended the thread")
    stage.listener.start()
    sock = stage.send("hello")
    stage.tick(2 if when == "in a pause" else 1)
    assert "200 OK" in read(sock)
    assert stage.listener.is_alive()
    lost.close()
