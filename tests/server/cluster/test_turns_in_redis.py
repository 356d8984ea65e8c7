"""The turn and the stream, on a real Redis: one node after the other, and each entry once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from harness.node_links import NodeLink, Nodes, recover_all
from harness.redis_server import RedisServer

from chatroom.errors import Fenced, RedisUnreachable, StreamTrimmed
from chatroom.server.cluster.cluster_contract import Turn
from chatroom.server.cluster.redis_line import RedisLine
from chatroom.server.cluster.scripts import Script

pytestmark = pytest.mark.debian("redis-server")


class LostAnswers:
    """Redis does what it is told by a script, and the connection breaks before the answer comes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self._run = RedisLine.run

    def lose_next(self) -> None:
        """Lose the answer to the next script."""
        run = self._run

        def fail(line: RedisLine, script: Script, prefix: str, arguments: Any) -> Any:
            self._patch.setattr(RedisLine, "run", run)
            run(line, script, prefix, arguments)
            line.close()
            raise RedisUnreachable("the answer is lost")

        self._patch.setattr(RedisLine, "run", fail)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> LostAnswers:
    """Lets answers of Redis get lost."""
    return LostAnswers(monkeypatch)


def granted(link: NodeLink) -> Turn:
    """The turn that a node was handed before."""
    turn = link.wait_grant(30)
    assert turn is not None
    return turn


def test_turns_go_round_in_the_order_of_the_queue(nodes: Nodes) -> None:
    """Each is handed on when the one before ends, and all read the same entries at positions without gaps."""
    a, b, c = nodes.enter("a", "b", "c")
    turn = a.take_turn()
    assert (b.acquire(), c.acquire()) == (None, None)
    assert a.append(turn, b"one") == 1
    assert a.acquire() is None
    turn = granted(b)
    assert (turn.position, turn.is_broken) == (1, False)
    assert b.append(turn, b"two") == 2
    c.release(granted(c))
    assert a.append(granted(a), b"three") == 3
    for link in (a, b, c):
        entries = link.read(0, 0)
        assert [(one.position, one.home, one.data) for one in entries] == [
            (1, a.home, b"one"),
            (2, b.home, b"two"),
            (3, a.home, b"three"),
        ]
        assert link.read(3, 0) == []
        # A turn without an entry has a number too.
        first = entries[0].turn
        assert [one.turn - first for one in entries] == [0, 1, 3]


def test_a_node_stands_in_the_queue_once(nodes: Nodes) -> None:
    """However often it asks: it is handed one turn."""
    a, b = nodes.enter("a", "b")
    turn = a.take_turn()
    assert [b.acquire() for _ in range(3)] == [None] * 3
    a.release(turn)
    b.release(granted(b))
    a.release(a.take_turn())
    assert b.wait_grant(0.001) is None


def test_who_has_the_turn_gets_the_same_one_again(nodes: Nodes) -> None:
    """So a lost answer loses no turn, and neither does one that comes to a thread that no longer waits."""
    a, b = nodes.enter("a", "b")
    turn = a.take_turn()
    assert a.take_turn() == turn
    assert b.acquire() is None
    a.append(turn, b"one")
    handed = b.take_turn()
    assert (handed.number, handed.position) == (turn.number + 1, 1)
    # It was taken: the note that was left for the node is gone.
    assert b.wait_grant(0.001) is None


def test_a_link_tells_if_the_connection_of_the_turn_has_ended(mortal_nodes: Nodes, own_redis: RedisServer) -> None:
    """Whether the turn was free or was handed over, and from any thread."""
    a, b = mortal_nodes.enter("a", "b")
    assert a.is_cut()
    first = a.take_turn()
    assert b.acquire() is None
    a.release(first)
    second = b.wait_grant(1)
    assert second is not None
    assert not a.is_cut() and not b.is_cut()
    own_redis.stop()
    assert a.is_cut() and b.is_cut()
    own_redis.start()
    with pytest.raises(RedisUnreachable):
        b.acquire()
    recover_all(a, b)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: b.acquire()).result() == second
        assert not b.is_cut()


def test_an_entry_is_appended_once(nodes: Nodes, lost: LostAnswers) -> None:
    """If the answer is lost, the next try finds the entry, also if others have gone on."""
    a, b = nodes.enter("a", "b")
    turn = a.take_turn()
    lost.lose_next()
    with pytest.raises(RedisUnreachable):
        a.append(turn, b"one")
    b.say(b"two")
    assert a.append(turn, b"one") == 1
    assert a.append(turn, b"one") == 1
    assert a.read_all(0) == [b"one", b"two"]


@pytest.mark.parametrize("call", ["acquire", "release", "heartbeat", "remove", "leave", "claim_first"])
def test_every_call_may_be_made_again(nodes: Nodes, lost: LostAnswers, call: str) -> None:
    """If its answer is lost, it has been done, and nothing is done twice."""
    a, b = nodes.enter("a", "b")
    turn = a.take_turn()
    b.acquire()
    nodes.make("c").enter()
    nodes.end_lease("c")
    calls = {
        "acquire": a.acquire,
        "release": lambda: a.release(turn),
        "heartbeat": lambda: a.heartbeat({"version": "1"}),
        "remove": lambda: a.remove("c", b.joined.epoch + 1),
        "leave": b.leave,
        "claim_first": a.claim_first,
    }
    lost.lose_next()
    with pytest.raises(RedisUnreachable):
        calls[call]()
    calls[call]()
    holder = b.home if call == "release" else a.home
    assert nodes.ask("HGET", "state", "holder") == holder
    assert nodes.ask("HGET", "state", "number") == str(turn.number + (call == "release"))


