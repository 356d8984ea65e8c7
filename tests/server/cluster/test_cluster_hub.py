"""A node's hub: what waits for a turn, what is told when, and what becomes of it if something fails."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from harness.gated_stage import StagedWorkers
from harness.node_stage import NodeStage

from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.errors import Fenced
from chatroom.server.cluster.other_nodes import BETWEEN_RESETS_MS
from chatroom.server.cluster.turn_desk import STALE_MS, Done


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> NodeStage:
    """Two nodes without users."""
    return NodeStage(monkeypatch)


def test_a_line_waits_for_the_turn(stage: NodeStage) -> None:
    """Reading verbs do not, unless the session has said something before that waits."""
    a = stage.a
    ann, bob = a.come("ann"), a.come("bob")
    a.tick((ann, "JOIN #a"), (ann, "PING behind"), (bob, "PING at-once"), (bob, "NAMES #a"))
    assert ann.got == b""
    assert b"at-once" in bob.got and b"ann" not in bob.got.replace(b"End", b"")
    a.grant()
    a.tick()
    assert ann.got == b"", "the others cannot know of it yet"
    a.commit()
    a.tick()
    assert ann.got.index(b"JOIN #a") < ann.got.index(b"behind")


def test_what_a_turn_tells_waits_for_the_stream(stage: NodeStage) -> None:
    """Also what is not stored, on the node of the turn and on the other one."""
    a, b = stage.a, stage.b
    ann, bob = stage.come_together()
    a.tick((ann, "PRIVMSG #a :hello"), (ann, "NICK anne"))
    a.grant()
    a.tick()
    stage.follow()
    assert (ann.got, bob.got) == (b"", b"")
    a.commit()
    stage.follow()
    assert b"NICK anne" in ann.got
    assert bob.got.index(b"PRIVMSG #a :hello") < bob.got.index(b"NICK anne")
    assert [entry.text for entry in a.journal.kept] == ["hello"] and not b.journal.kept


def test_a_turn_waits_until_the_node_is_up_to_date(stage: NodeStage) -> None:
    """Its tick sees what the others have done before."""
    a, b = stage.a, stage.b
    a.come("ann")
    eve = b.open()
    b.tick((eve, "NICK ann"), (eve, "USER e 0 * :E"))
    b.grant()
    b.tick()
    assert b.desk.granted is not None and eve.got == b""
    stage.follow()
    b.commit()
    b.tick()
    assert b" 433 " in eve.got


def test_a_stale_turn_is_given_back(stage: NodeStage) -> None:
    """The node may have stood still, and been struck off. Nothing is told from its old world."""
    a = stage.a
    a.come("ann")
    new = a.open()
    a.tick((new, "NICK ann"), (new, "USER n 0 * :N"))
    turn = a.grant()
    stage.mono_ms += STALE_MS
    a.tick()
    assert new.got == b""
    assert (a.desk.granted, a.desk.unused) == (None, turn)
    a.grant()
    a.tick()
    assert b" 433 " in new.got


def test_a_turn_that_came_over_a_lost_connection_does_not_begin(stage: NodeStage) -> None:
    """Redis was there no more when the lines came: they are refused. The node asks for the turn again."""
    a = stage.a
    ann = a.come("ann")
    a.tick((ann, "TOPIC #none"))
    a.grant()
    a.desk.is_cut = lambda: True
    a.tick()
    assert (a.desk.granted, a.desk.unused, a.desk.has_turn) == (None, None, False)
    assert a.desk.wait_wanted(0)
    stage.mono_ms += PATIENCE_MS
    a.tick()
    assert b"FAIL TOPIC NOT_CONNECTED" in ann.got
    a.desk.is_cut = lambda: False
    a.take_turn((ann, "TOPIC #none"))
    assert b" 403 " in ann.got


def test_an_empty_turn_is_given_back(stage: NodeStage) -> None:
    """Nothing is appended for it, and what it tells is told at once."""
    a = stage.a
    ann = a.come("ann")
    a.tick((ann, "TOPIC #none"))
    turn, before = a.grant(), len(stage.stream)
    a.tick()
    assert b" 403 " in ann.got
    assert a.desk.unused == turn
    assert len(stage.stream) == before


def test_lines_that_wait_too_long_are_refused(stage: NodeStage) -> None:
    """Their labels are answered, further lines go on, and who is not registered yet waits."""
    a = stage.a
    ann, new = a.come("ann"), a.open()
    a.take_turn((ann, "CAP REQ :labeled-response batch"))
    ann.got = b""
    a.tick((ann, "@label=7 JOIN #a"), (ann, "PING behind"), (new, "NICK new"), (new, "USER n 0 * :N"))
    stage.mono_ms += PATIENCE_MS
    a.tick()
    a.tick()
    first, last = ann.got.splitlines()
    assert first.startswith(b"@label=7 ") and b"FAIL JOIN NOT_CONNECTED :" in first
    assert last.endswith(b"behind")
    assert new.got == b"" and not new.closed
    a.grant()
    a.tick()
    a.commit()
    a.tick()
    assert b" 001 new " in new.got


def test_a_session_that_ends_outside_a_turn_ends_in_the_next(stage: NodeStage) -> None:
    """Once, and the other node reads that the user has quit."""
    a, b = stage.a, stage.b
    ann = a.come("ann")
    for _ in range(2):
        a.world.close(ann.session, "Connection closed", tell=False, lost=True)
        a.tick()
    assert not ann.session.closing and a.world.find_user("ann") is not None
    a.take_turn()
    stage.follow()
    assert ann.closed == 1
    assert a.world.find_user("ann") is None and b.world.find_user("ann") is None


def test_a_message_that_cannot_be_stored_is_told_nowhere(stage: NodeStage) -> None:
    """Its sender reads why. The turn's other changes are told all the same."""
    a, b = stage.a, stage.b
    ann = a.come("ann")
    stage.follow()
    bob = b.come("bob")
    stage.follow()
    a.journal.is_full = True
    a.take_turn((ann, "NICK anne"), (ann, "JOIN #a"), (ann, "PRIVMSG #a :lost"), (ann, "PRIVMSG bob :psst"))
    stage.follow()
    assert b"FAIL PRIVMSG NOT_KEPT #a :" in ann.got
    assert b.world.find_user("anne") is not None and b.world.find_channel("#a") is not None
    assert b"psst" in bob.got and "lost" not in str(stage.stream)
    a.journal.is_full = False
    a.take_turn((ann, "PRIVMSG #a :kept"))
    assert [entry.text for entry in a.journal.kept] == ["kept"]


