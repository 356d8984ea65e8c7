"""What becomes of a cluster when a node dies in the middle of a turn, loses Redis alone, or has a wrong clock."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial

import pytest
from harness.cluster import Cluster, Room, history_of, is_back, is_stored_again, texts_of
from harness.daemon import until
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")

_LOSE_REDIS = """
from chatroom.errors import RedisUnreachable
from chatroom.server.cluster.redis_line import RedisLine

def refuse(self, *words, **more):
    raise RedisUnreachable("no way there")

RedisLine.before = RedisLine._ask, RedisLine.connect
RedisLine._ask = RedisLine.connect = refuse
"""
_FIND_REDIS = """
from chatroom.server.cluster.redis_line import RedisLine

RedisLine._ask, RedisLine.connect = RedisLine.before
"""
_THIRTY_SECONDS_BEHIND = """
import time

now_ns = time.time_ns
time.time_ns = lambda: now_ns() - 30_000_000_000
"""


@pytest.fixture
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """No nodes yet."""
    with Cluster.running(postgresql_server, limits__enabled=False) as running:
        yield running


def test_what_was_stored_in_a_broken_turn_is_told(cluster: Cluster) -> None:
    """A node dies between the commit and the stream. The others read the message, once, where the history has it."""
    points = cluster.points("b")
    cluster.start("a", "b", "c")
    with Room(cluster, ann="a", bob="b", cid="c") as room:
        planted = points.plant(cluster.nodes["b"], "after commit", "kill")
        room.people["bob"].send("PRIVMSG #lobby :last words")
        planted.wait()
        room.lose("bob")
        for client in room.people.values():
            client.expect(":b is gone")
        room.say("ann")
        room.say("cid")
        for client in room.people.values():
            assert texts_of(client.lines).count("last words") == 1
        told = history_of(room.people["cid"])
        assert told == history_of(room.people["ann"])
        assert told.index("last words") == len(told) - 3


def test_a_node_that_alone_loses_redis(cluster: Cluster) -> None:
    """It refuses, and the others end its people. When it comes back its world is theirs."""
    code = cluster.injected("b")
    cluster.start("a", "b")
    with Room(cluster, ann="a", bob="b") as room:
        code.run(_LOSE_REDIS)
        assert room.refuses("bob")
        room.people["ann"].expect(":b is gone")
        room.people["ann"].ask("JOIN #meanwhile")
        code.run(_FIND_REDIS)
        assert room.lose("bob").expect_closed()
        bob = room.enter("bob", "b")
        assert " 353 bob = #meanwhile :@ann" in "".join(bob.ask("NAMES #meanwhile"))
        room.say("bob")
        room.say("ann")
        assert "lost" not in texts_of(room.people["ann"].lines)


def test_clocks_that_are_apart(cluster: Cluster) -> None:
    """The order of messages is that of the turns, in the history too."""
    code = cluster.injected("b")
    cluster.start("a", "b")
    with Room(cluster, ann="a", bob="b") as room:
        code.run(_THIRTY_SECONDS_BEHIND)
        said = [room.say(nick) for nick in ("ann", "bob", "bob", "ann", "bob", "ann")]
        for client in room.people.values():
            assert history_of(client)[-len(said) :] == said


def test_while_postgresql_is_away(cluster: Cluster, postgresql_server: PostgresqlServer) -> None:
    """As with a lone daemon: nobody is disconnected, and what cannot be stored is refused and told to nobody."""
    cluster.start("a", "b")
    with Room(cluster, ann="a", bob="b") as room:
        postgresql_server.stop(signal.SIGINT)
        try:
            ann = room.people["ann"]
            ann.send("PRIVMSG #lobby :lost")
            assert "NOT_KEPT" in ann.expect("FAIL")
            ann.send("JOIN #new")
            ann.expect("366")
        finally:
            postgresql_server.start()
        for client in room.people.values():
            until(partial(is_stored_again, client), "messages are stored again")
        room.say("ann")
        room.say("bob")
        for client in room.people.values():
            assert "lost" not in texts_of(client.lines) + history_of(client)


def test_redis_comes_back_with_older_data(cluster: Cluster) -> None:
    """The nodes put back what it has forgotten."""
    cluster.start("a", "b", "c")
    with Room(cluster, ann="a", bob="b", cid="c") as room:
        copy = cluster.redis.copy_data()
        for nick in room.people:
            room.say(nick)
        cluster.redis.stop()
        cluster.redis.bring_back(copy)
        cluster.redis.start()
        until(partial(is_back, room.people["ann"]), "the cluster goes on")
        for nick in room.people:
            room.say(nick)
        for client in room.people.values():
            told = texts_of(client.lines)
            assert len(told) == len(set(told))


@pytest.mark.parametrize(
    "thread",
    ["cluster-turns", "cluster-reader", "cluster-heartbeat", "cluster-snapshots", "cluster-telling", "journal"],
)
def test_a_thread_that_dies_begins_again(cluster: Cluster, thread: str) -> None:
    """Whatever it had in its hands: people go on talking, perhaps after they have connected again."""
    killer = cluster.mortal("a")
    a, _ = cluster.start("a", "b")
    with Room(cluster, bob="b", bea="b") as room:
        with a.open() as dan:
            killer.kill(thread)
            dan.send("NICK dan", "USER d 0 * :d")  # now the journal thread wakes, and dies
            cluster.start("c")  # this wakes all others
            a.expect_log(f"the thread {thread} has died, and was started again")
        room.enter("cid", "c")
        room.enter("ann", "a")
        for nick in room.people:
            room.say(nick)
