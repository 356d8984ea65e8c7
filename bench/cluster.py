"""What a cluster costs: one daemon on SQLite, one on PostgreSQL, and three nodes on PostgreSQL and Redis.

    python bench/cluster.py [--runs N] [--only NAME]... [--failures N]

Each work is done by all three in turn, with fresh processes; the medians of the runs are shown. All servers share one
processor, and the load generator has the other one. The clients come to the three nodes in turn, so that two of three
readers are on another node than the sender. The generator checks every line, as in ``run.py``. ``--failures`` also
measures so often how long others wait for the end of a node that was killed, and for a Redis that is restarted.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
from machine import describe
from peers import Cores, Launch, Recipe, Server, pinned_to, running
from run import LOAD, LineBroken, behave
from variants import daemon

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from harness.postgresql_server import PostgresqlServer
from harness.redis_server import RedisServer

HERE = Path(__file__).resolve().parent
NODES = "abc"
_CAP_S = 120
_TICKS_S = os.sysconf("SC_CLK_TCK")

Answer = dict[str, float]
Figure = tuple[str, Callable[[Answer], float], str]
"""What a row of the table has: its title, the figure, and how it is written."""


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work for the generator, and the rows that it makes."""

    case: str
    arguments: dict[str, int]
    figures: tuple[Figure, ...]


def _each(key: str) -> Callable[[Answer], float]:
    return lambda answer: answer[key] * 1e6 / answer["delivered"]


def _a_second(answer: Answer) -> float:
    return answer["messages"] / answer["elapsed_s"]


_COSTS: tuple[Figure, ...] = (
    ("CPU of our processes, µs a delivered message", _each("server_cpu_s"), "{:.2f}"),
    ("CPU of PostgreSQL, µs a delivered message", _each("postgresql_cpu_s"), "{:.2f}"),
    ("CPU of Redis, µs a delivered message", _each("redis_cpu_s"), "{:.2f}"),
)
WORKS = {
    "rate": Work(
        "latency",
        {"members": 99, "senders": 50, "rate": 50, "seconds": 8},
        (
            ("99 in a room, 50 messages a second: wait, ms, p50", lambda answer: answer["p50_ms"], "{:.2f}"),
            ("wait, ms, p99", lambda answer: answer["p99_ms"], "{:.2f}"),
            *_COSTS,
        ),
    ),
    "window-1": Work(
        "rooms",
        {"rooms": 1, "members": 99, "senders": 9, "window": 1, "messages": 150},
        (("9 senders in a room of 99, one message each under way: messages a second", _a_second, "{:,.0f}"), *_COSTS),
    ),
    "window-16": Work(
        "rooms",
        {"rooms": 1, "members": 99, "senders": 9, "window": 16, "messages": 1600},
        (("the same, 16 each under way: messages a second", _a_second, "{:,.0f}"), *_COSTS),
    ),
}


