"""How a node comes to the world of the others, on a real Redis that may be restarted meanwhile."""

from __future__ import annotations

import pytest
from harness.node_links import NodeLink, Nodes, recover_all
from harness.redis_server import RedisServer

from chatroom.chat.cluster.turn_records import decode_records
from chatroom.server.cluster.cluster_contract import Snapshot
from chatroom.server.cluster.entering import take_world

pytestmark = pytest.mark.debian("redis-server")


class Other:
    """A node that has a world. It acts while the joining one waits."""

    def __init__(self, link: NodeLink) -> None:
        self.link = link
        self.position = 0
        self.restarts = 0
        """How often Redis is restarted first, each time when the request is there."""

    def act(self, redis: RedisServer) -> bool:
        """Answer a request for a snapshot, or have Redis lose it."""
        for entry in self.link.read(self.position, 0):
            self.position = entry.position
            (record,) = decode_records(entry.data)
            if record[0] == "snapshot" and self.restarts:
                self.restarts -= 1
                redis.restart(keeps_data=False)
                self.link.wait_for_nobody()
                recover_all(self.link)
            elif record[0] == "snapshot":
                self.link.put_snapshot(str(record[1]), Snapshot(entry.position, b"the world"))
        return True


@pytest.mark.parametrize("restarts", [0, 1, 2])
def test_a_joining_node_gets_a_world_although_redis_is_restarted(
    mortal_nodes: Nodes, own_redis: RedisServer, restarts: int
) -> None:
    """It takes in what the others have agreed on, and asks again."""
    (a,) = mortal_nodes.enter("a")
    other = Other(a)
    other.restarts = restarts
    c = mortal_nodes.make("c")
    joined = c.enter(is_ready=False)
    a.heartbeat({})
    snapshot = take_world(c, joined, lambda: 0, lambda pause_s: other.act(own_redis))
    assert snapshot is not None and snapshot.data == b"the world"
    c.mark_ready(snapshot.position)
    a.say(b"[]")
    assert c.read_all(snapshot.position) == [b"[]"]
