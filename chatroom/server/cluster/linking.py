"""Makes the link of a node, and imports Redis's client for it: only a daemon that is a node needs that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.config.clustering import Cluster
from chatroom.errors import ClusterError
from chatroom.server.cluster.cluster_contract import Link

if TYPE_CHECKING:
    from chatroom.server.cluster.redis_line import RedisLine


def make_link(settings: Cluster) -> Link:
    """Return the link of a node, which is not connected yet. Raises ``ClusterError`` if the package is missing."""
    _require_redis()
    from chatroom.server.cluster.redis_link import ClusterLink

    return ClusterLink(settings)


def make_line(settings: Cluster) -> RedisLine:
    """Return a connection for a look at Redis. Raises ``ClusterError`` if the package is missing."""
    _require_redis()
    from chatroom.server.cluster.redis_line import RedisLine

    assert settings.address is not None
    return RedisLine(settings.address, "chatroomctl")


def _require_redis() -> None:
    try:
        import redis  # noqa: F401 - only whether it can be imported
    except ImportError:
        raise ClusterError("a cluster needs a package: pip install 'chatroom[cluster]'") from None
