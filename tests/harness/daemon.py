"""The daemon as a process, ``chatroomctl`` beside it, and a client that sends and reads raw IRC lines.

Nothing sleeps for a fixed time: everything is polled or read, for at most ``CAP_S`` seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from click.testing import CliRunner

from chatroom.ctl.main import cli

CAP_S = 20.0
"""How long to wait, in seconds, before a test fails: far longer than anything takes."""

PASSWORD = "correct horse"
_OF_DEVELOPERS = ("CHATROOM_", "XDG_")
"""How the environment variables begin that could name a developer's own files."""

Found = TypeVar("Found")
Running = TypeVar("Running", bound="Daemon")


def until(condition: Callable[[], Found], what: str, cap_s: float = CAP_S) -> Found:
    """Wait until a condition is true, and return what it returned. ``what`` names it if it never is."""
    give_up_at = time.monotonic() + cap_s
    while not (found := condition()):
        assert time.monotonic() < give_up_at, f"in vain: {what}"
        time.sleep(0.01)
    return found


def script(name: str) -> str:
    """Return the path of a console script, which is installed beside the running interpreter."""
    path = Path(sys.executable).with_name(name)
    assert path.exists(), f"{path} is missing: install the project into this environment"
    return str(path)


class Client:
    """A connection that sends and reads raw lines. All lines that were read are in ``lines``."""

    def __init__(self, port: int, from_address: str = "127.0.0.1") -> None:
        self.sock = socket.socket()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.bind((from_address, 0))
        self.sock.settimeout(CAP_S)
        try:
            self.sock.connect(("127.0.0.1", port))
        except OSError:
            self.sock.close()
            raise
        self.lines: list[str] = []
        self._tail = b""
        self._fences = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, *lines: str) -> None:
        """Send lines, all at once."""
        self.send_bytes("".join(f"{line}\r\n" for line in lines).encode())

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def read_line(self) -> str | None:
        """Read the next line; None at the end of the connection."""
        while b"\n" not in self._tail:
            try:
                data = self.sock.recv(65_536)
            except ConnectionError:
                return None
            if not data:
                return None
            self._tail += data
        raw, _, self._tail = self._tail.partition(b"\n")
        line = raw.decode().rstrip("\r")
        self.lines.append(line)
        return line

    def expect(self, wanted: str) -> str:
        """Read on to a line with that verb or numeric, or that has that text in it."""
        seen: list[str] = []
        while True:
            try:
                line = self.read_line()
            except TimeoutError:
                line = None
            assert line is not None, f"no {wanted!r} in {seen}"
            seen.append(line)
            if verb_of(line) == wanted or (not re.fullmatch(r"[A-Z]+|\d{3}", wanted) and wanted in line):
                return line

    def find(self, text: str) -> str:
        """Return the first line that has a text, of all that were read, or read on to one.

        For what comes by itself while the client registers, or behind that: on a slow machine ``register`` has read it.
        """
        return next((line for line in self.lines if text in line), None) or self.expect(text)

    def expect_closed(self) -> list[str]:
        """Read to the end of the connection. Returns the lines on the way."""
        seen: list[str] = []
        while (line := self.read_line()) is not None:
            seen.append(line)
        return seen

    def collect(self) -> list[str]:
        """Read until the server has answered all that was sent so far. Returns the lines without the fence."""
        self._fences += 1
        token = f"fence-{id(self)}-{self._fences}"
        self.send(f"PING {token}")
        seen: list[str] = []
        while True:
            line = self.read_line()
            assert line is not None, f"closed after {seen}"
            if token in line:
                return seen
            seen.append(line)

    def ask(self, *lines: str) -> list[str]:
        """Send lines, and read until they are answered."""
        self.send(*lines)
        return self.collect()

    def register(self, nick: str, *, password: str = "") -> Client:
        """Complete the registration and read the welcome."""
        first = [f"PASS :{password}"] if password else []
        self.send(*first, f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        self.expect("001")
        self.collect()
        return self

    def half_close(self) -> None:
        """Close the sending side, and go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Reset the connection (RST)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def verb_of(line: str) -> str:
    """Return the verb or numeric of a line from the server."""
    words = line.split(" ")
    while words and words[0][:1] in ("@", ":"):
        words.pop(0)
    return words[0] if words else ""


class Place:
    """Directories and an environment of a test's own, which hide the developer's files from the console scripts."""

    def __init__(self, root: Path, runtime: Path, settings: Mapping[str, float | str]) -> None:
        self.root = root
        self.database = root / "chat.db"
        self.daemons: list[Daemon] = []
        """All daemons that were started in this place."""
        self.environment = {
            "HOME": str(root),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "TERM": "dumb",
            "TMPDIR": str(runtime),
            "TZ": "UTC",
            "XDG_RUNTIME_DIR": str(runtime),
            "CHATROOM_ACCOUNTS__BCRYPT_COST": "4",
            "CHATROOM_ACCOUNTS__SCRAM_ITERATIONS": "4096",  # the least, as above
            "CHATROOM_HISTORY__REPLAY_GUESTS": "0",  # off, so that a test does not read what another one said
            "CHATROOM_SERVER__IO_THREADS": "2",  # one is the default, but more can go wrong with two
        }
        for key, value in settings.items():
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            self.environment[f"CHATROOM_{key.replace('.', '__')}".upper()] = shown

    @classmethod
    @contextlib.contextmanager
    def make(cls, **settings: float | str) -> Iterator[Place]:
        """Make a place in the directory for temporary files. ``limits__enabled=False`` is a setting."""
        # Not pytest's tmp_path: the path of a Unix socket must be short.
        with tempfile.TemporaryDirectory(prefix="chatroom-e2e-", ignore_cleanup_errors=True) as name:
            runtime = Path(name) / "run"
            runtime.mkdir(mode=0o700)
            place = cls(Path(name), runtime, settings)
            try:
                yield place
            finally:
                for daemon in place.daemons:  # left running by a failed test
                    daemon.kill()

    @property
    def selected(self) -> list[str]:
        """The options that name the database."""
        return ["--database", str(self.database)]

    @property
    def config_file(self) -> Path:
        """The user's configuration file, which need not exist. Its directory is made."""
        directory = self.root / ".config" / "chatroom"
        directory.mkdir(parents=True, exist_ok=True)
        return directory / "chatroom.toml"

    def run(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``chatroomctl`` on the database, whatever its exit code."""
        call = [script("chatroomctl"), *self.selected, *map(str, arguments)]
        return subprocess.run(
            call, env=self.environment, cwd=self.root, input=stdin, capture_output=True, text=True, timeout=60
        )

    def ctl(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run ``chatroomctl``, which must succeed, and return what it prints."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ctl_json(self, *arguments: str | Path) -> Any:
        """Run ``chatroomctl --json``, which must succeed, and return the document."""
        return json.loads(self.ctl(*arguments, "--json"))

    def run_here(self, *arguments: str | Path, stdin: str = "") -> str:
        """Do what ``ctl`` does inside this process, for what a test only needs to begin: a program takes long to start.

        Only one thread of a test may call it.
        """
        hidden: dict[str, str | None] = dict.fromkeys(name for name in os.environ if name.startswith(_OF_DEVELOPERS))
        call = [*self.selected, *map(str, arguments)]
        runner = CliRunner(env={**hidden, **self.environment})
        with patch("tempfile.tempdir", self.environment["TMPDIR"]):  # Python reads TMPDIR once
            done = runner.invoke(cli, call, input=stdin, prog_name="chatroomctl", catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    def create(self, name: str, role: str = "user", password: str = PASSWORD) -> None:
        """Make an account from the shell."""
        self.run_here("user", "create", name, "--role", role, "--password-stdin", stdin=password)


_HAND_OVER = """
import os, sys
numbers = [os.dup(int(number)) for number in sys.argv[1].split(",")]
for target, number in enumerate([os.dup2(number, 100 + at) for at, number in enumerate(numbers)], 3):
    os.dup2(number, target)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(numbers)), LISTEN_FDNAMES="chatroom.socket")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Hands listening sockets over as systemd does: as descriptors from 3 on, to the process that is named."""


class Daemon:
    """``chatroomctl serve`` in a place, on a free port."""

    def __init__(self, place: Place, *options: str, listening: Sequence[socket.socket] = ()) -> None:
        """``listening`` are sockets that it inherits, as from a service manager; an option names the port of one."""
        self.place = place
        self.port = 0
        self.stderr: list[str] = []
        """The log lines so far, without their times."""
        call = [script("chatroomctl"), *place.selected, "serve", "--port", "0", *options]
        if listening:
            call = [sys.executable, "-c", _HAND_OVER, ",".join(str(sock.fileno()) for sock in listening), *call]
        self.process = subprocess.Popen(
            call,
            pass_fds=[sock.fileno() for sock in listening],
            env=place.environment,
            cwd=place.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # no controlling terminal: SIGHUP reloads
        )
        place.daemons.append(self)
        self._reader = threading.Thread(target=self._read, name="daemon's stderr", daemon=True)
        self._reader.start()
        try:
            self.port = int(self.expect_log("listening on ").rpartition(":")[2])
            self.expect_log("configuration ")
        except BaseException:
            self.kill()
            raise

    def _read(self) -> None:
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            self.stderr.append(re.sub(r"^\S+ \S+ (UTC|[+-]\d\d:\d\d) ", "", raw.decode().rstrip("\n")))

    def log_lines(self, text: str) -> list[str]:
        """Return the log lines that have a text in them."""
        return [line for line in list(self.stderr) if text in line]

    def expect_log(self, text: str) -> str:
        """Wait for a log line."""
        until(lambda: self.log_lines(text) or self.process.poll() is not None, f"{text!r} in {self.stderr}")
        lines = self.log_lines(text)
        assert lines, f"ended without {text!r}: {self.stderr}"
        return lines[0]

    def open(self, from_address: str = "127.0.0.1") -> Client:
        """Connect without sending anything."""
        return Client(self.port, from_address)

    def connect(self, nick: str, *, from_address: str = "127.0.0.1", password: str = "") -> Client:
        """Connect and complete the registration."""
        return self.open(from_address).register(nick, password=password)

    def create(self, name: str, role: str = "user", password: str = PASSWORD) -> None:
        """Make an account from the shell and wait until the daemon knows of it."""
        before = self.status()["accounts"]
        self.place.create(name, role, password)
        until(lambda: self.status()["accounts"] > before, f"the daemon knows {name}")

    def status(self) -> Any:
        """Return what ``chatroomctl status`` tells of the daemon."""
        return json.loads(self.place.run_here("status", "--json"))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end. Returns the exit code."""
        code = self.process.wait(CAP_S)
        self._reader.join(CAP_S)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    @property
    def is_read_on(self) -> bool:
        """True while a process can still write to the log."""
        return self._reader.is_alive()

    def kill(self) -> None:
        """Send SIGKILL, and wait for the end."""
        self.stop(signal.SIGKILL)

    def is_well(self) -> bool:
        """True if the daemon runs, answers and has logged no traceback."""
        with self.open() as client:
            client.send("PING well")
            client.expect("PONG")
        return self.process.poll() is None and not self.log_lines("Traceback")


def stopped_well(daemon: Running) -> Iterator[Running]:
    """Yield a daemon, and stop it at the end. It must not have logged a traceback."""
    try:
        yield daemon
    except BaseException:
        daemon.kill()
        raise
    code = daemon.stop()
    assert code == 0, daemon.stderr
    assert not daemon.log_lines("Traceback"), daemon.stderr


@contextlib.contextmanager
def running(
    accounts: Mapping[str, str] | None = None, password: str = PASSWORD, **settings: float | str
) -> Iterator[Daemon]:
    """Run a daemon in a place of its own, and stop it at the end. It must not have logged a traceback.

    ``accounts`` maps names to roles; all have one password. ``limits__enabled=False`` is a setting.
    """
    with Place.make(**settings) as place:
        for name, role in (accounts or {}).items():
            place.create(name, role, password)
        yield from stopped_well(Daemon(place))
