"""The section of the settings about running one chat on several daemons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from chatroom.config.redis_url import RedisAddress, RedisUrl
from chatroom.settings.keys import setting
from chatroom.settings.kinds import FilePath, Number, Text

_NODE = r"|[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Several daemons (nodes) run one chat, with a database on a PostgreSQL server and a Redis that they share.

    All nodes have the same ``database.url``, ``cluster.redis`` and ``cluster.name``, and each its own ``cluster.node``.
    It needs the package chatroom[cluster]. Without ``cluster.redis`` this daemon is alone.
    """

    redis: RedisAddress | None = setting(
        None,
        RedisUrl(),
        "The Redis (7 or newer) or Valkey server that the nodes share: redis://HOST:PORT/DB, rediss:// for TLS, or "
        "unix:///PATH. Leave the password out of it: it comes from password_file. Empty: no cluster.",
        applies="restart",
    )
    node: str = setting(
        "",
        Text("letters, digits and -, such as a or chat-2", _NODE, 32),
        "The name of this node, which no other node of the cluster has. WHOIS, LINKS and chatroomctl show it.",
        applies="restart",
    )
    name: str = setting(
        "chatroom",
        Text("letters, digits, . _ and -", r"[A-Za-z0-9._-]+", 64),
        "The name of the cluster: its keys in Redis begin with it. Clusters that share a Redis need different names.",
        applies="restart",
    )
    password_file: Path | None = setting(
        None,
        FilePath("the path of a file, or nothing", is_optional=True),
        "A file whose first line is the password of Redis. Only the daemon's user may read it. It is read for each "
        "connection, so a new password needs no restart.",
        applies="restart",
    )
    lease_s: float = setting(
        6.0,
        Number(0.5, 60),
        "After how many seconds without a sign of life the other nodes take a node for gone, and its users leave. The "
        "same for all nodes.",
        applies="restart",
    )

    @property
    def address(self) -> RedisAddress | None:
        """Where Redis is; None if this daemon is alone."""
        return None if self.redis is None else replace(self.redis, password_file=self.password_file)

    def find_fault(self) -> str:
        """Return why the values do not fit together; empty if they do."""
        if self.redis is None and self.password_file is not None:
            return "cluster.password_file is set, and cluster.redis is not"
        if self.redis is None and self.node:
            return "cluster.node is set, and cluster.redis is not: set both or none"
        if self.redis is not None and not self.node:
            return "cluster.redis needs cluster.node: the name of this node, such as a"
        if self.redis is not None and self.redis.password is not None and self.password_file is not None:
            return "cluster.redis has a password, and cluster.password_file names another one: remove one of them"
        return ""
