"""Redis does what a node tells it, and the connection breaks before the answer: nothing is done twice, nothing lost."""

from __future__ import annotations

from functools import partial

import pytest
from harness.cluster import Cluster, Room, is_back, texts_of
from harness.daemon import until
from harness.postgresql_server import PostgresqlServer
from harness.redis_proxy import RedisProxy

from chatroom.server.cluster import scripts
from chatroom.server.cluster.scripts import Script

pytestmark = pytest.mark.debian("postgres", "redis-server")

_OF_START = (scripts.JOIN, scripts.ACQUIRE, scripts.APPEND, scripts.MARK_READY, scripts.HEARTBEAT, "snapshot:", "XREAD")
_OF_TALK = (scripts.ACQUIRE, scripts.APPEND, scripts.RELEASE, scripts.HEARTBEAT, "XREAD", "BLPOP", "HMGET")
# Only the founder has the last one, and a Redis that is new does not know it yet: it is sent as a text.
_OF_AGREEMENT = (scripts.CALL_ROLL, scripts.RESUME, "-- Write what the nodes agree on")


def words_of(commands: tuple[Script | str, ...]) -> list[str]:
    """What tells the commands on the way to Redis."""
    return [one.digest if isinstance(one, Script) else one for one in commands]


def load_scripts(cluster: Cluster) -> None:
    """Have Redis know all scripts, so that no answer says that it does not."""
    for one in vars(scripts).values():
        if isinstance(one, Script):
            cluster.redis.ask("SCRIPT", "LOAD", one.text)


def test_each_answer_of_redis_may_get_lost(postgresql_server: PostgresqlServer) -> None:
    """Those of a start, of talk, of an agreement, of a node that is gone, and of the end."""
    with (
        Cluster.running(postgresql_server, "b", limits__enabled=False) as cluster,
        RedisProxy.running(cluster.redis.path, cluster.redis.directory / "proxy") as proxy,
    ):
        cluster.places["a"] = cluster.place("a", **{"cluster.redis": f"unix://{proxy.path}"})
        load_scripts(cluster)
        proxy.lose_answers(*words_of(_OF_START))
        cluster.start("a")
        with Room(cluster, ann="a", bob="b", bea="b") as room:
            until(lambda: not proxy.left, "the answers of the start are lost")
            proxy.lose_answers(*words_of(_OF_TALK))
            while proxy.left:
                for client in room.people.values():  # a turn in which nothing happens, and then many want it
                    client.ask("KICK #nowhere nobody")
                for client in room.people.values():
                    client.send(*["AWAY :for a moment", "AWAY"] * 5)
                for nick in room.people:
                    room.say(nick)
            proxy.lose_answers(*words_of(_OF_AGREEMENT))
            cluster.redis.restart(keeps_data=False)
            until(lambda: not proxy.left, "the answers of the agreement are lost")
            for client in room.people.values():
                until(partial(is_back, client), "the cluster goes on")
            load_scripts(cluster)
            proxy.lose_answers("snapshot:")  # a writes it
            cluster.start("c")
            assert not proxy.left
            for nick in room.people:
                room.say(nick)
            told = [texts_of(client.lines) for client in room.people.values()]
            assert all(len(texts) == len(set(texts)) for texts in told)
            assert cluster.nodes["b"].stop() == 0
            room.lose("bob"), room.lose("bea")
            proxy.lose_answers(scripts.REMOVE.digest)
            cluster.nodes["c"].kill()
            until(lambda: cluster.redis.ask("HKEYS", "chatroom:nodes") == ["a"], "the node is known to be gone")
            assert not proxy.left
            room.say("ann")
            proxy.lose_answers(scripts.LEAVE.digest)
            assert cluster.nodes["a"].stop() == 0
            assert not proxy.left
            assert cluster.redis.ask("HKEYS", "chatroom:nodes") == []
