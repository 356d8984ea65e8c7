"""The nodes of a cluster, and the Redis that they share."""

from __future__ import annotations

from collections.abc import Iterator

from chatroom.ctl.checks.scene import Scene
from chatroom.errors import RedisUnreachable
from chatroom.findings import Finding

_LAG = 1000
"""How many entries a node may have still to apply: more than a busy second has."""


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with other nodes, or with Redis. Nothing without a cluster."""
    settings = scene.settings.cluster
    if settings.redis is None:
        return
    from chatroom.server.cluster.cluster_report import ask_redis  # here, because it needs Redis's client

    try:
        report = ask_redis(settings)
    except RedisUnreachable as error:
        yield Finding(str(error), "mend that first: until then nobody can say anything")
        return
    servers: dict[object, str] = {}
    for node in report.nodes:
        if node.state in ("silent", "away"):
            problem = f"node {node.name} is {node.state}"
            yield Finding(problem, f'start it, or take it out with "chatroomctl cluster forget {node.name}"')
        elif node.position is not None and report.position - node.position > _LAG:
            yield Finding(
                f"node {node.name} is {report.position - node.position} entries of the stream behind",
                "look at its log and its machine's load",
            )
        name = node.facts.get("server")
        if name is not None and name in servers:
            yield Finding(
                f"nodes {servers[name]} and {node.name} both have the server.name {name}", "give each a name of its own"
            )
        servers.setdefault(name, node.name)
