"""A cluster as processes: PostgreSQL, Redis, and nodes on free ports."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.daemon import Daemon, Place
from harness.postgresql_server import PostgresqlServer
from harness.redis_server import RedisServer

from chatroom.database_address import ServerAddress

LEASE_S = 1.5
"""The leases of the tests' nodes: short, so that nobody waits long for the end of one that was killed."""


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
        self._starts = 0

    def place(self, name: str) -> NodePlace:
        """Make a place for a start of a node."""
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
        }
        return NodePlace(root, runtime, settings)

    def start(self, *names: str) -> list[Daemon]:
        """Start nodes, one after the other."""
        for name in names:
            self.nodes[name] = Daemon(self.place(name))
        return [self.nodes[name] for name in names]

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
        for node in self.nodes.values():
            if node.process.poll() is None:
                assert node.stop() == 0, node.stderr
            assert not node.log_lines("Traceback"), "\n".join(node.stderr)
            assert not node.log_lines("does not fit"), "\n".join(node.stderr)
