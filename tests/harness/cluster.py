"""A cluster as processes: PostgreSQL, Redis, and nodes on free ports."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from harness.daemon import Client, Daemon, Place, until, verb_of
from harness.dying_threads import Killer
from harness.fault_points import FaultPoints, state_of
from harness.injected_code import InjectedCode
from harness.postgresql_server import PostgresqlServer
from harness.redis_server import RedisServer

from chatroom.chat.cluster.told import Told, told_from_text
from chatroom.database_address import ServerAddress

LEASE_S = 3.0
"""The leases of the tests' nodes: short, so that nobody waits long for the end of one that was killed.

Shorter ones end by themselves on a machine with so much to do that a node's heartbeat comes a second late."""


class NodePlace(Place):
    """The directories and the environment of one node."""

    @property
    def selected(self) -> list[str]:
        """No options: a database that is named by one is no cluster's."""
        return []


class Cluster:
    """The nodes, and what they share."""

    def __init__(
        self, root: Path, address: ServerAddress, redis: RedisServer, settings: dict[str, float | str]
    ) -> None:
        self.root = root
        self.address = address
        self.redis = redis
        self.settings = settings
        self.nodes: dict[str, Daemon] = {}
        """The nodes that were started, by name."""
        self.places: dict[str, NodePlace] = {}
        """Places that were made for the next start of a node, by its name."""
        self.faulty: set[str] = set()
        """The names of nodes that may log a traceback, because a test has made them die."""
        self._starts = 0

    def place(self, name: str, **more: float | str) -> NodePlace:
        """Make a place for a start of a node. ``limits__enabled=False`` is a setting of this node alone."""
        self._starts += 1
        root = self.root / f"{name}{self._starts}"
        runtime = root / "run"
        runtime.mkdir(parents=True, mode=0o700)
        settings: dict[str, float | str] = {
            "database.url": self.address.url,
            "cluster.redis": self.redis.url,
            "cluster.node": name,
            "cluster.lease_s": LEASE_S,
            "server.name": f"{name}.test",
            **self.settings,
            **more,
        }
        return NodePlace(root, runtime, settings)

    def find_told(self, name: str) -> Told:
        """Return what a node has left in Redis of how far it has told its people."""
        epoch = self.redis.ask("HGET", "chatroom:nodes", name)
        return told_from_text(self.redis.ask("GET", f"chatroom:told:{name}/{epoch}"))

    def freeze(self, name: str) -> None:
        """Have a node stand still that neither has the turn nor waits for it: the others would wait for such a one."""
        process = self.nodes[name].process
        home = f"{name}/{self.redis.ask('HGET', 'chatroom:nodes', name)}"

        def stands_apart() -> bool:
            process.send_signal(signal.SIGSTOP)
            until(lambda: state_of(process.pid) == "T", "it stands still")
            holder = self.redis.ask("HGET", "chatroom:state", "holder")
            if home not in (holder, *self.redis.ask("LRANGE", "chatroom:queue", 0, -1)):
                return True
            process.send_signal(signal.SIGCONT)
            return False

        until(stands_apart, "it stands still between two turns")

    def start(self, *names: str) -> list[Daemon]:
        """Start nodes, one after the other."""
        for name in names:
            if name in self.nodes and name not in self.faulty:
                _check_fit(self.nodes[name])
            self.nodes[name] = Daemon(self.places.pop(name) if name in self.places else self.place(name))
        return [self.nodes[name] for name in names]

    def injected(self, name: str) -> InjectedCode:
        """Have code run in a node when it starts next."""
        self.places[name] = place = self.place(name)
        return InjectedCode(place)

    def points(self, name: str) -> FaultPoints:
        """Have faults planted in a node when it has started next."""
        return FaultPoints(self.injected(name), lambda: self.faulty.add(name))

    def mortal(self, name: str) -> Killer:
        """Have threads killed of a node when it starts next."""
        self.places[name] = place = self.place(name)
        self.faulty.add(name)
        return Killer(place)

    @classmethod
    @contextlib.contextmanager
    def running(cls, postgresql: PostgresqlServer, *names: str, **settings: float | str) -> Iterator[Cluster]:
        """Run a cluster in the block. ``limits__enabled=False`` is a setting."""
        address = postgresql.make_database()
        prefix = "chatroom-cluster-"
        with (
            tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as directory,
            RedisServer.running() as redis,
        ):
            cluster = cls(Path(directory), address, redis, settings)
            try:
                cluster.start(*names)
                yield cluster
                cluster.stop()
            finally:
                for node in cluster.nodes.values():
                    node.kill()
                postgresql.drop_database(address)

    def stop(self) -> None:
        """Stop all nodes in good order. None of them may have logged a traceback."""
        for name, node in self.nodes.items():
            if node.process.poll() is None:
                assert node.stop() == 0, node.stderr
            if name in self.faulty:
                continue
            assert not node.log_lines("Traceback"), "\n".join(node.stderr)
            _check_fit(node)


