"""Answers of Redis that are lost with Redis itself."""

from __future__ import annotations

import pytest
from harness.node_links import NodeLink, Nodes, recover_all
from harness.redis_server import RedisServer

from chatroom.errors import RedisUnreachable
from chatroom.server.cluster.cluster_contract import Turn
from chatroom.server.cluster.redis_link import STREAM_ENTRIES
from chatroom.server.cluster.scripts import APPEND

pytestmark = pytest.mark.debian("redis-server")


@pytest.mark.parametrize("keeps_data", [True, False])
@pytest.mark.parametrize("is_read", [True, False])
def test_an_append_whose_answer_was_lost_with_redis(
    mortal_nodes: Nodes, own_redis: RedisServer, keeps_data: bool, is_read: bool
) -> None:
    """The others have read the entry, so it was done: its node is not fenced for having not heard of it."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one")
    assert a.read_all(0) == b.read_all(0) == [b"one"]
    turn = a.take_turn()
    lose_answer(a, turn, b"two")
    assert b.read_all(1) == [b"two"]
    if is_read:
        assert a.read_all(1) == [b"two"]
    own_redis.restart(keeps_data=keeps_data)
    assert [one.position for one in recover_all(a, b)] == [2, 2]
    assert a.append(turn, b"two") == 2
    b.say(b"three")
    assert b.read_all(2) == [b"three"]
    assert a.read_all(2) == [b"three"]


def test_a_node_that_has_read_its_entry_knows_that_it_was_appended(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """So its turn is over while Redis is still away. If it has not read it, nobody knows."""
    a, b = mortal_nodes.enter("a", "b")
    turn = a.take_turn()
    lose_answer(a, turn, b"one")
    assert b.read_all(0) == [b"one"]
    own_redis.stop()
    with pytest.raises(RedisUnreachable):
        a.append(turn, b"one")
    own_redis.start()
    recover_all(a, b)
    assert a.read_all(0) == [b"one"]
    own_redis.stop()
    assert a.append(turn, b"one") == 1
    own_redis.start()
    recover_all(a, b)
    b.say(b"two")
    assert a.read_all(1) == [b"two"]


def lose_answer(link: NodeLink, turn: Turn, data: bytes) -> None:
    """Append an entry, without hearing that it was done."""
    link._memory.end_turn(turn, data)
    link._ask(APPEND, turn.number, turn.position + 1, data, STREAM_ENTRIES, 1)
