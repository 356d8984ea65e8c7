"""What a node logs of the others."""

from __future__ import annotations

import pytest

from chatroom.config.clustering import Cluster
from chatroom.config.redis_url import parse_redis_url
from chatroom.errors import RedisUnreachable
from chatroom.server.cluster.cluster_contract import NodeState
from chatroom.server.cluster.node_log import NodeLog


@pytest.fixture
def node_log(caplog: pytest.LogCaptureFixture) -> NodeLog:
    """The log of node a."""
    caplog.set_level("INFO")
    address = parse_redis_url("redis://chat:secret@redis.test:6379")
    return NodeLog(Cluster(redis=address, node="a", name="tea", lease_s=6.0))


def state(name: str, epoch: int = 1, server: str = "", *, is_alive: bool = True) -> NodeState:
    """A node as a heartbeat tells of it."""
    return NodeState(name, epoch, is_alive, True, {"server": server} if server else {})


def test_the_first_line_names_the_cluster(node_log: NodeLog, caplog: pytest.LogCaptureFixture) -> None:
    """And who is in it, without the password of Redis."""
    node_log.hear([state("a"), state("b"), state("c", is_alive=False)], 0.0)
    assert caplog.messages == ["node a of the cluster tea at redis://chat@redis.test:6379, with b"]


def test_who_comes_and_goes(node_log: NodeLog, caplog: pytest.LogCaptureFixture) -> None:
    """One that has left is told from one that is gone, and a new life of a node from the one before."""
    for states in (
        [state("a")],
        [state("a"), state("b"), state("c")],
        [state("a", 2), state("b", 2), state("c", is_alive=False)],
        [state("a", 2), state("b", 2)],
    ):
        node_log.hear(states, 0.0)
    assert caplog.messages == [
        "node a of the cluster tea at redis://chat@redis.test:6379, with no other node yet",
        "node b has joined the cluster",
        "node c has joined the cluster",
        "node b has left the cluster",
        "node b has joined the cluster",
        "node c is gone: it has not been heard of for 6 s",
    ]


def test_a_break_is_told_once(node_log: NodeLog, caplog: pytest.LogCaptureFixture) -> None:
    """When it begins, with its reason, and when it is over."""
    node_log.hear([state("a")], 0.0)
    caplog.clear()
    for mono_s in (1.0, 2.0, 3.0):
        node_log.lose(RedisUnreachable("Redis cannot be reached"), mono_s)
    node_log.hear([state("a")], 8.0)
    assert caplog.messages == [
        "not connected to the other nodes: Redis cannot be reached",
        "connected to the other nodes again, after 7 s",
    ]


def test_two_servers_of_one_name(node_log: NodeLog, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once."""
    for _ in range(2):
        node_log.hear([state("a", server="chat.test"), state("b", server="chat.test"), state("c")], 0.0)
    assert caplog.messages[1:] == ["node b has the same server.name as this one, chat.test: give each its own"]
