"""How far a node says that it has told its people: never further than it has."""

from __future__ import annotations

from unittest.mock import create_autospec

import pytest
from harness.node_stage import NodeStage, StagedNode

from chatroom.chat.cluster.told import Told, told_from_text
from chatroom.server.cluster.redis_link import ClusterLink
from chatroom.server.cluster.told_mark import MOST_BEHIND, ToldMark
from chatroom.server.cluster.told_thread import TellingThread


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> NodeStage:
    """Two nodes without users."""
    return NodeStage(monkeypatch)


def make_mark(threads: int, seq: int = 10) -> ToldMark:
    """A mark of a node whose I/O threads have written everything up to ``seq``."""
    mark = ToldMark()
    mark.begin("a/1", seq)
    mark.end_tick(Told(seq), 0, [False] * threads)
    mark.note_written(0, (), has_told=False)
    return mark


def last_said(node: StagedNode) -> int:
    """The message id of the last entry that a node has stored."""
    return node.journal.kept[-1].message_id


# -- the threads -----------------------------------------------------------------------------------


def test_nothing_is_told_before_it_is_written() -> None:
    """Not when the tick ends, and not by another thread that has written its part."""
    mark = make_mark(2)
    mark.end_tick(Told(20), 0, [True, True])
    assert mark.read() == ("a/1", Told(10))
    mark.note_written(0, (), has_told=True)
    assert mark.read()[1] == Told(10)
    mark.end_tick(Told(20), 1, [False, True])
    mark.note_written(1, (), has_told=True)
    assert mark.read()[1] == Told(20) and mark.is_written()


def test_a_thread_that_writes_counts_with_what_it_took() -> None:
    """What other ticks hand out meanwhile, even if it is not for this thread, comes behind that."""
    mark = make_mark(2)
    mark.end_tick(Told(20), 0, [True, False])
    mark.end_tick(Told(30), 1, [False, True])
    mark.note_written(1, (), has_told=True)
    assert mark.read()[1] == Told(10) and not mark.is_written()
    mark.note_written(0, (), has_told=True)
    assert mark.read()[1] == Told(20)
    mark.end_tick(Told(30), 1, [False, False])
    assert mark.read()[1] == Told(30), "the other thread has nothing of it to write"


def test_a_thread_with_something_to_write_holds_the_mark() -> None:
    """Until it has come to it."""
    mark = make_mark(2)
    mark.end_tick(Told(20), 0, [False, True])
    mark.note_written(0, (), has_told=False)
    assert mark.read()[1] == Told(10)


def test_a_thread_that_has_not_come_to_its_writes_has_not_written() -> None:
    """Before a node leaves its place for another one, it waits for that."""
    mark = make_mark(2)
    mark.end_tick(Told(20), 0, [True, True])
    mark.note_written(0, (), has_told=True)
    assert not mark.is_written()
    mark.end_tick(Told(20), 1, [False, True])
    mark.note_written(1, (), has_told=True)
    assert mark.is_written()


def test_it_is_told_of_only_if_somebody_was_told_something() -> None:
    """A tick that writes nothing wakes nobody."""
    mark = make_mark(1)
    mark.changed.clear()
    mark.end_tick(Told(20), 0, [False])
    mark.note_written(0, (), has_told=False)
    assert not mark.changed.is_set()
    mark.end_tick(Told(30), 0, [True])
    mark.note_written(0, (), has_told=True)
    assert mark.changed.is_set() and mark.read()[1] == Told(30)


def test_a_slow_reader_stays_behind_alone() -> None:
    """Where it was when its socket took everything for the last time. When it does again, it is with the others."""
    mark = make_mark(1)
    for seq in (20, 30):
        mark.end_tick(Told(seq), 0, [True])
        mark.note_written(0, [7], has_told=True)
    told = mark.read()[1]
    assert (told.of(7), told.of(8)) == (10, 30)
    assert told_from_text(told.to_text()) == told
    mark.end_tick(Told(40), 0, [True])
    mark.note_written(0, (), has_told=True)
    assert mark.read()[1] == Told(40)


def test_what_a_session_missed_before_it_came_is_unshown_until_it_is_written() -> None:
    """Whatever else it has read since."""
    mark = make_mark(2)
    waiting = Told(20, {}, {7: frozenset({"#tea", ""}), 8: frozenset({"#tea"})})
    mark.end_tick(waiting, 0, [True, False])
    mark.note_written(0, (), has_told=True)
    assert mark.read()[1] == waiting == told_from_text(waiting.to_text())
    mark.end_tick(Told(30, {}, {8: {"#tea"}}), 1, [True, False])
    mark.note_written(1, (), has_told=False)
    assert mark.read()[1] == waiting, "the other thread has still to write it"
    mark.end_tick(Told(30), 0, [True, False])
    mark.note_written(0, (), has_told=True)
    assert mark.read()[1] == Told(30)


def test_many_slow_readers_hold_all_back() -> None:
    """So that the list of them does not grow."""
    mark = make_mark(1)
    mark.end_tick(Told(20), 0, [True])
    mark.note_written(0, range(MOST_BEHIND + 1), has_told=True)
    assert mark.read()[1] == Told(10)