def test_an_entry_of_a_turn_that_is_over_is_refused(nodes: Nodes) -> None:
    """Another one stands in its place, or the turn was ended: then nothing is appended."""
    a, b = nodes.enter("a", "b")
    turn = a.take_turn()
    a.release(turn)
    with pytest.raises(Fenced, match="have gone on without a/"):
        a.append(turn, b"late")
    b.say(b"one")
    with pytest.raises(Fenced):
        a.append(turn, b"late")
    a.release(turn)  # it is over, and that is no error
    assert b.read_all(0) == [b"one"]


def test_a_dead_node_is_not_handed_the_turn(nodes: Nodes) -> None:
    """It is left out if its lease has ended, whether it was removed or not."""
    a, b, c, d = nodes.enter("a", "b", "c", "d")
    turn = a.take_turn()
    for link in (b, c, d):
        link.acquire()
    nodes.end_lease("b")
    nodes.end_lease("c")
    assert a.remove("c", c.joined.epoch)
    a.append(turn, b"one")
    assert granted(d).position == 1
    # It was only slow: it asks again.
    b.heartbeat({})
    assert b.acquire() is None


def test_the_turn_of_a_dead_node_is_broken(nodes: Nodes) -> None:
    """It is handed to the next one, who learns that there may be something to tell; and so does who comes after."""
    a, b, c = nodes.enter("a", "b", "c")
    turn = a.take_turn()
    assert (b.acquire(), c.acquire()) == (None, None)
    nodes.end_lease("a")
    assert b.remove("a", a.joined.epoch)
    handed = granted(b)
    assert handed == Turn(turn.number + 1, 0, True)
    assert b.take_turn() == handed
    # It dies before it has looked.
    nodes.end_lease("b")
    assert c.remove("b", b.joined.epoch)
    handed = granted(c)
    assert handed.is_broken
    c.append(handed, b"one")
    assert not c.take_turn().is_broken
    with pytest.raises(Fenced):
        a.append(turn, b"late")


def test_a_broken_turn_can_be_left_to_the_next_one(nodes: Nodes) -> None:
    """By a node that has no world, and so cannot know what was not told."""
    a, b = nodes.enter("a", "b")
    a.take_turn()
    nodes.end_lease("a")
    assert b.remove("a", a.joined.epoch)
    turn = b.take_turn()
    assert turn.is_broken
    b.append(turn, b"one", mends=False)
    turn = b.take_turn()
    assert turn.is_broken
    b.append(turn, b"two")
    turn = b.take_turn()
    b.append(turn, b"three", mends=False)
    assert not b.take_turn().is_broken


def test_a_turn_that_was_granted_to_a_node_that_died_is_handed_on(nodes: Nodes) -> None:
    """Nobody has taken it, and it ends with its node."""
    a, b, c = nodes.enter("a", "b", "c")
    turn = a.take_turn()
    assert (b.acquire(), c.acquire()) == (None, None)
    a.append(turn, b"one")
    nodes.end_lease("b")
    assert c.remove("b", b.joined.epoch)
    assert granted(c) == Turn(turn.number + 2, 1, True)


def test_a_node_that_leaves_hands_on_its_turn(nodes: Nodes) -> None:
    """As a broken one, since it should have ended it before."""
    a, b = nodes.enter("a", "b")
    a.take_turn()
    assert b.acquire() is None
    a.leave()
    assert granted(b).is_broken
    assert nodes.ask("HGET", "nodes", "a") is None
    a.leave()


def test_a_new_life_of_a_node_has_nothing_of_the_one_before(nodes: Nodes) -> None:
    """Its place in the queue is gone, and its turn is broken."""
    a, b = nodes.enter("a", "b")
    a.take_turn()
    assert b.acquire() is None
    nodes.end_lease("b")
    again = nodes.make("b")
    again.enter()
    nodes.end_lease("a")
    nodes.make("a").enter()
    assert again.wait_grant(0.001) is None
    turn = again.take_turn()
    assert turn.is_broken
    with pytest.raises(Fenced):
        b.acquire()


def test_what_was_trimmed_is_not_skipped(nodes: Nodes) -> None:
    """Who has not read it is told, and does not go on behind the gap."""
    nodes.begin()
    a = nodes.make("a", stream_entries=10)
    a.enter()
    b = nodes.make("b")
    b.enter()
    assert b.read(0, 0) == []
    a.say(*[b"x"] * 300)
    with pytest.raises(StreamTrimmed, match="what follows position 0 is not in the stream any more"):
        b.read(0, 0)
    # The same if all are gone.
    nodes.ask("XTRIM", "stream", "MAXLEN", 0)
    with pytest.raises(StreamTrimmed):
        b.read(0, 0.001)
    assert b.read(300, 0) == []


def test_a_reader_waits_for_the_next_entry(nodes: Nodes) -> None:
    """Up to a time; the entry may be of any size and have any bytes."""
    a, b = nodes.enter("a", "b")
    assert b.read(0, 0.001) == []
    data = bytes(range(256)) * 1000
    a.say(data)
    (entry,) = b.read(0, 30)
    assert entry.data == data
