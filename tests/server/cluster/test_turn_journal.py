"""The journal thread of a node: what it does if an answer of PostgreSQL or Redis is lost, or neither is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from math import inf

import pytest
from harness.node_stage import FakeNodeJournal, NodeStage

from chatroom.chat.cluster.untold import untold_to_record
from chatroom.chat.stored.entries import Entry, Kind
from chatroom.errors import Fenced, RedisUnreachable, StorageError, StreamLost
from chatroom.server.cluster import pauses, turn_journal
from chatroom.server.cluster.cluster_contract import Turn
from chatroom.server.cluster.turn_desk import Granted


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> NodeStage:
    """Two nodes without users."""
    monkeypatch.setattr(pauses, "RETRY_S", 0.0)
    monkeypatch.setattr(turn_journal, "_ASK_AGAIN_S", 0.0)
    return NodeStage(monkeypatch)


@pytest.mark.parametrize("failure", [RedisUnreachable("away"), StreamLost("empty")])
def test_an_append_is_tried_again(stage: NodeStage, failure: RedisUnreachable | StreamLost) -> None:
    """Until Redis answers. If it has lost the stream, the turn thread is told."""
    a = stage.a
    ann = a.come("ann")
    a.failure = failure
    a.take_turn((ann, "NICK anne"))
    assert b"NICK anne" in ann.got
    assert a.desk.has_lost_stream == isinstance(failure, StreamLost)


@pytest.mark.parametrize("is_stored", [True, False])
def test_an_answer_to_a_commit_is_lost(stage: NodeStage, monkeypatch: pytest.MonkeyPatch, *, is_stored: bool) -> None:
    """The database is asked. What is stored is told, and what is not is refused."""
    a = stage.a
    ann = a.come("ann")
    a.take_turn((ann, "JOIN #a"))
    ann.got = b""

    def commit() -> None:
        if is_stored:
            FakeNodeJournal.commit(a.journal)
        raise StorageError("the connection is lost")

    monkeypatch.setattr(a.journal, "commit", commit)
    a.take_turn((ann, "PRIVMSG #a :perhaps"))
    assert (b"NOT_KEPT" in ann.got) != is_stored
    assert ("perhaps" in str(stage.stream)) == is_stored


def commit_without_answer(journal: FakeNodeJournal) -> Callable[[], None]:
    """A commit that is done, and whose answer is lost."""

    def commit() -> None:
        FakeNodeJournal.commit(journal)
        raise StorageError("the connection is lost")

    return commit


def test_a_name_whose_answer_was_lost_is_given_once(stage: NodeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second time would end the conversation that has the name by then. PostgreSQL is asked until it is back."""
    a = stage.a
    ann = a.come("ann")
    a.take_turn((ann, "JOIN #a"), (ann, "PRIVMSG #a :one"))
    monkeypatch.setattr(turn_journal, "PATIENCE_MS", 0)
    faults = [StorageError("away"), StorageError("away")]

    def begin() -> bool:
        if "commit" in a.journal.calls and faults:
            raise faults.pop()
        return True

    a.journal.calls.clear()
    with monkeypatch.context() as patch:
        patch.setattr(a.journal, "begin", begin)
        patch.setattr(a.journal, "commit", commit_without_answer(a.journal))
        a.take_turn((ann, "RENAME #a #b"))
    assert not faults
    a.take_turn((ann, "PRIVMSG #b :two"))
    assert [call for call in a.journal.calls if call.startswith("rename")] == ["rename #a #b"]


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_doubt_is_settled_in_a_turn_of_its_own(
    stage: NodeStage, monkeypatch: pytest.MonkeyPatch, *, is_stored: bool
) -> None:
    """PostgreSQL is away for longer than anybody waits. What was refused is not stored in the end, and events once."""
    a = stage.a
    ann = a.come("ann")
    a.take_turn((ann, "JOIN #a"))
    monkeypatch.setattr(turn_journal, "PATIENCE_MS", 0)
    monkeypatch.setattr(turn_journal, "_SETTLE_AGAIN_S", 0.0)

    def begin() -> bool:
        if "rollback" in a.journal.calls:
            raise StorageError("away")
        return True

    def commit() -> None:
        if is_stored:
            FakeNodeJournal.commit(a.journal)
        raise StorageError("the connection is lost")

    a.journal.calls.clear()
    with monkeypatch.context() as patch:
        patch.setattr(a.journal, "begin", begin)
        patch.setattr(a.journal, "commit", commit)
        a.tick((ann, "TOPIC #a :green"), (a.open(), "PING x"))
        a.tick((ann, "PRIVMSG #a :perhaps"))
        a.grant()
        a.tick()
        a.commit()
        a.tick()
    assert ("perhaps" in str(a.journal.kept)) == is_stored
    assert b"NOT_KEPT" in ann.got
    stops = iter([False, True])  # the daemon, while it waits without an end
    in_doubt = [(a.committer.wants_turn, a.world.ledger.is_behind, a.committer.wait_settled(inf, stops.__next__))]
    assert not list(stops)
    a.take_turn()
    in_doubt.append((a.committer.wants_turn, a.world.ledger.is_behind, a.committer.wait_settled(inf, bool)))
    assert in_doubt == [(True, True, False), (False, False, True)], "questions to the history wait"
    assert "perhaps" not in str(a.journal.kept)
    assert [entry.text for entry in a.journal.kept if entry.kind is Kind.TOPIC] == ["green"]
    assert "perhaps" not in str(stage.stream)