def _check_fit(node: Daemon) -> None:
    """Assert that a node has had no record of another node that does not fit its world."""
    assert not node.log_lines("does not fit"), "\n".join(node.stderr)


class Room:
    """People of different nodes in #lobby."""

    def __init__(self, cluster: Cluster, caps: str = "", **nodes: str) -> None:
        """``nodes`` maps nicks to the names of their nodes, and ``caps`` are the capabilities that all want."""
        self.cluster = cluster
        self._caps = caps
        self.people: dict[str, Client] = {}
        for nick, node in nodes.items():
            self.enter(nick, node)
        self._numbers = count(1)
        self._lost: list[Client] = []
        for nick in nodes:
            self.say(nick)

    def say(self, nick: str) -> str:
        """Have one say something, and all others read it."""
        text = f"text {next(self._numbers)}"
        self.people[nick].send(f"PRIVMSG #lobby :{text}")
        for other, client in self.people.items():
            if other != nick:
                client.expect(f"PRIVMSG #lobby :{text}")
        return text

    def refuses(self, nick: str) -> bool:
        """Have one say what is refused, because the node has lost the others. True if it was."""
        client = self.people[nick]
        client.send("PRIVMSG #lobby :lost")
        is_refused = "NOT_CONNECTED" in client.expect("FAIL")
        client.ask("PING here")
        return is_refused

    def lose(self, nick: str) -> Client:
        """Take one out of the room whose connection is lost."""
        self._lost.append(self.people.pop(nick))
        return self._lost[-1]

    def enter(self, nick: str, node: str) -> Client:
        """Have one come in, on a node."""
        self.people[nick] = client = self.cluster.nodes[node].connect(nick)
        if self._caps:
            client.ask(f"CAP REQ :{self._caps}")
        return client

    def __enter__(self) -> Room:
        return self

    def __exit__(self, *_: object) -> None:
        for client in (*self.people.values(), *self._lost):
            client.sock.close()


def texts_of(lines: list[str]) -> list[str]:
    """The texts that were said in #lobby, in the order in which they were read."""
    return [line.partition("PRIVMSG #lobby :")[2] for line in lines if "PRIVMSG #lobby :" in line]


def history_of(client: Client) -> list[str]:
    """The texts that the history of #lobby has."""
    client.ask("CAP REQ :draft/chathistory message-tags")
    return texts_of(client.ask("CHATHISTORY LATEST #lobby * 100"))


def is_stored_again(client: Client) -> bool:
    """Say something that may be refused. True if it was not."""
    return not any("FAIL" in line for line in client.ask("PRIVMSG #lobby :again"))


def is_back(client: Client) -> bool:
    """True if a line that needs a turn is answered."""
    answered = client.ask("AWAY :for a moment", "AWAY")
    answers = [line for line in answered if verb_of(line) in ("305", "306") or "FAIL AWAY" in line]
    return bool(answers) and verb_of(answers[-1]) == "305"  # others may be those to what was asked before
