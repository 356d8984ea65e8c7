"""What an operator is told of a cluster, from a real Redis."""

from __future__ import annotations

import pytest
from harness.node_links import LEASE_S, Nodes

from chatroom.config.clustering import Cluster
from chatroom.config.redis_url import parse_redis_url
from chatroom.errors import RedisUnreachable
from chatroom.server.cluster.cluster_report import ClusterReport, ask_redis, forget_node

pytestmark = pytest.mark.debian("redis-server")


def settings_of(nodes: Nodes) -> Cluster:
    """The settings of a node of that cluster."""
    return Cluster(redis=parse_redis_url(nodes.server.url), node="x", name=nodes.cluster, lease_s=LEASE_S)


def states(report: ClusterReport) -> dict[str, str]:
    """The state of each node, but for the one by which the harness begins a cluster."""
    return {node.name: node.state for node in report.nodes if node.name != "first"}


def test_a_cluster_that_nobody_has_begun(nodes: Nodes) -> None:
    """No node, no turn, and nothing is made by asking."""
    assert ask_redis(settings_of(nodes)) == ClusterReport(0, 0, "", None, 0, ())
    assert forget_node(settings_of(nodes), "a") == "unknown"


def test_nodes_with_their_facts_and_positions(nodes: Nodes) -> None:
    """Each as of its last heartbeat. One without a world is starting."""
    b, a = nodes.enter("b", "a")
    c = nodes.make("c")
    c.enter(is_ready=False)
    a.say(b"one", b"two")
    b.heartbeat({"server": "b.chat.example", "position": 1})
    report = ask_redis(settings_of(nodes))
    assert report.position == 2
    assert states(report) == {"a": "alive", "b": "alive", "c": "starting"}
    found = {node.name: node for node in report.nodes}
    assert found["b"].facts == {"server": "b.chat.example", "position": 1}
    assert (found["b"].position, found["c"].position) == (1, None)
    assert found["b"].epoch == b.joined.epoch


def test_who_has_the_turn_and_who_waits(nodes: Nodes) -> None:
    """With the time since it was given, by Redis's clock; nobody has it between two turns."""
    a, b = nodes.enter("a", "b")
    assert (ask_redis(settings_of(nodes)).holder, ask_redis(settings_of(nodes)).held_s) == ("", None)
    turn = a.take_turn()
    assert b.acquire() is None
    report = ask_redis(settings_of(nodes))
    assert (report.holder, report.turns, report.waiting) == ("a", turn.number, 1)
    assert report.held_s is not None and 0 <= report.held_s < LEASE_S
    a.release(turn)
    report = ask_redis(settings_of(nodes))
    assert (report.holder, report.waiting) == ("b", 0)


def test_a_node_that_is_gone_is_listed_until_it_is_forgotten(nodes: Nodes) -> None:
    """Silent while it is registered and has no lease, then away. A registered one cannot be forgotten."""
    settings, (a, b) = settings_of(nodes), nodes.enter("a", "b")
    nodes.end_lease("b")
    assert states(ask_redis(settings)) == {"a": "alive", "b": "silent"}
    assert forget_node(settings, "b") == "runs"
    assert a.remove("b", b.joined.epoch)
    assert states(ask_redis(settings)) == {"a": "alive", "b": "away"}
    assert forget_node(settings, "b") == "done"
    assert states(ask_redis(settings)) == {"a": "alive"}


def test_whether_redis_removes_keys(nodes: Nodes) -> None:
    """Only if its memory has a limit, and its policy is not to refuse what is written then."""
    found = []
    for limit, policy in (("0", "allkeys-lru"), ("100mb", "noeviction"), ("100mb", "volatile-ttl")):
        nodes.server.ask("CONFIG", "SET", "maxmemory", limit, "maxmemory-policy", policy)
        found.append(ask_redis(settings_of(nodes)).eviction)
    nodes.server.ask("CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction")
    assert found == ["", "", "volatile-ttl"]


def test_a_redis_that_does_not_answer() -> None:
    """One error, which names it."""
    address = parse_redis_url("unix:///nowhere/redis.sock")
    with pytest.raises(RedisUnreachable, match="nowhere"):
        ask_redis(Cluster(redis=address, node="a"))


@pytest.mark.parametrize("facts", ["[" * 100_000, "9" * 5000, '{"clients": NaN, "position": Infinity}', "x"])
def test_what_no_node_has_written(nodes: Nodes, facts: str) -> None:
    """Is as good as nothing: the other nodes are shown."""
    nodes.enter("a", "b")
    nodes.ask("HSET", "facts", "b", facts)
    nodes.ask("HSET", "nodes", "x", "no number")
    nodes.ask("HSET", "state", "position", "no number", "holder", "x/1", "since", "never")
    report = ask_redis(settings_of(nodes))
    assert (report.position, report.holder, report.held_s) == (0, "x", None)
    found = {node.name: node for node in report.nodes}
    assert found["x"].epoch == 0
    assert not any(found["b"].facts.values())


def test_a_name_that_is_not_unicode(nodes: Nodes) -> None:
    """It comes so from a command line, and names no node."""
    nodes.enter("a")
    assert forget_node(settings_of(nodes), "a\udcff") == "unknown"