def test_a_tick_that_fails_in_a_turn(stage: NodeStage) -> None:
    """Nobody reads what it said, but the others learn what it has changed."""
    a, b = stage.a, stage.b
    ann = a.come("ann")
    a.take_turn((ann, "JOIN #a"))
    ann.got = b""
    a.tick((ann, "PRIVMSG #a :lost"), (ann, "NICK anne"))
    a.grant()
    a.tick(fails=True)
    a.tick()
    a.commit()
    stage.follow()
    assert b.world.find_user("anne") is not None
    assert "lost" not in str(stage.stream) and not a.journal.kept
    a.take_turn((ann, "PRIVMSG #a :kept"))
    assert [entry.text for entry in a.journal.kept] == ["kept"]


def test_a_node_without_its_place_begins_anew(stage: NodeStage) -> None:
    """What its last turn told is read by nobody, its people are ended, and others who come wait."""
    a = stage.a
    ann, new = a.come("ann"), a.open()
    a.tick((ann, "JOIN #a"), (new, "NICK new"), (new, "USER n 0 * :N"))
    a.grant()
    a.tick()
    a.failure = Fenced("others go on")
    a.commit()
    assert a.desk.lost == "others go on"
    a.thread.post(lambda: a.hub.leave(a.desk.lost))
    a.tick()
    assert ann.closed and ann.got.count(b"\r\n") == 1 and b"ERROR" in ann.got
    assert not (a.world.users or a.world.channels)
    a.desk.find_place()
    a.hub.enter(len(stage.stream))
    late = a.come("late")
    assert late.session.user is not None and not a.hub._gate.is_waiting


def test_who_ended_in_a_lost_turn_is_closed(stage: NodeStage) -> None:
    """The end of a session waits behind what it reads, and is not lost with that. It reads why."""
    a = stage.a
    ann = a.come("ann")
    a.tick((ann, "QUIT :bye"))
    a.grant()
    a.tick()
    assert ann.session.closing
    assert [one.closed for one in a.connections] == [0]
    a.desk.lose("others go on")
    a.thread.post(lambda: a.hub.leave(a.desk.lost))
    a.tick()
    assert [one.closed for one in a.connections] == [1]
    assert ann.got.endswith(b"ERROR :Closing Link: 10.0.0.1 (This server has lost the others: connect again)\r\n")


def test_a_gap_in_the_stream_costs_the_place(stage: NodeStage) -> None:
    """A world that has missed something is of no use."""
    a = stage.a
    a.desk.add([Done(2, "b/2", [])])
    a.tick()
    assert "goes on at 2" in a.desk.lost


def test_people_of_a_node_that_is_gone_are_ended_in_a_turn(stage: NodeStage) -> None:
    """By any other node. Its own users are not touched."""
    a, b = stage.a, stage.b
    ann = a.come("ann")
    stage.follow()
    b.come("bob")
    stage.follow()
    a.take_turn((ann, "MONITOR + bob"))
    ann.got = b""
    a.thread.post(lambda: a.hub.look_at_nodes({"a/1": a.world.list_servers()[0]}, {"b/2": None}))
    a.take_turn()
    a.take_turn()
    assert b" 731 ann :bob" in ann.got
    assert a.world.find_user("bob") is None and a.world.find_user("ann") is not None
    assert any("the node b/2 is gone" in line for line in a.log)
    assert "b/2" in a.world.clock_shifts
    a.thread.post(lambda: a.hub.look_at_nodes({"a/1": a.world.list_servers()[0]}, {}))
    a.tick()
    assert "b/2" not in a.world.clock_shifts, "each start of a node is a home of its own"


