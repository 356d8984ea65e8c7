"""Links of several nodes to one Redis, without daemons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from harness.daemon import until
from harness.redis_server import RedisServer

from chatroom.config.clustering import Cluster
from chatroom.config.redis_url import parse_redis_url
from chatroom.errors import ClusterError, RedisUnreachable
from chatroom.server.cluster.cluster_contract import Joined, Recovered, Turn
from chatroom.server.cluster.redis_link import STREAM_ENTRIES, ClusterLink

LEASE_S = 60.0
"""So long that a lease ends only if a test ends it."""
Found = TypeVar("Found")


class NodeLink(ClusterLink):
    """The link of a node in a test."""

    def __init__(self, server: RedisServer, name: str, cluster: str, lease_s: float, stream_entries: int) -> None:
        self.turn_floor = 0
        """The highest number of a turn that PostgreSQL would know."""
        self.joined: Joined
        address = parse_redis_url(server.url)
        super().__init__(Cluster(redis=address, node=name, name=cluster, lease_s=lease_s), stream_entries)

    def enter(self, *, is_ready: bool = True) -> Joined:
        """Join, as soon as it is possible, and have a world."""
        joined = until(lambda: self.join(lambda: self.turn_floor), "the node joins")
        assert joined is not None
        self.joined = joined
        if is_ready:
            self.mark_ready(joined.position)
        return joined

    def wait_for_nobody(self) -> None:
        """Have this node wait no longer for nodes that may come to an agreement."""
        self._patience_s = 0.0

    def take_turn(self) -> Turn:
        """Have the turn, which nobody else has."""
        turn = self.acquire()
        assert turn is not None
        return turn

    def say(self, *texts: bytes) -> None:
        """Append each text in a turn of its own."""
        for text in texts:
            self.append(self.take_turn(), text)

    def read_all(self, after: int) -> list[bytes]:
        """Return the data of all entries behind a position."""
        data: list[bytes] = []
        while entries := self.read(after + len(data), 0):
            data += [one.data for one in entries]
        return data

    def step(self) -> Recovered | None:
        """Take a step towards the agreement, with a Redis that is there: only the old connection is lost."""
        return try_again(lambda: self.recover(lambda: self.turn_floor), RedisUnreachable)


class Nodes:
    """The nodes of one cluster."""

    def __init__(self, server: RedisServer, cluster: str) -> None:
        self.server = server
        self.cluster = cluster

    def make(self, name: str, lease_s: float = LEASE_S, stream_entries: int = STREAM_ENTRIES) -> NodeLink:
        """Make a link that has not joined."""
        return NodeLink(self.server, name, self.cluster, lease_s, stream_entries)

    def enter(self, *names: str) -> list[NodeLink]:
        """Have nodes join, one after the other, each with a world, and know each other."""
        self.begin()
        links = [self.make(name) for name in names]
        for link in links:
            link.enter()
        for link in links:
            link.heartbeat({})
        return links

    def begin(self) -> None:
        """Have the first agreement without waiting for nodes that might have a world."""
        if not self.ask("EXISTS", "state"):
            link = self.make("first", lease_s=0.5)
            link.enter(is_ready=False)
            link.leave()

    def ask(self, command: str, key: str, *words: str | int) -> object:
        """Ask Redis about a key of the cluster."""
        return self.server.ask(command, f"{self.cluster}:{key}", *words)

    def end_lease(self, name: str) -> None:
        """Let the lease of a node end, as if it had not renewed it."""
        self.ask("DEL", f"lease:{name}")


def recover_all(*links: NodeLink) -> list[Recovered]:
    """Let nodes agree, as their threads would."""
    found: dict[int, Recovered] = {}

    def step() -> bool:
        for place, link in enumerate(links):
            if place not in found:
                answer = link.step()
                if answer is not None:
                    found[place] = answer
        return len(found) == len(links)

    until(step, "the nodes agree")
    return [found[place] for place in range(len(links))]


def try_again(call: Callable[[], Found], *wanted: type[ClusterError]) -> Found:
    """Call until no expected error is raised, as a thread does while Redis is away."""
    answers: list[Found] = []

    def step() -> bool:
        try:
            answers.append(call())
        except wanted:
            return False
        return True

    until(step, "it works again")
    return answers[0]
