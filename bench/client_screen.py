"""What the terminal client costs: its start, a quiet evening, keys while 500 messages a second come in, a long log.

    python bench/client_screen.py [--runs N] [--seconds S] [--only WORD]

Prints a table with the median of the runs beside the bound of each row, and exits with 1 if one is not kept. The server
is a thread of this program, in the terminal are 120x40 cells. It wants a quiet machine: with other work on it, only
the figures of memory mean something.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

HERE = Path(__file__).resolve().parent.parent
PATIENCE_S = 60.0
RATE = 500
"""Messages a second."""
LINES = 100_000
ROOMS = 10
_CPUCLOCK_SCHED = 2
SETTLE_S = 125.0
"""How long nobody touches a client before it counts as idle: it asks the server more often for two minutes."""
IDLE_S = 120.0
"""How long at least an idle client is measured: it wakes up once a minute."""
WORDS = "the quick brown fox jumps over the lazy dog and goes on to have tea with a friend"


class Row(NamedTuple):
    """One figure and its bound."""

    name: str
    unit: str
    bound: float
    measure: Callable[[], float]


class FakeServer:
    """A server for one client: it welcomes alice into rooms, and sends the lines that the bench gives it."""

    def __init__(self, rooms: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._rooms = [f"#room{number}" for number in range(rooms)]
        self._socket: socket.socket | None = None
        self._is_over = threading.Event()
        self.sent = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        self._socket, _ = self._listener.accept()
        rest = b""
        while not self._is_over.is_set():
            try:
                data = self._socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            *lines, rest = (rest + data).split(b"\r\n")
            for line in lines:
                self._answer(line.decode())

    def _answer(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        if line.startswith("CAP LS"):
            self.send(":srv CAP * LS :server-time echo-message")
        elif line.startswith("CAP REQ"):
            self.send(f":srv CAP * ACK {rest.removeprefix('REQ ')}")
        elif line.startswith("CAP END"):
            self.send(":srv 001 alice :Hi", ":srv 422 alice :No message of the day")
            for room in self._rooms:
                self.send(
                    f":alice!a@h JOIN {room}", f":srv 353 alice = {room} :alice bob", f":srv 366 alice {room} :End"
                )
        elif verb == "PING":
            self.send(f":srv PONG srv {rest}")

    def send(self, *lines: str) -> None:
        """Send lines to the client; blocks while it reads nothing."""
        assert self._socket is not None
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def say(self, count: int) -> None:
        """Send so many messages, to the rooms in turn."""
        self.send(
            *(
                f":nick{number % 30}!n@h PRIVMSG {self._rooms[number % len(self._rooms)]} :{number} {WORDS}"
                for number in range(self.sent, self.sent + count)
            )
        )
        self.sent += count

    def flood(self) -> None:
        """Send ``RATE`` messages a second in the background, until ``close``."""

        def run() -> None:
            begin_s = time.monotonic()
            first = self.sent
            while not self._is_over.wait(0.02):
                due = int((time.monotonic() - begin_s) * RATE) - (self.sent - first)
                if due > 0:
                    try:
                        self.say(due)
                    except OSError:
                        return

        threading.Thread(target=run, daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        self._is_over.set()
        for sock in (self._socket, self._listener):
            if sock is not None:
                sock.close()


class Client:
    """``chatroom`` in a pseudo-terminal. A context manager: at its end the program is killed."""

    def __init__(self, server: FakeServer, directory: str, *options: str) -> None:
        command = [str(HERE / ".venv/bin/chatroom"), f"127.0.0.1:{server.port}", "--nick", "alice", *options]
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("CHATROOM_", "XDG_", "PYTHON"))
        }
        environment = {**kept, "HOME": directory, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self.began_s = time.monotonic()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, environment)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def see(self, *wanted: bytes) -> float:
        """Read the output until one of these is in it, and return how many seconds that took."""
        begin_s, seen = time.monotonic(), b""
        while not any(one in seen for one in wanted):
            if not select.select([self._terminal], [], [], PATIENCE_S)[0]:
                raise RuntimeError(f"never seen: {wanted!r}")
            seen = seen[-65536:] + os.read(self._terminal, 65536)
        return time.monotonic() - begin_s

    def drain(self, seconds: float) -> None:
        """Read the output for some time."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            if select.select([self._terminal], [], [], left_s)[0]:
                os.read(self._terminal, 65536)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._terminal, text.encode())

    @property
    def used_s(self) -> float:
        """The processor time of all threads of the program so far. ``/proc`` has it in hundredths of a second only."""
        return time.clock_gettime((~self.pid << 3) | _CPUCLOCK_SCHED)  # as clock_getcpuclockid() makes it

    @property
    def memory_mb(self) -> float:
        """The memory of the program, in millions of bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


READY = b"room0"


def measure_start(directory: str) -> float:
    """Return the milliseconds from the start to the first room."""
    server = FakeServer(1)
    with Client(server, directory, "--full") as client:
        client.see(b"to #room0")
        took_s = time.monotonic() - client.began_s
    server.close()
    return took_s * 1000


def measure_idle(directory: str, seconds: float) -> float:
    """Return the percent of a processor that a chat takes in which nothing happens, and nobody has pressed a key."""
    server = FakeServer(3)
    with Client(server, directory, "--full") as client:
        client.see(b"to #room0")
        client.drain(SETTLE_S)
        before_s = client.used_s
        client.drain(seconds)
        used_s = client.used_s - before_s
    server.close()
    return used_s / seconds * 100


def measure_keys(directory: str, seconds: float) -> float:
    """Return how many milliseconds 95 of 100 keys take to be on the screen while messages pour in."""
    server = FakeServer(1)
    took: list[float] = []
    with Client(server, directory, "--full") as client:
        client.see(b"to #room0")
        server.flood()
        client.drain(2)
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            client.type("\x15")
            client.drain(0.1)
            for length in range(1, 21):
                text = "qwxzvkjyQWXZVKJY7395"[:length]
                client.type(text[-1])
                took.append(client.see(text.encode()) * 1000)
                client.drain(0.03)
    server.close()
    return quantiles(took, n=20)[-1]


def measure_load(directory: str, seconds: float, *options: str) -> float:
    """Return the percent of a processor that the client takes at ``RATE`` messages a second."""
    server = FakeServer(1)
    with Client(server, directory, *options) as client:
        client.see(READY)
        client.drain(1)
        server.flood()
        client.drain(2)
        before_s = client.used_s
        client.drain(seconds)
        used_s = client.used_s - before_s
    server.close()
    return used_s / seconds * 100


def measure_memory(directory: str) -> float:
    """Return the memory after ``LINES`` messages in ``ROOMS`` rooms, in MB."""
    server = FakeServer(ROOMS)
    with Client(server, directory, "--full") as client:
        client.see(b"to #room0")

        def pour() -> None:
            while server.sent < LINES:
                server.say(1000)
            server.send(":bob!b@h PRIVMSG #room0 :that-was-all")

        threading.Thread(target=pour, daemon=True).start()
        client.see(b"that-was-all")
        memory_mb = client.memory_mb
    server.close()
    return memory_mb


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="how often each row is measured")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long one measurement lasts")
    parser.add_argument("--only", default="", help="only rows with this word")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        seconds = options.seconds
        rows = [
            Row("start to the first room", "ms", 600, lambda: measure_start(directory)),
            Row("idle", "% of a core", 0.2, lambda: measure_idle(directory, max(seconds, IDLE_S))),
            Row(f"95 of 100 keys, at {RATE} messages/s", "ms", 40, lambda: measure_keys(directory, seconds)),
            Row(f"memory after {LINES:,} lines", "MB", 110, lambda: measure_memory(directory)),
            Row(
                f"full screen at {RATE} messages/s",
                "% of a core",
                100,
                lambda: measure_load(directory, seconds, "--full"),
            ),
            Row(
                f"line client at {RATE} messages/s",
                "% of a core",
                20,
                lambda: measure_load(directory, seconds, "--prompt"),
            ),
        ]
        is_kept = True
        print("| | median | bound | all |\n| --- | --- | --- | --- |", flush=True)
        for row in rows:
            if options.only in row.name:
                found = [row.measure() for _ in range(options.runs)]
                is_kept = is_kept and median(found) <= row.bound
                digits = 3 if row.bound < 1 else 1
                shown = ", ".join(f"{value:.{digits}f}" for value in found)
                print(f"| {row.name} | {median(found):.{digits}f} {row.unit} | {row.bound} | {shown} |", flush=True)
    sys.exit(0 if is_kept else 1)


if __name__ == "__main__":
    main()
