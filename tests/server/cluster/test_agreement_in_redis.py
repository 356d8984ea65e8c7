"""What the nodes agree on when a real Redis was killed and comes back: with its data, without, or with older data."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from harness.node_links import NodeLink, Nodes, recover_all, try_again
from harness.redis_server import RedisServer

from chatroom.errors import Fenced, RedisUnreachable, StreamLost, StreamTrimmed
from chatroom.server.cluster.cluster_contract import Turn
from chatroom.server.cluster.contact import Contact
from chatroom.server.cluster.redis_line import RedisLine
from chatroom.server.cluster.scripts import FOUND

pytestmark = pytest.mark.debian("redis-server")
AWAY = (RedisUnreachable, StreamLost)


def have_read(texts: list[bytes], *links: NodeLink) -> None:
    """Have each node read everything, which are these texts."""
    for link in links:
        assert link.read_all(0) == texts


@pytest.mark.parametrize("keeps_data", [True, False])
def test_a_restart_costs_no_entry(mortal_nodes: Nodes, own_redis: RedisServer, keeps_data: bool) -> None:
    """All go on at their positions, also one that has not read everything, and turns have higher numbers."""
    a, b, c = mortal_nodes.enter("a", "b", "c")
    a.say(b"one", b"two", b"three")
    have_read([b"one", b"two", b"three"], a, b)
    first = c.read(0, 0)[0]
    for link in (a, b):
        link.heartbeat({})
    own_redis.restart(keeps_data=keeps_data)
    with pytest.raises(RedisUnreachable):
        a.acquire()
    with pytest.raises(StreamLost, match="Redis was restarted or emptied"):
        a.acquire()
    for recovered in recover_all(a, b, c):
        assert (recovered.position, recovered.turn) == (3, 0)
    turn = b.take_turn()
    assert turn.number > first.turn + 3
    # Whoever had the turn before may have died with Redis.
    assert turn.is_broken
    b.append(turn, b"four")
    for link in (a, b, c):
        assert link.read_all(3) == [b"four"]
    assert [one.is_alive for one in a.heartbeat({})] == [True] * 3


def test_who_lags_behind_reads_what_redis_had_lost(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """The founder writes all entries behind the lowest position of those that are there."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(*[b"%d" % number for number in range(1, 10)])
    a.read_all(0)
    assert len(b.read(0, 0)) == 9
    c = mortal_nodes.make("c")
    c.enter()
    a.say(b"10")
    a.read_all(9)
    own_redis.restart(keeps_data=False)
    assert [one.position for one in recover_all(a, b, c)] == [10] * 3
    assert (b.read_all(9), c.read_all(9)) == ([b"10"], [b"10"])
    assert mortal_nodes.ask("XLEN", "stream") == 1


def test_what_only_its_node_knows_is_not_lost(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """An entry that was appended, whose node has told its own people of it, and that nobody has read."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one")
    own_redis.restart(keeps_data=False)
    assert [one.position for one in recover_all(b, a)] == [1, 1]
    have_read([b"one"], a, b)


def test_older_data_is_completed(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """What Redis has is kept, and what it has lost since is added."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one", b"two")
    copy = own_redis.copy_data()
    b.say(b"three", b"four")
    have_read([b"one", b"two", b"three", b"four"], a, b)
    own_redis.stop()
    own_redis.bring_back(copy)
    own_redis.start()
    assert [one.position for one in recover_all(a, b)] == [4, 4]
    have_read([b"one", b"two", b"three", b"four"], a, b)
    a.say(b"five")
    assert b.read_all(4) == [b"five"]


def test_what_only_redis_has_is_kept(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """An entry that no node has read yet: the turn of its node was over."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one", b"two")
    assert len(b.read(0, 0)) == 2
    a.say(b"three")
    own_redis.restart()
    assert [one.position for one in recover_all(a, b)] == [3, 3]
    assert b.read_all(2) == [b"three"]


def test_a_turn_goes_on(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """Its node has it still, and appends its entry; nobody else is given it meanwhile."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one")
    have_read([b"one"], a, b)
    turn = a.take_turn()
    assert b.acquire() is None
    for keeps_data in (True, False):
        own_redis.restart(keeps_data=keeps_data)
        found = recover_all(a, b)
        assert [(one.position, one.turn) for one in found] == [(1, turn.number), (1, 0)]
        assert a.take_turn() == turn
        assert b.acquire() is None
    assert a.append(turn, b"two") == 2
    assert b.wait_grant(30) == Turn(turn.number + 1, 2, False)


