"""Old entries that a node removes from the stream in Redis."""

from __future__ import annotations

import pytest
from harness.node_links import Nodes, recover_all
from harness.redis_server import RedisServer

from chatroom.errors import StreamTrimmed
from chatroom.server.cluster import redis_link

pytestmark = pytest.mark.debian("redis-server")
TEXTS = [b"%d" % number for number in range(1, 301)]


@pytest.mark.parametrize("at_once", [10_000, 7])
def test_old_entries_are_gone(nodes: Nodes, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """Exactly those, whatever Redis keeps together; and what comes is numbered as ever. Nothing is done twice."""
    monkeypatch.setattr(redis_link, "_TRIMMED_AT_ONCE", at_once)
    a, b = nodes.enter("a", "b")
    a.say(*TEXTS)
    for _ in range(2):
        a.trim(290)
        assert nodes.ask("XLEN", "stream") == 10
        assert b.read_all(290) == TEXTS[290:]
    a.trim(300)
    assert nodes.ask("XLEN", "stream") == 0
    b.say(b"next")
    assert b.read_all(300) == a.read_all(300) == [b"next"]


def test_who_is_behind_needs_a_new_world(nodes: Nodes) -> None:
    """As if the stream had been trimmed for its length, also if nothing is left in it."""
    a, b = nodes.enter("a", "b")
    a.say(b"one", b"two", b"three")
    for position in (2, 3):
        a.trim(position)
        with pytest.raises(StreamTrimmed):
            b.read(0, 0)


@pytest.mark.parametrize("keeps_data", [True, False])
@pytest.mark.parametrize("trimmed", [2, 3])
def test_redis_restarts_with_a_trimmed_stream(
    mortal_nodes: Nodes, own_redis: RedisServer, trimmed: int, keeps_data: bool
) -> None:
    """The nodes agree on their positions, with what they remember."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one", b"two", b"three")
    for link in (a, b):
        assert link.read_all(0) == [b"one", b"two", b"three"]
        link.heartbeat({})
    a.trim(trimmed)
    own_redis.restart(keeps_data=keeps_data)
    assert [one.position for one in recover_all(a, b)] == [3, 3]
    b.say(b"four")
    for link in (a, b):
        assert link.read_all(3) == [b"four"]


def test_older_data_of_a_trimmed_stream_is_completed(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """What Redis had removed after that moment is there again, until it is removed anew."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one", b"two")
    copy = own_redis.copy_data()
    b.say(b"three", b"four")
    for link in (a, b):
        assert link.read_all(0) == [b"one", b"two", b"three", b"four"]
    a.trim(4)
    own_redis.stop()
    own_redis.bring_back(copy)
    own_redis.start()
    assert [one.position for one in recover_all(a, b)] == [4, 4]
    a.say(b"five")
    assert b.read_all(4) == [b"five"]