def test_the_others_know_of_lost_people_when_it_is_stored_how_far_they_have_read(
    stage: NodeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise one of them could log in there a moment too early, and be shown too little or too much."""
    a, appended = stage.a, list[int]()
    stage.come_together()
    workers = a.hub.workers
    assert isinstance(workers, StagedWorkers)

    def store(event: threading.Event, patience_s: float) -> bool:
        appended.append(len(stage.stream))
        assert not event.is_set()
        # It writes nothing itself.
        workers.held[-1][1](SimpleNamespace(use_turn=lambda turn: None))
        return event.is_set()

    monkeypatch.setattr(threading.Event, "wait", store)
    before = len(stage.stream)
    a.thread.post(lambda: a.hub.look_at_nodes({"a/1": a.world.list_servers()[0]}, {"b/2": None}))
    a.tick()
    a.take_turn()
    assert appended == [before] and len(stage.stream) == before + 1
    assert a.world.find_user("bob") is None


def test_a_task_waits_for_a_turn(stage: NodeStage) -> None:
    """As do the outcomes of workers: they change the world."""
    a, done = stage.a, list[int]()
    a.hub.post(0, lambda: done.append(1))
    a.hub.post_outcome(0, lambda: done.append(2))
    a.tick()
    assert not done and a.desk.wait_wanted(0)
    a.take_turn()
    assert sorted(done) == [1, 2]


def test_records_that_nobody_can_have_written(stage: NodeStage) -> None:
    """They are left out, and the node keeps its place."""
    b = stage.b
    records: list[list[object]] = [["untold"], ["untold", 5], ["untold", [["x"]]], ["snapshot"], ["+user", 1], ["zzz"]]
    b.desk.add([Done(b.hub.position + 1, "q/99", records)])
    b.tick()
    assert not b.desk.entries and not b.desk.lost


MISFITS: list[list[object]] = [
    ["+user", {"nick": "ANN", "username": "x", "realname": "x", "host": "x", "signon_ms": 1}, []],
    ["-user", "nobody"],
    ["nick", "nobody", "somebody"],
    ["nick", "eve", "ann"],
    ["+session", "nobody", {}],
    ["-session", 1],
    ["closed", 1],
    ["-channel", "#none"],
    ["rename", "#none", "#some"],
    ["join", "#none", "ann", 0, 1],
    ["join", "#tea", "nobody", 0, 1],
    ["part", "#tea", "eve"],
]


@pytest.mark.parametrize("record", MISFITS, ids=[" ".join(map(str, record))[:20] for record in MISFITS])
def test_a_world_that_differs_is_given_up(stage: NodeStage, record: list[object]) -> None:
    """A record of another node that tells who is where, and does not fit. But not if no node has written it."""
    a, b = stage.a, stage.b
    ann = a.come("ann")
    a.come("eve")
    a.take_turn((ann, "JOIN #tea"))
    stage.follow()
    b.desk.add([Done(b.hub.position + 1, "q/99", [record])])
    b.tick()
    assert (b.desk.lost, b.hub.position) == ("", len(stage.stream) + 1)
    b.desk.add([Done(b.hub.position + 1, "a/1", [record])])
    b.tick()
    assert f"the record {record[0]!r} of a/1 does not fit" in b.desk.lost
    assert b.hub.position == len(stage.stream) + 1


def test_a_world_is_given_up_once_a_minute(stage: NodeStage) -> None:
    """Else a bug would have the node begin anew all the time. What tells only of attributes costs nothing."""
    a, b = stage.a, stage.b
    a.come("ann")
    stage.follow()

    def read(kind: str) -> bool:
        b.desk.find_place()
        b.desk.entries.clear()
        b.desk.add([Done(b.hub.position + 1, "a/1", [[kind, "nobody", {}]])])
        b.tick()
        return bool(b.desk.lost)

    assert [read("user"), read("-user"), read("-user")] == [False, True, False]
    stage.mono_ms += BETWEEN_RESETS_MS
    assert [read("channel"), read("-user"), read("-user")] == [False, True, False]


def test_a_channel_that_two_nodes_have_from_their_settings(stage: NodeStage) -> None:
    """Each tells the other of it in its next turn, which takes no member out. Both know the same time of its birth."""
    a, b = stage.a, stage.b
    ann, bob = a.come("ann"), b.open()
    stage.follow()
    for node in (a, b):
        node.tick()
        node.world.make_channel("#set")
    a.take_turn((ann, "JOIN #set"))
    stage.follow()
    b.take_turn((bob, "NICK bob"), (bob, "USER b 0 * :B"))
    stage.follow()
    channels = [node.world.channels["#set"] for node in (a, b)]
    assert [len(channel.members) for channel in channels] == [1, 1]
    assert channels[0].created_ms == channels[1].created_ms