def test_a_new_life_has_told_nothing_of_the_one_before() -> None:
    """What a thread still writes is for people who are gone."""
    mark = make_mark(1, 50)
    mark.end_tick(Told(60), 0, [True])
    mark.begin("a/2", 40)
    assert mark.read() == ("a/2", Told(40))
    mark.note_written(0, (), has_told=True)
    assert mark.read() == ("a/2", Told(40))


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{}", '{"seq": "7"}', '{"seq": 1, "behind": {"x": 1}}', '{"seq": true}']
)
def test_what_is_no_mark(text: str) -> None:
    """Another program may have written there."""
    with pytest.raises(ValueError, match=r"."):
        told_from_text(text)


def test_what_redis_has_otherwise_is_left_again() -> None:
    """Only then is a mark left that has not moved."""
    mark, left = make_mark(1), list[Told]()
    link = create_autospec(ClusterLink, instance=True)
    link.leave_told.side_effect = lambda home, told: left.append(told)
    thread = TellingThread(link, mark)
    for _ in range(2):
        assert thread.leave_mark()
    assert left == [Told(10)] and not mark.changed.is_set()
    thread.leave_again()
    assert mark.changed.is_set()
    for _ in range(2):
        assert thread.leave_mark()
    assert left == [Told(10), Told(10)]


# -- the node --------------------------------------------------------------------------------------


def test_a_node_has_told_what_its_people_have_read(stage: NodeStage) -> None:
    """Its own turn when that is in the stream, and a turn of another node when it has applied it."""
    a, b = stage.a, stage.b
    ann, bob = stage.come_together()
    a.tick((ann, "PRIVMSG #a :hello"))
    a.grant()
    a.tick()
    before = a.told
    a.commit()
    assert a.told == before < last_said(a), "what waits in the gate is not told"
    a.tick()
    assert a.told >= last_said(a) > b.told
    stage.follow()
    assert b":hello" in bob.got and b.told >= last_said(a)


def test_what_is_applied_in_the_tick_of_a_turn_waits_with_it(stage: NodeStage) -> None:
    """Then it is told when the turn is in the stream."""
    a, b = stage.a, stage.b
    ann, bob = stage.come_together()
    a.take_turn((ann, "PRIVMSG #a :hello"))
    b.tick((bob, "PRIVMSG #a :and good-bye"))
    b.grant()
    b.read_stream()
    b.tick()
    assert b":hello" not in bob.got and b.told < last_said(a)
    b.commit()
    b.tick()
    assert b":hello" in bob.got and b.told >= last_said(b) > last_said(a)


def test_what_is_shown_behind_a_turn_waits_with_it(stage: NodeStage) -> None:
    """A session is shown what it missed in a channel while a line waits in the gate."""
    a = stage.a
    ann, cid = a.come("ann"), a.come("cid")
    a.take_turn((ann, "JOIN #a"), (cid, "JOIN #a"))
    channel, number = a.world.channels["#a"], ann.session.id

    def unshown() -> object:
        return a.hub.mark.read()[1].unshown.get(number, set())

    a.world.outbox.begin_replay(channel, ann.session)
    a.thread.post(lambda: a.world.note_direct_replay(ann.session, is_over=False))
    a.tick()
    assert unshown() == {"", "#a"}
    a.thread.post(lambda: a.world.note_direct_replay(ann.session, is_over=True))
    a.tick()
    assert unshown() == {"#a"}
    a.tick((cid, "PRIVMSG #a :hello"))
    a.grant()
    a.tick()
    a.thread.post(lambda: a.world.outbox.drop_replay(channel, ann.session))
    a.tick()
    a.tick()
    assert unshown() == {"#a"}
    a.commit()
    a.tick()
    assert unshown() == set()


def test_a_turn_that_is_lost_was_not_told(stage: NodeStage) -> None:
    """A node that begins anew with a turn in its gate has told what was before it."""
    a = stage.a
    ann = a.come("ann")
    a.take_turn((ann, "JOIN #a"))
    a.tick((ann, "PRIVMSG #a :hello"))
    a.grant()
    a.tick()
    before = a.told
    a.commit()
    a.thread.post(lambda: a.hub.leave("a test"))
    a.desk.lose("a test")
    a.tick()
    a.tick()
    assert b"ERROR" in ann.got and a.told == before < last_said(a)


def test_a_life_of_a_node_takes_what_is_unshown_with_it(stage: NodeStage) -> None:
    """What a session asked for may never be answered, if the question waited for the turn that is lost."""
    a = stage.a
    ann = a.come("ann")
    a.world.note_direct_replay(ann.session, is_over=False)
    a.tick()
    assert a.hub.mark.read()[1].unshown == {ann.session.id: {""}}
    a.thread.post(lambda: a.hub.leave("a test"))
    a.tick()
    a.hub.enter(0)
    a.tick()
    assert a.hub.mark.read()[1].unshown == {}


def test_a_node_that_stood_still_tells_nothing_more(stage: NodeStage) -> None:
    """Before a heartbeat has found it registered: the others may have ended its people, and show them what follows."""
    a, b = stage.a, stage.b
    hurried: list[bool] = []
    b.hub.hurry = lambda: hurried.append(True)
    ann, bob = stage.come_together()
    b.tick((bob, "PRIVMSG #a :one"))
    b.grant()
    b.tick()
    before, bob.got = b.told, b""
    b.hub.sure_until_s = 0.0
    b.commit()
    stage.follow()
    a.take_turn((ann, "PRIVMSG #a :two"))
    stage.follow()
    b.tick()
    assert (bob.got, b.told, hurried) == (b"", before, [True])
    b.hub.sure_until_s = float("inf")
    b.tick()
    assert b":two" in bob.got and b.told >= last_said(a)
