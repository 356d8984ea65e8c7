"""What a turn has the store worker write is written when the turn is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.gated_stage import StagedWorkers
from harness.new_database import make_database
from harness.node_stage import NodeStage, StagedNode

from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.errors import Fenced
from chatroom.storage.opening import open_stores


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> NodeStage:
    """Two nodes without users."""
    return NodeStage(monkeypatch)


def jobs_of(node: StagedNode) -> int:
    """How many jobs the workers of a node were given that are not done."""
    workers = node.hub.workers
    assert isinstance(workers, StagedWorkers)
    return len(workers.held)


def test_what_a_turn_has_stored_waits_until_it_is_told(stage: NodeStage) -> None:
    """If the node dies before, nobody knows of it. What is asked without a turn meanwhile comes behind it."""
    a = stage.a
    ann, _ = stage.come_together()
    a.tick((ann, "RENAME #a #b"))
    a.grant()
    a.tick()
    assert jobs_of(a) == 0
    a.hub.world.work.write(lambda stores: None)
    a.tick()
    assert jobs_of(a) == 0
    a.commit()
    a.tick()
    assert jobs_of(a) == 2


def test_a_job_is_one_of_its_turn(stage: NodeStage, tmp_path: Path) -> None:
    """Whenever it is done: the turn that made it is over by then, and another node may have had the next one."""
    a = stage.a
    _, bob = stage.come_together()
    turns = list[int]()
    with open_stores(make_database(tmp_path / "chat.db")) as stores:
        for jobs in (1, 2):
            a.hub.post(0, lambda: a.hub.world.work.write(lambda _: turns.append(stores.database.turn)))
            a.take_turn()
            stage.follow()
            stage.b.take_turn((bob, "PRIVMSG #a :x"))
            stage.follow()
            assert jobs_of(a) == jobs
        assert isinstance(a.hub.workers, StagedWorkers)
        for _, job, _ in a.hub.workers.held:
            job(stores)
        assert 0 < turns[0] < turns[1] == stage.turns - 1 and stores.database.turn == 0


def test_what_a_turn_has_stored_is_not_overtaken(stage: NodeStage) -> None:
    """Redis is away, and answers and refusals overtake what the turn tells: it is not certain for that."""
    a = stage.a
    ann, _ = stage.come_together()
    a.tick((ann, "RENAME #a #b"))
    a.grant()
    a.tick()
    stage.mono_ms += PATIENCE_MS
    a.tick((ann, "PING x"))
    a.tick()
    assert b"PONG" in ann.got and jobs_of(a) == 0
    a.commit()
    a.tick()
    assert jobs_of(a) == 1


def test_what_a_lost_turn_would_have_stored_is_not_stored(stage: NodeStage) -> None:
    """The node has lost its place, and another one may have told the turn, or nobody."""
    a = stage.a
    ann, _ = stage.come_together()
    a.tick((ann, "RENAME #a #b"))
    a.grant()
    a.tick()
    a.failure = Fenced("another node goes on")
    a.commit()
    a.hub.post(0, lambda: None)
    with a.hub.lock:
        a.hub.leave("it has lost its place")
    a.tick()
    assert jobs_of(a) == 0


def test_the_ends_of_lost_people_are_stored_before_the_turn_is_told(stage: NodeStage) -> None:
    """Whoever logs in when that is told is shown what it missed."""
    a = stage.a
    stage.come_together()
    a.hub.post(0, lambda: a.hub._end_home("b/2", None))
    a.grant()
    a.tick()
    assert jobs_of(a) == 1
