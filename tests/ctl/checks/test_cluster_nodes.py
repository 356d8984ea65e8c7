"""What ``chatroomctl check`` says of a cluster."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chatroom.ctl.checks import cluster_nodes
from chatroom.ctl.checks.scene import look_around
from chatroom.ctl.invocation import Invocation
from chatroom.errors import RedisUnreachable
from chatroom.server.cluster import cluster_report
from chatroom.server.cluster.cluster_report import ClusterReport, NodeReport

WELL = NodeReport("a", 1, "alive", {"server": "a.example", "position": 5000})


@pytest.fixture
def invocation(tmp_path: Path) -> Invocation:
    """One with a cluster in its settings."""
    file = tmp_path / "chatroom.toml"
    file.write_text(
        '[database]\nurl = "postgresql:///chat?host=/nowhere"\n[cluster]\nnode = "a"\nredis = "redis://localhost:1"\n'
    )
    return Invocation(config_flag=file)


@pytest.mark.parametrize(
    "other, problem, way_out",
    [
        (NodeReport("b", 2, "alive", {"server": "b.example", "position": 4990}), "", ""),
        (NodeReport("b", 2, "starting", {}), "", ""),
        (NodeReport("b", 0, "away", {}), "node b is away", "chatroomctl cluster forget b"),
        (NodeReport("b", 2, "silent", {}), "node b is silent", "start it"),
        (NodeReport("b", 2, "alive", {"server": "b.example", "position": 1}), "4999 entries", "look at its log"),
        (NodeReport("b", 2, "alive", {"server": "a.example", "position": 5000}), "both have", "of its own"),
        (NodeReport("b", 2, "alive", {"lease_s": 6.0}), "", ""),
        (NodeReport("b", 2, "alive", {"lease_s": 9.0}), "cluster.lease_s is 9.0 on node b, and 6.0", "the same"),
    ],
)
def test_a_node_that_is_not_well_is_found(
    invocation: Invocation, monkeypatch: pytest.MonkeyPatch, other: NodeReport, problem: str, way_out: str
) -> None:
    """One that is gone, far behind, has the name of another one's server, or a lease of its own."""
    report = ClusterReport(5000, 7, "", None, 0, (WELL, other))
    monkeypatch.setattr(cluster_report, "ask_redis", lambda settings: report)
    found = list(cluster_nodes.find(look_around(invocation)))
    assert len(found) == bool(problem)
    for finding in found:
        assert problem in finding.problem and way_out in finding.way_out


def test_a_redis_that_removes_keys_is_found(invocation: Invocation, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take leases and the stream."""
    report = ClusterReport(5000, 7, "", None, 0, (WELL,), "allkeys-lru")
    monkeypatch.setattr(cluster_report, "ask_redis", lambda settings: report)
    (finding,) = cluster_nodes.find(look_around(invocation))
    assert "allkeys-lru" in finding.problem and "noeviction" in finding.way_out


def test_a_missing_package_is_found(invocation: Invocation, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    for name in ("cluster_report", "redis_line"):
        monkeypatch.delitem(sys.modules, f"chatroom.server.cluster.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "redis.connection", None)
    (finding,) = cluster_nodes.find(look_around(invocation))
    assert (finding.problem, finding.way_out) == ("a cluster needs a package", "pip install 'chatroom[cluster]'")


def test_a_redis_that_is_away_is_found(invocation: Invocation, monkeypatch: pytest.MonkeyPatch) -> None:
    """One finding, whatever else could be wrong."""

    def fail(settings: object) -> None:
        raise RedisUnreachable("redis://localhost:1: Redis does not answer")

    monkeypatch.setattr(cluster_report, "ask_redis", fail)
    (finding,) = cluster_nodes.find(look_around(invocation))
    assert finding.problem == "redis://localhost:1: Redis does not answer"


def test_without_a_cluster_nothing_is_asked(database: Path) -> None:
    """Redis's client need not be installed then."""
    assert list(cluster_nodes.find(look_around(Invocation(database_flag=database)))) == []