@pytest.mark.parametrize("is_fault", [False, True], ids=["struck off", "a fault in the thread"])
def test_what_no_node_was_told_to_be_refused_is_not_taken_back(
    stage: NodeStage, monkeypatch: pytest.MonkeyPatch, *, is_fault: bool
) -> None:
    """A node loses its place in a commit without an answer. The next holder tells what it finds, so that stays."""
    a = stage.a
    ann = a.come("ann")
    a.take_turn((ann, "JOIN #a"))
    monkeypatch.setattr(turn_journal, "PATIENCE_MS", 0)

    def begin() -> bool:
        if "rollback" in a.journal.calls:
            raise StorageError("away")
        return True

    def append(turn: Turn, data: bytes) -> int:
        raise SystemExit if is_fault else Fenced("struck off")

    a.journal.calls.clear()
    with monkeypatch.context() as patch:
        patch.setattr(a.journal, "begin", begin)
        patch.setattr(a.journal, "commit", commit_without_answer(a.journal))
        patch.setattr(a.committer, "_append_records", append)
        with pytest.raises(SystemExit) if is_fault else contextlib.nullcontext():
            a.take_turn((ann, "PRIVMSG #a :perhaps"))
    if is_fault:
        a.committer._is_at_work = True
        a.committer.stop(0.0)
        a.committer.run()
    assert a.desk.lost and b"NOT_KEPT" not in ann.got
    a.hub.leave(a.desk.lost)
    a.desk.find_place()
    a.hub.enter(len(stage.stream))
    a.come("anne")
    assert not a.committer.is_behind
    assert [entry.text for entry in a.journal.kept if entry.kind is Kind.PRIVMSG] == ["perhaps"]


def test_a_fenced_commit_costs_the_place(stage: NodeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the turn is told to anybody."""
    a = stage.a
    ann = a.come("ann")
    a.take_turn((ann, "JOIN #a"))
    ann.got, before = b"", len(stage.stream)

    def begin() -> bool:
        raise Fenced("turn 9 is over")

    monkeypatch.setattr(a.journal, "begin", begin)
    a.take_turn((ann, "PRIVMSG #a :late"))
    assert a.desk.lost == "turn 9 is over"
    assert (ann.got, len(stage.stream)) == (b"", before)


def test_events_that_were_not_stored_are_stored_later(stage: NodeStage) -> None:
    """A channel's new name comes before what is said in it."""
    a = stage.a
    ann = a.come("ann")
    a.take_turn((ann, "JOIN #a"), (ann, "PRIVMSG #a :one"))
    a.journal.is_broken = True
    a.take_turn((ann, "RENAME #a #b"), (ann, "PRIVMSG #b :lost"))
    assert b"NOT_KEPT" in ann.got and a.world.find_channel("#b") is not None
    a.journal.is_broken = False
    a.journal.calls.clear()
    a.take_turn((ann, "PRIVMSG #b :two"))
    assert a.journal.calls[0].startswith("rename #a")
    assert [entry.text for entry in a.journal.kept] == ["one", "two"]


def test_a_fault_in_the_thread_costs_the_place(stage: NodeStage) -> None:
    """Nobody knows what is stored and told by then."""
    a = stage.a
    a.committer._is_at_work = True
    a.committer.stop(0.0)
    a.committer.run()
    assert "had a fault" in a.desk.lost


@pytest.mark.parametrize("failure", [None, Fenced("late")])
def test_what_was_under_way_is_settled_no_more(
    stage: NodeStage, monkeypatch: pytest.MonkeyPatch, failure: Fenced | None
) -> None:
    """The node began anew meanwhile: its gate knows nothing of the batch, and it keeps its new place."""
    a = stage.a
    ann = a.come("ann")
    a.tick((ann, "NICK anne"))
    a.grant()
    a.tick()

    def append(turn: Turn, data: bytes) -> int:
        a.committer.drop()
        if failure is not None:
            raise failure
        return turn.position + 1

    monkeypatch.setattr(a.committer, "_append_records", append)
    a.commit()
    assert not a.committer.take_settled()
    assert not a.desk.lost


def test_what_another_node_had_stored_is_told_first(stage: NodeStage) -> None:
    """In this node's turn, and to the other nodes by its records."""
    a = stage.a
    ann, bob = stage.come_together()
    seq = a.world.last_seq + 5
    entry = Entry(seq, seq // 1024, "#a", Kind.PRIVMSG, "cid!c@h", None, "", "#a", "last words")
    stage.turns += 1
    a.desk.grant(Granted(Turn(stage.turns, len(stage.stream), True), [untold_to_record([entry])]))
    a.tick((ann, "PRIVMSG #a :and on"))
    a.commit()
    stage.follow()
    a.tick()
    assert bob.got.index(b"last words") < bob.got.index(b"and on")
    assert ann.got.count(b"last words") == 1
    assert a.world.last_seq > seq
