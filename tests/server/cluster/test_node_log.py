"""What a node logs of the others."""

from __future__ import annotations

import pytest

from chatroom.config.clustering import Cluster
from chatroom.config.redis_url import parse_redis_url
from chatroom.errors import RedisUnreachable, StorageError
from chatroom.server.cluster.cluster_contract import NodeState
from chatroom.server.cluster.node_log import NodeLog


@pytest.fixture
def lines() -> list[str]:
    """The lines that the log has."""
    return []


@pytest.fixture
def node_log(lines: list[str]) -> NodeLog:
    """The log of node a."""
    address = parse_redis_url("redis://chat:secret@redis.test:6379")
    node_log = NodeLog(Cluster(redis=address, node="a", name="tea", lease_s=6.0))
    node_log.begin(lambda line, level: lines.append(line))
    return node_log


def state(name: str, epoch: int = 1, server: str = "", *, is_alive: bool = True) -> NodeState:
    """A node as a heartbeat tells of it."""
    return NodeState(name, epoch, is_alive, True, {"server": server} if server else {})


def test_the_first_line_names_the_cluster(node_log: NodeLog, lines: list[str]) -> None:
    """And who is in it, without the password of Redis."""
    node_log.hear([state("a"), state("b"), state("c", is_alive=False)], 0.0)
    assert lines == ["node a of the cluster tea at redis://chat@redis.test:6379, with b"]


def test_lines_of_the_start_wait_for_the_log() -> None:
    """The node joins before the daemon logs anything."""
    node_log, lines = NodeLog(Cluster(node="a", name="tea")), list[str]()
    node_log.hear([state("a")], 0.0)
    node_log.begin(lambda line, level: lines.append(line))
    assert lines == ["node a of the cluster tea at None, with no other node yet"]


def test_who_comes_and_goes(node_log: NodeLog, lines: list[str]) -> None:
    """One that has left is told from one that is gone, and a new epoch of a node from the one before."""
    for states in (
        [state("a")],
        [state("a"), state("b"), state("c")],
        [state("a", 2), state("b", 2), state("c", is_alive=False)],
        [state("a", 2), state("b", 2)],
    ):
        node_log.hear(states, 0.0)
    assert lines == [
        "node a of the cluster tea at redis://chat@redis.test:6379, with no other node yet",
        "node b has joined the cluster",
        "node c has joined the cluster",
        "node b has left the cluster",
        "node b has joined the cluster",
        "node c is gone: it has not been heard of for 6 s",
    ]


def test_a_break_is_told_once(node_log: NodeLog, lines: list[str]) -> None:
    """When it begins, with its reason, and when it is over."""
    node_log.hear([state("a")], 0.0)
    lines.clear()
    for mono_s in (1.0, 2.0, 3.0):
        node_log.lose(RedisUnreachable("Redis cannot be reached"), mono_s)
    node_log.hear([state("a")], 8.0)
    assert lines == [
        "not connected to the other nodes: Redis cannot be reached",
        "connected to the other nodes again, after 7 s",
    ]


def test_what_waits_is_told_once(node_log: NodeLog, lines: list[str]) -> None:
    """With the reason; and when it goes on, if it has waited."""
    node_log.go_on("the turn")
    for _ in range(3):
        node_log.wait("the turn", StorageError("the server does not answer"))
    node_log.wait("the return", StorageError("the server is gone"))
    node_log.go_on("the turn")
    assert [line.partition(", after")[0] for line in lines] == [
        "the turn waits: the server does not answer",
        "the return waits: the server is gone",
        "the turn goes on",
    ]


def test_two_servers_of_one_name(node_log: NodeLog, lines: list[str]) -> None:
    """It is told once."""
    for _ in range(2):
        node_log.hear([state("a", server="chat.test"), state("b", server="chat.test"), state("c")], 0.0)
    assert lines[1:] == ["node b has the same server.name as this one, chat.test: give each its own"]


def test_clocks_that_are_far_apart(node_log: NodeLog, lines: list[str]) -> None:
    """Each is told once, when it has been so for some heartbeats. A node that is silent tells no time."""
    for beat, ahead_ms in enumerate((30_000, 30_000, 0, 30_000, 30_000, 30_000, 30_000)):
        wall_ms = 1_800_000_000_000 + 1000 * beat
        states = [
            NodeState("b", 1, True, True, {"wall_ms": wall_ms + ahead_ms}),
            NodeState("c", 1, True, True, {"wall_ms": wall_ms - 6000}),
            NodeState("d", 1, False, True, {"wall_ms": wall_ms - 60_000}),
        ]
        node_log.hear(states, 0.0, wall_ms)
    text = "the clock of node b is 30 s ahead of this one's: so are the times of what is said there"
    assert lines[1:] == [text]
