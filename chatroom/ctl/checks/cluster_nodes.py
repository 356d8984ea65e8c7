"""The nodes of a cluster, and the Redis that they share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chatroom.ctl.checks.scene import Scene
from chatroom.errors import RedisUnreachable
from chatroom.findings import Finding

if TYPE_CHECKING:
    from chatroom.server.cluster.cluster_report import ClusterReport

_LAG = 1000
"""How many entries a node may have still to apply: more than a busy second has."""


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with other nodes, or with Redis. Nothing without a cluster."""
    settings = scene.settings.cluster
    if settings.redis is None:
        return
    try:
        from chatroom.server.cluster.cluster_report import ask_redis  # here, because it needs Redis's client
    except RedisUnreachable as error:
        problem, _, way_out = str(error).partition(": ")
        yield Finding(problem, way_out)
        return
    try:
        report = ask_redis(settings)
    except RedisUnreachable as error:
        yield Finding(str(error), "mend that first: until then nobody can say anything")
        return
    if report.eviction:
        yield Finding(
            f"Redis removes keys when its memory is full (maxmemory-policy {report.eviction}), which stops the cluster",
            "set maxmemory-policy noeviction in redis.conf",
        )
    yield from _find_troubles(report)
    yield from _find_differences(report, settings.lease_s)


def _find_troubles(report: ClusterReport) -> Iterator[Finding]:
    for node in report.nodes:
        if node.state in ("silent", "away"):
            problem = f"node {node.name} is {node.state}"
            yield Finding(problem, f'start it, or take it out with "chatroomctl cluster forget {node.name}"')
        elif node.position is not None and report.position - node.position > _LAG:
            yield Finding(
                f"node {node.name} is {report.position - node.position} entries of the stream behind",
                "look at its log and its machine's load",
            )


def _find_differences(report: ClusterReport, lease_s: float) -> Iterator[Finding]:
    """Yield what two nodes have in common and should not, or the other way round."""
    servers: dict[object, str] = {}
    for node in report.nodes:
        name, its_lease_s = node.facts.get("server"), node.facts.get("lease_s", lease_s)
        if name is not None and name in servers:
            yield Finding(
                f"nodes {servers[name]} and {node.name} both have the server.name {name}", "give each a name of its own"
            )
        servers.setdefault(name, node.name)
        if its_lease_s != lease_s:
            yield Finding(
                f"cluster.lease_s is {its_lease_s} on node {node.name}, and {lease_s} in this configuration",
                "set it to the same on all nodes, and restart those that you change",
            )
