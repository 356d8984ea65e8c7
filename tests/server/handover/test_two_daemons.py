"""A handover between two daemons that are threads of this process: the link, the sockets and the database are real."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import queue
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.daemon import CAP_S, Client
from harness.tls import Pair, TlsClient, client_context
from harness.web import WebClient

from chatroom import paths
from chatroom.chat.handover.document import VERSION
from chatroom.config import Listen, Settings
from chatroom.config.observing import Hooks, Metrics
from chatroom.config.serving import Database
from chatroom.errors import HandoverRefused, ServeError, StorageError
from chatroom.server import daemon_life
from chatroom.server.daemon import Daemon
from chatroom.server.database_directory import prepare_directory
from chatroom.server.handover import predecessor, standstill, successor, upgrade
from chatroom.server.handover.handover_link import VARIABLE, Link
from chatroom.server.handover.predecessor import UPGRADING, Predecessor
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.sqlite.migrate import newest_version


class Started:
    """A process that was not started. The test plays it, at the other end of the link."""

    played: queue.Queue[Started] = queue.Queue()

    def __init__(self, call: list[str], env: dict[str, str], pass_fds: list[int]) -> None:
        assert env[VARIABLE] == str(pass_fds[0])
        self.pid = 4_000_000  # more than the kernel gives out
        self.environ = {VARIABLE: str(os.dup(pass_fds[0]))}
        self.played.put(self)

    def kill(self) -> None:
        """Do nothing: the test ends by itself."""

    def wait(self, timeout: float | None = None) -> int:
        """Return an exit code."""
        return 7

    def take(self) -> Predecessor:
        """Return what the program has of the first daemon."""
        before = Predecessor.take(self.environ)
        assert before is not None and VARIABLE not in self.environ
        return before


class Stage:
    """The first daemon, and what the test sees of it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cleanup = contextlib.ExitStack()
        """Closes what the control socket was asked by."""
        self.lock = DaemonLock.acquire(settings.database.path)
        self.daemon = Daemon(settings, lambda: settings, lock=self.lock)
        self.daemon.start()

    @property
    def ports(self) -> list[int]:
        """The ports of the listeners, in their order."""
        found = self.ask("STATUS")
        line = next(line for line in found if " listening :" in line)
        return [int(word.partition(" ")[0].rpartition(":")[2]) for word in line.split(" :")[1].split(", ")]

    def ask(self, verb: str) -> list[str]:
        """Ask the control socket, and return the lines of its answer."""
        found: list[str] = []
        with self.call(verb, "PING end") as link:
            while " PONG " not in (line := link.readline()):
                assert line, found
                found.append(line.rstrip())
        return found

    def call(self, *lines: str) -> Any:
        """Send lines to the control socket, and return the answer as a file."""
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(CAP_S)
        link.connect(str(paths.control_socket(self.settings.database.path)))
        link.sendall("".join(f"{line}\r\n" for line in lines).encode())
        with link:
            return self.cleanup.enter_context(link.makefile("r", encoding="utf-8", newline="\r\n"))

    def begin(self) -> tuple[Any, Started]:
        """Ask for an upgrade. Return the answer to come, and the process to play."""
        answer = self.call("ACTOR tess", "UPGRADE")
        return answer, Started.played.get(timeout=CAP_S)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings with a plain, a WebSocket and a TLS listener, in the test's own directory."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    pair = Pair(tmp_path, "localhost")
    listen = (
        Listen(port=0),
        Listen(port=0, kind="websocket"),
        Listen(port=0, tls=True, certificate=(pair.certificate,), key=(pair.key,)),
    )
    made = Settings(
        listen=listen,
        database=Database(path=tmp_path / "data" / "chat.db"),
        metrics=Metrics(listen="127.0.0.1:0"),
        hooks=Hooks(listen="127.0.0.1:0"),
    )
    prepare_directory(made.database.path)
    return made