def test_a_turn_that_was_not_taken_is_over(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """Redis has kept the note for the node, which has made no claim. Others have turns meanwhile."""
    a, b = mortal_nodes.enter("a", "b")
    turn = a.take_turn()
    assert b.acquire() is None
    a.release(turn)
    own_redis.restart()
    recover_all(a, b)
    turn = a.take_turn()
    assert turn.is_broken
    assert b.wait_grant(0.001) is None


def test_a_turn_that_waits_for_an_entry_that_is_lost_is_over(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """It would begin with a world that nobody has. The node asks for another one."""
    a, b, c = mortal_nodes.enter("a", "b", "c")
    copy = own_redis.copy_data()
    c.say(b"lost")
    turn = a.take_turn()
    assert turn.position == 1
    own_redis.stop()
    own_redis.bring_back(copy)
    own_redis.start()
    # c, which knows it, does not come.
    a.wait_for_nobody()
    assert [(one.position, one.turn) for one in recover_all(a, b)] == [(0, 0), (0, 0)]
    again = a.take_turn()
    assert again.position == 0 and again.is_broken and again.number > turn.number
    with pytest.raises(Fenced):
        b.append(turn, b"late")


@pytest.mark.parametrize("keeps_data", [True, False])
@pytest.mark.parametrize("arrived", [True, False])
def test_an_entry_under_way_is_appended_once(
    mortal_nodes: Nodes, own_redis: RedisServer, keeps_data: bool, arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis dies before it has it, or before it can say so. Its node founds, as nobody has more, and appends again."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one")
    have_read([b"one"], a, b)
    turn = a.take_turn()
    run = RedisLine.run

    def die(line: RedisLine, *rest: object) -> None:
        monkeypatch.setattr(RedisLine, "run", run)
        if arrived:
            run(line, *rest)  # type: ignore[arg-type]
        own_redis.stop()
        raise RedisUnreachable("died")

    monkeypatch.setattr(RedisLine, "run", die)
    with pytest.raises(RedisUnreachable):
        a.append(turn, b"two")
    if not keeps_data:
        own_redis.forget_data()
    own_redis.start()
    assert [one.position for one in recover_all(b, a)] == [2, 2]
    assert a.append(turn, b"two") == 2
    b.say(b"three")
    assert a.read_all(1) == b.read_all(1) == [b"two", b"three"]


def test_redis_is_emptied_while_it_runs(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """The connections live, and all the same nothing goes on until the nodes have agreed. Twice in one run of Redis."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one")
    have_read([b"one"], a, b)
    for position in (1, 2):
        own_redis.ask("FLUSHALL")
        with pytest.raises(StreamLost):
            b.read(position, 0)
        with pytest.raises(StreamLost):
            b.heartbeat({})
        recover_all(a, b)
        a.say(b"more")
        assert b.read_all(position) == a.read_all(position) == [b"more"]


def test_nobody_is_declared_gone_wrongly(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """All leases have ended while Redis was away. Each is given its length anew, and contact has to be unbroken."""
    a, b, c = mortal_nodes.enter("a", "b", "c")
    contact = Contact("a", 60)
    for at_s in range(100, 200):
        contact.hear(at_s, a.heartbeat({}))
    b.heartbeat({})
    for name in "abc":
        mortal_nodes.end_lease(name)
    own_redis.restart()
    contact.lose()
    # c does not come back.
    a.wait_for_nobody()
    recover_all(a, b)
    states = a.heartbeat({})
    assert [(one.name, one.is_alive) for one in states] == [("a", True), ("b", True), ("c", True)]
    mortal_nodes.end_lease("c")
    for at_s in range(200, 260):
        contact.hear(at_s, a.heartbeat({}))
        assert contact.find_gone() == []
    contact.hear(260, a.heartbeat({}))
    assert contact.find_gone() == [("c", c.joined.epoch)]
    assert a.remove(*contact.find_gone()[0])


def test_who_comes_late_goes_on_with_a_part_of_it(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """It is registered still, since the others know it, and what it has read is a part of what they have."""
    a, b, c = mortal_nodes.enter("a", "b", "c")
    a.say(b"one", b"two")
    have_read([b"one", b"two"], a, b)
    assert len(c.read(0, 0)) == 2
    own_redis.restart(keeps_data=False)
    a.wait_for_nobody()
    recover_all(a, b)
    a.say(b"three")
    assert recover_all(c)[0].position == 3
    assert c.read_all(2) == [b"three"]


def test_who_comes_late_with_more_is_fenced(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """It has read what the others know nothing of, and they have gone on. It joins anew."""
    a, b, c = mortal_nodes.enter("a", "b", "c")
    a.say(b"one")
    have_read([b"one"], a, b, c)
    copy = own_redis.copy_data()
    c.say(b"lost")
    have_read([b"one", b"lost"], c)
    turn = c.take_turn()
    own_redis.stop()
    own_redis.bring_back(copy)
    own_redis.start()
    a.wait_for_nobody()
    assert [one.position for one in recover_all(a, b)] == [1, 1]
    a.say(b"two", b"three")
    calls: list[Callable[[], object]] = [lambda: c.read(2, 0), lambda: c.append(turn, b"late")]
    for call in calls:
        with pytest.raises(AWAY):
            try_again(call, RedisUnreachable)
    with pytest.raises(Fenced):
        c.recover(lambda: 0)
    assert "c" not in [one.name for one in a.heartbeat({})]
    for call in [*calls, lambda: c.heartbeat({}), lambda: c.wait_grant(0.001)]:
        with pytest.raises(Fenced):
            call()
    assert c.enter().position == 3
    have_read([b"one", b"two", b"three"], a, b, c)


def test_a_node_that_is_not_there_is_waited_for(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """As long as it may be alive, up to half of a lease: here for longer than the test takes."""
    a, b = mortal_nodes.enter("a", "b")
    for link in (a, b):
        link.heartbeat({})
    own_redis.restart()
    a.step()
    for _ in range(3):
        assert a.step() is None
    recover_all(b, a)


def test_a_founder_that_stands_still_is_not_waited_for(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """Its claim ends. What it wanted to write is not taken, and it goes on with what the others have."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one")
    have_read([b"one"], a, b)
    own_redis.restart()
    a.step()
    b.wait_for_nobody()
    assert recover_all(b)[0].position == 1
    b.say(b"two")
    assert recover_all(a)[0].position == 2
    have_read([b"one", b"two"], a, b)


@pytest.mark.parametrize("is_quicker", [True, False])
def test_a_plan_is_refused_if_it_comes_too_late(
    mortal_nodes: Nodes, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch, is_quicker: bool
) -> None:
    """Between the founder's look at the claims and its writing somebody has come who has read more, or has founded."""
    a, b, c = mortal_nodes.enter("a", "b", "c")
    a.say(b"one")
    have_read([b"one"], a)
    c.say(b"two")
    have_read([b"one", b"two"], b)
    own_redis.restart(keeps_data=False)
    run = RedisLine.run

    def come_before(line: RedisLine, script: object, *rest: object) -> object:
        if script is FOUND:
            monkeypatch.setattr(RedisLine, "run", run)
            if is_quicker:
                b.wait_for_nobody()
            assert (b.step() is not None) is is_quicker
        return run(line, script, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(RedisLine, "run", come_before)
    # c does not come: a does not wait for it, and b does.
    a.wait_for_nobody()
    assert (a.step() is not None) is is_quicker
    b.wait_for_nobody()
    recover_all(b, a)
    assert a.read_all(1) == [b"two"]
    assert len(json.loads(str(mortal_nodes.ask("HGET", "state", "lineage")))) == 2
    assert recover_all(c)[0].position == 2


def test_a_joining_node_does_not_make_a_world_if_others_have_one(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """It waits for half of a lease, as it cannot know who will come; they are there before that."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one")
    have_read([b"one"], a, b)
    own_redis.restart(keeps_data=False)
    c = mortal_nodes.make("c")
    assert try_again(lambda: c.join(lambda: 0), RedisUnreachable) is None
    recover_all(a, b)
    assert (c.enter().position, c.joined.is_first) == (1, False)
    assert c.joined.epoch > b.joined.epoch


def test_without_any_world_the_stream_begins_anew(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """All nodes and Redis were stopped. What Redis has kept of the nodes is nobody's."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(b"one")
    a.take_turn()
    own_redis.restart()
    c = mortal_nodes.make("c", lease_s=0.5)
    c.turn_floor = 5_000_000
    assert (c.enter().is_first, c.joined.position) == (True, 1)
    assert c.joined.epoch > b.joined.epoch
    assert [one.name for one in c.heartbeat({})] == ["c"]
    turn = c.take_turn()
    assert turn.number > 5_000_000 and not turn.is_broken
    c.append(turn, b"two")
    assert c.read_all(1) == [b"two"]
    with pytest.raises(Fenced):
        a.step()


def test_numbers_of_turns_go_on_behind_those_of_postgresql(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """Otherwise the first turn would be fenced there. What the founder cannot ask, the next step asks again."""
    (a,) = mortal_nodes.enter("a")
    own_redis.restart(keeps_data=False)

    def fail() -> int:
        raise OSError("PostgreSQL is away")

    with pytest.raises(OSError, match="PostgreSQL is away"):
        try_again(lambda: a.recover(fail), RedisUnreachable)
    a.turn_floor = 7_000_000_000
    recover_all(a)
    assert a.take_turn().number > 7_000_000_000


def test_a_ring_that_is_too_short_is_told_by_the_stream(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """The founder cannot give back what it has forgotten, and who needs it needs a new world."""
    a, b = mortal_nodes.enter("a", "b")
    a.say(*[bytes(5_000_000)] * 3)
    a.read_all(0)
    own_redis.restart(keeps_data=False)
    a.wait_for_nobody()
    recover_all(a)
    # It has the last one only, and b had read none.
    assert recover_all(b)[0].position == 3
    with pytest.raises(StreamTrimmed):
        b.read(0, 0.001)