class Beside:
    """The servers that are not ours, on the processor of the daemons."""

    def __init__(self, postgresql: PostgresqlServer, redis: RedisServer, cores: Cores) -> None:
        self.postgresql = postgresql
        self.redis = redis
        self._cores = cores
        self.pin()

    def pin(self) -> None:
        """Put both on the processor of the servers."""
        if self._cores.server is not None:
            for pid in (self.redis.pid, self.postgresql.pid, *_children(self.postgresql.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(pid, {self._cores.server})

    def cpu_s(self) -> Answer:
        """The CPU time that both have used."""
        server = self.postgresql.pid
        used = _cpu_s(server, ended=True) + sum(_cpu_s(child) for child in _children(server))
        return {"postgresql_cpu_s": used, "redis_cpu_s": _cpu_s(self.redis.pid)}


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu_s(pid: int, *, ended: bool = False) -> float:
    """The CPU time of a process, and with ``ended`` that of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except FileNotFoundError:
        return 0.0  # it has ended meanwhile
    return sum(map(int, fields[11 : 15 if ended else 13])) / _TICKS_S


def on_server(url: str, **settings: str) -> Recipe:
    """Run a daemon on a database of a server."""
    prepare = daemon(history__enabled=True)
    further = {f"CHATROOM_{key}".upper(): value for key, value in {"database__url": url, **settings}.items()}

    def prepare_without_file(directory: Path, port: int) -> Launch:
        launch = prepare(directory, port)
        at = launch.command.index("--database")
        command = launch.command[:at] + launch.command[at + 2 :]
        return replace(launch, command=command, environment={**launch.environment, **further})

    return prepare_without_file


@contextlib.contextmanager
def nodes(beside: Beside, cores: Cores) -> Iterator[list[Server]]:
    """Run three nodes on an empty database and an empty Redis."""
    beside.redis.ask("FLUSHALL")
    address = beside.postgresql.make_database()
    with contextlib.ExitStack() as stack:
        stack.callback(beside.postgresql.drop_database, address)
        yield [
            stack.enter_context(
                running(
                    on_server(
                        address.url,
                        server__name=f"{name}.bench",
                        cluster__redis=beside.redis.url,
                        cluster__node=name,
                    ),
                    cores,
                )
            )
            for name in NODES
        ]


@contextlib.contextmanager
def lone(beside: Beside, cores: Cores, *, on_postgresql: bool) -> Iterator[list[Server]]:
    """Run one daemon, on SQLite or PostgreSQL."""
    with contextlib.ExitStack() as stack:
        recipe = daemon(history__enabled=True)
        if on_postgresql:
            address = beside.postgresql.make_database()
            stack.callback(beside.postgresql.drop_database, address)
            recipe = on_server(address.url)
        yield [stack.enter_context(running(recipe, cores))]


def load(servers: list[Server], work: Work, beside: Beside, cores: Cores) -> Answer:
    """Run the generator once. Raises ``LineBroken``."""
    ports = ",".join(str(server.port) for server in servers)
    pids = ",".join(str(server.process.pid) for server in servers)
    options = {"port": ports, "pid": pids, "announce": 1, **work.arguments}
    command = [str(LOAD), work.case, *(word for key, value in options.items() for word in (f"--{key}", str(value)))]
    generator = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=pinned_to(cores.generator)
    )
    assert generator.stdout is not None
    try:
        generator.stdout.readline()  # everybody is there
        before = beside.cpu_s()
        said, failed = generator.communicate(timeout=_CAP_S)
        after = beside.cpu_s()
    finally:
        generator.kill()
        generator.wait()
    if generator.returncode:
        raise LineBroken(failed.strip())
    answer: Answer = {key: value for key, value in json.loads(said).items() if key != "case"}
    return answer | {key: after[key] - before[key] for key in after}


# -- failures -------------------------------------------------------------------------------------


class Client:
    """A client that reads lines."""

    def __init__(self, port: int, nick: str) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=_CAP_S)
        self._lines = self._sock.makefile("r", encoding="utf-8", newline="\n")
        self.send(f"NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\nJOIN #room")
        self.expect(" 366 ")

    def send(self, line: str) -> None:
        """Send a line."""
        self._sock.sendall(f"{line}\r\n".encode())

    def expect(self, wanted: str) -> float:
        """Read on to a line with that text, and return the moment."""
        for line in self._lines:
            if wanted in line:
                return time.monotonic()
        raise LineBroken(f"no {wanted!r}")

    def close(self) -> None:
        """End the connection."""
        self._lines.close()
        self._sock.close()


def fail(beside: Beside, cores: Cores) -> dict[str, float]:
    """Restart Redis, with its data and without, and kill a node; return the waits in seconds."""
    with nodes(beside, cores) as servers:
        one, other = Client(servers[0].port, "one"), Client(servers[1].port, "other")
        one.expect("JOIN")
        waits = {}
        for name, keeps_data in (("Redis restarts with its data", True), ("Redis comes back empty", False)):
            began = time.monotonic()
            beside.redis.stop(signal.SIGKILL)
            if not keeps_data:
                beside.redis.forget_data()
            beside.redis.start()
            beside.pin()
            started = time.monotonic()
            one.send(f"PRIVMSG #room :{keeps_data}")
            ended = other.expect(f":{keeps_data}")
            waits[f"{name}: from the kill to the next message"] = ended - began
            waits[f"{name}: of that, from the moment when it accepts connections"] = ended - started
        began = time.monotonic()
        servers[1].process.send_signal(signal.SIGKILL)
        waits["kill -9 of a node: until others read the QUIT"] = one.expect("QUIT :b is gone") - began
        # It is expected to be gone, and is not looked at any more.
        servers[1].process.poll = lambda: None  # type: ignore[method-assign]
        one.close()
        other.close()
    return waits


@click.command()
@click.option("--runs", type=click.IntRange(0), default=3, show_default=True, help="Runs of each work.")
@click.option("--only", multiple=True, type=click.Choice(list(WORKS)), help="A work to measure; may be repeated.")
@click.option("--failures", type=click.IntRange(0), default=0, help="How often to let a node and Redis fail.")
def main(runs: int, only: tuple[str, ...], failures: int) -> None:
    """Measure, and print a table."""
    if not LOAD.exists():
        raise click.ClickException("the load generator is not built: make -C bench/generator")
    behave()
    cores = Cores.choose()
    click.echo(", ".join(describe().values()))
    with (
        PostgresqlServer.running(fsync="on", synchronous_commit="on", full_page_writes="on") as postgresql,
        RedisServer.running() as redis,
    ):
        beside = Beside(postgresql, redis, cores)
        columns: dict[str, Callable[[], contextlib.AbstractContextManager[list[Server]]]] = {
            "one, SQLite": lambda: lone(beside, cores, on_postgresql=False),
            "one, PostgreSQL": lambda: lone(beside, cores, on_postgresql=True),
            "three nodes": lambda: nodes(beside, cores),
        }
        click.echo(f"| | {' | '.join(columns)} |")
        click.echo(f"| --- |{' ---: |' * len(columns)}")
        for name in only or WORKS if runs else ():
            work = WORKS[name]
            answers: dict[str, list[Answer]] = {column: [] for column in columns}
            for _ in range(runs):
                for column, start in columns.items():
                    with start() as servers:
                        beside.pin()
                        answers[column].append(load(servers, work, beside, cores))
            for title, figure, form in work.figures:
                cells = [form.format(statistics.median(map(figure, answers[column]))) for column in columns]
                click.echo(f"| {title} | {' | '.join(cells)} |")
        waits = [fail(beside, cores) for _ in range(failures)]
        for title in waits[0] if waits else ():
            times = sorted(each[title] for each in waits)
            click.echo(f"{title}: {statistics.median(times):.2f} s ({times[0]:.2f} to {times[-1]:.2f})")


if __name__ == "__main__":
    main()