@pytest.fixture
def stage(settings: Settings, process_state: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A running daemon that starts no processes. The test stops it."""
    monkeypatch.setattr(subprocess, "Popen", Started)
    one = Stage(settings)
    try:
        yield one
    finally:
        one.daemon.stop()
        one.lock.release()
        one.cleanup.close()


def web_addresses(daemon: Daemon) -> list[str]:
    """Return where a daemon has its metrics and takes hooks."""
    assert daemon._metrics is not None and daemon._hook_listener is not None
    return [daemon._metrics.url, daemon._hook_listener.url]


def test_one_daemon_takes_the_place_of_another(stage: Stage, settings: Settings) -> None:
    """Plain and WebSocket connections go on; who has TLS, and who asked, is told; the first daemon ends."""
    plain, web, tls = stage.ports
    with Client(plain) as alice, WebClient(web) as wanda, TlsClient(tls, context=client_context()) as secret:
        alice.register("alice")
        wanda.register("wanda")
        secret.register("secret")
        alice.ask("JOIN #tea", "TOPIC #tea :hot")
        alice.send_bytes(b"PRIVMSG #lobby :in two ")
        addresses = web_addresses(stage.daemon)
        answer, started = stage.begin()
        with started.take() as before:
            lock = before.introduce(settings)
            new = Daemon(settings, lambda: settings, before=before, lock=lock)
            new.start()
        try:
            assert [line.rstrip().partition(" UPGRADE ")[2] for line in answer][:3] == [
                "STAGE :starting the new daemon",
                "STAGE :finishing what is under way",
                "STAGE :handing over 2 connections",
            ]
            stage.daemon.wait()
            assert stage.daemon._upgrade is not None
            with stage.daemon._upgrade._lock:
                pass  # the first upgrade is over
            with pytest.raises(HandoverRefused, match="ends"):
                stage.daemon._upgrade.begin(None)  # a second signal: it must not touch what the other one has
            assert secret.expect_closed()[-1] == f"ERROR :Closing Link: 127.0.0.1 ({UPGRADING})"
            alice.send_bytes(b"pieces\r\n")
            assert wanda.expect("PRIVMSG").endswith("PRIVMSG #lobby :in two pieces")
            assert alice.expect("QUIT").endswith(f"QUIT :{UPGRADING}")
            assert any(line.endswith(":hot") for line in alice.ask("TOPIC #tea"))
            with Client(plain) as bob:
                bob.register("bob")
            # Metrics and incoming hooks are where they were.
            assert web_addresses(new) == addresses
        finally:
            new.stop()


def hello(settings: Settings, **other: object) -> dict[str, Any]:
    """Return what a new daemon says first, with some of it changed."""
    database = os.path.realpath(settings.database.path)
    return {"hello": {"pid": 1, "readable": [VERSION], "schema": newest_version(), "database": database, **other}}


@pytest.mark.parametrize(
    "say, why",
    [
        (lambda settings: {"failed": "the port is taken"}, "the port is taken"),
        (lambda settings: hello(settings, readable=[99]), "does not take over the state"),
        (lambda settings: hello(settings, schema=3), "is older"),
        (lambda settings: hello(settings, database="/other.db"), "has another database: /other.db"),
        (lambda settings: None, "ended with exit code 7"),
    ],
)
def test_the_first_daemon_goes_on_if_it_cannot_be_replaced(
    stage: Stage, settings: Settings, say: Callable[[Settings], dict[str, Any] | None], why: str
) -> None:
    """Whatever the new one says, or if it says nothing. Another try is possible then."""
    with Client(stage.ports[0]) as alice:
        alice.register("alice")
        for _ in range(2):
            answer, started = stage.begin()
            link = Link(socket.socket(fileno=int(started.environ[VARIABLE])))
            message = say(settings)
            if message is not None:
                link.send({"stage": "trying"})
                link.send(message)
            link.close()
            told = next(line for line in answer if "FAIL" in line)
            assert why in told
        assert alice.ask("PING x")


def fail(started: Started, settings: Settings, error: Exception, act: Callable[[], object] = lambda: None) -> None:
    """Play a new daemon that raises an error when it has everything."""
    with started.take() as before:
        before.introduce(settings).release()
        act()
        raise error


def test_the_first_daemon_goes_on_after_its_standstill(stage: Stage, settings: Settings) -> None:
    """A new one that fails with all sockets in its hands closes nothing of the first one's."""
    with Client(stage.ports[0]) as alice:
        alice.register("alice")
        answer, started = stage.begin()
        with pytest.raises(RuntimeError):
            fail(started, settings, RuntimeError("a fault of the new program"), lambda: alice.send("PING meanwhile"))
        assert "RuntimeError: a fault of the new program" in next(line for line in answer if "FAIL" in line)
        assert alice.expect("PONG").endswith("meanwhile")
        assert alice.ask("JOIN #tea")


def test_a_disk_that_fails_meanwhile_ends_no_daemon(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new daemon of the same schema cannot have upgraded the database, so nobody has to look."""

    def refuse(path: Path) -> int:
        raise StorageError("the disk cannot be read")

    monkeypatch.setattr(upgrade, "read_schema_version", refuse)
    with Client(stage.ports[0]) as alice:
        alice.register("alice")
        answer, started = stage.begin()
        with pytest.raises(HandoverRefused):
            fail(started, settings, HandoverRefused("no"))
        assert any("FAIL" in line for line in answer)
        assert alice.ask("PING x")


def test_a_new_daemon_that_does_not_read_is_given_up(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped, or stuck, when the chat stands still for it: the first one goes on."""
    monkeypatch.setattr(successor, "READ_S", 0.01)
    with Client(stage.ports[0]) as alice:
        alice.register("alice")
        answer, started = stage.begin()
        with socket.socket(fileno=int(started.environ[VARIABLE])) as sock:
            monkeypatch.setattr(upgrade, "world_to_state", lambda world: {"text": "x" * 5_000_000})
            Link(sock).send(hello(settings))
            assert any("FAIL" in line for line in answer)
        assert alice.ask("PING x")


def start_in_place_of(started: Started, settings: Settings) -> None:
    """Play a new daemon as far as its start."""
    with started.take() as before, before.introduce(settings) as lock:
        Daemon(settings, lambda: settings, before=before, lock=lock).start()


def test_the_first_daemon_keeps_its_metrics(stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new one that fails behind the opening of its addresses does not shut down a socket that both have."""
    monkeypatch.setattr("chatroom.server.served_database.load_world", lambda *_: [][0])
    answer, started = stage.begin()
    with pytest.raises(IndexError):
        start_in_place_of(started, settings)
    assert any("FAIL" in line for line in answer)
    with urllib.request.urlopen(web_addresses(stage.daemon)[0], timeout=CAP_S) as page:
        assert b"chatroom_" in page.read()


def test_a_database_of_a_later_version_ends_the_first_daemon(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not write to it: the new daemon is started again and again, and then the service manager has to."""
    later = newest_version() + 1
    monkeypatch.setattr(upgrade, "read_schema_version", lambda path: later)
    monkeypatch.setattr(predecessor, "newest_version", lambda: later)
    answer, started = stage.begin()
    for number in range(upgrade.MOST_TRIES):
        if number:
            started = Started.played.get(timeout=CAP_S)
        with pytest.raises(HandoverRefused):
            fail(started, settings, HandoverRefused("no"))
    with pytest.raises(ServeError, match="the database is upgraded, and the new daemon does not start"):
        stage.daemon.wait()
    assert not any("DONE" in line for line in answer)


def test_what_waits_too_long_ends_the_upgrade(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is handed over that is not stored, and all goes on."""
    monkeypatch.setattr(standstill, "REST_S", 0.0)
    hub = stage.daemon._hub
    assert hub is not None
    monkeypatch.setattr(type(hub), "is_at_rest", property(lambda hub: False))
    with Client(stage.ports[0]) as alice:
        alice.register("alice")
        answer, started = stage.begin()
        link = Link(socket.socket(fileno=int(started.environ[VARIABLE])))
        link.send(hello(settings))
        assert "too much waits to be stored" in next(line for line in answer if "FAIL" in line)
        link.close()
        assert alice.ask("PING x")


def test_a_daemon_that_stops_waits_for_no_standstill(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for a step of a background thread, such as a request of a hook, nor for what is to be stored."""
    monkeypatch.setattr(standstill, "_STEP_S", 1e6)
    one = stage.daemon._upgrade
    assert one is not None
    with stage.daemon._turnstile:
        answer, started = stage.begin()
        link = Link(socket.socket(fileno=int(started.environ[VARIABLE])))
        link.send(hello(settings))
        assert next(line for line in answer if "finishing what is under way" in line)
        one.stop()
        link.close()


def test_what_was_reloaded_meanwhile_is_in_force(
    stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first daemon may have taken new settings when the new one had read the earlier ones."""
    answer, started = stage.begin()
    reloaded = dataclasses.replace(settings)
    made: list[Daemon] = []
    read = iter([settings, reloaded])
    monkeypatch.setenv(VARIABLE, started.environ[VARIABLE])
    monkeypatch.setattr(daemon_life, "keep_secrets", lambda: None)  # which lasts
    monkeypatch.setattr(daemon_life, "run", made.append)
    daemon_life.serve(lambda: next(read))
    assert made[0]._settings is reloaded
    made[0]._signals.close()
    assert made[0]._lock is not None
    made[0]._lock.release()
    assert any("FAIL" in line for line in answer)


def test_a_service_that_would_end_with_its_process_is_not_upgraded(stage: Stage) -> None:
    """systemd would kill the new daemon when the first one ends."""
    stage.daemon._manager.only_sees_process = True
    assert any("its unit needs Type=notify" in line for line in stage.ask("UPGRADE"))


def test_one_upgrade_at_a_time(stage: Stage) -> None:
    """A second one is refused while the first is under way."""
    first, started = stage.begin()
    with stage.call("UPGRADE", "PING end") as second:
        assert "FAIL UPGRADE NOT_UPGRADED :an upgrade is under way already" in second.readline()
    os.close(int(started.environ[VARIABLE]))
    assert any("FAIL" in line for line in iter(first.readline, ""))


def test_what_is_said_to_who_has_to_connect_again_disturbs_nobody(stage: Stage, settings: Settings) -> None:
    """The first tick runs a line that waited, in a channel of a user whose connection did not come over."""
    plain, _, tls = stage.ports
    with Client(plain) as alice, Client(plain) as bob, TlsClient(tls, context=client_context()) as secret:
        for client, nick in ((alice, "alice"), (secret, "secret"), (bob, "bob")):
            client.register(nick)
            client.ask("JOIN #tea")
        _, started = stage.begin()
        with started.take() as before:
            lock = before.introduce(settings)
            alice.send("PRIVMSG #tea :meanwhile", "PRIVMSG secret :and to you")
            new = Daemon(settings, lambda: settings, before=before, lock=lock)
            new.start()
        try:
            assert bob.expect("PRIVMSG").endswith("PRIVMSG #tea :meanwhile")
            assert alice.ask("PING x")
        finally:
            new.stop()
