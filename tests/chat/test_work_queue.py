from __future__ import annotations

from chatroom.chat.stored.stores import Stores
from chatroom.chat.work_queue import PATIENCE_MS, WorkItem, WorkQueue


def job(stores: Stores) -> None:
    """A job."""


def other_job(stores: Stores) -> None:
    """Another job."""


def then(outcome: object) -> None:
    """Takes an answer."""


def take(work: WorkQueue, *, is_behind: bool = False, mono_ms: int = 1) -> list[WorkItem]:
    """Take the work at the end of a tick."""
    return work.take(is_behind=is_behind, mono_ms=mono_ms)


def test_writes_come_first_and_both_parts_keep_their_order() -> None:
    """A question finds what was written in the same tick, even if it was asked before."""
    work = WorkQueue()
    work.ask("store", job, then)
    work.check(other_job)
    work.write(other_job)
    work.write(job, alone=True)
    assert take(work) == [
        WorkItem("store", other_job),
        WorkItem("store", job, alone=True),
        WorkItem("password", other_job),
        WorkItem("store", job, then),
    ]
    assert take(work) == []


def test_writes_can_be_taken_alone() -> None:
    """A verb that waits for the store sends the writes ahead; the questions stay until the tick ends."""
    work = WorkQueue()
    work.ask("history", job, then)
    work.write(other_job)
    assert work.take_writes() == [WorkItem("store", other_job)]
    assert take(work) == [WorkItem("history", job, then)]


def test_questions_wait_while_the_history_is_behind_but_not_for_ever() -> None:
    """Writes and checks go on meanwhile. A second wait is measured from its own beginning."""
    work = WorkQueue()
    question = WorkItem("history", job, then)
    for start_ms in (1_000, 50_000):
        work.ask("history", job, then)
        work.check(other_job)
        assert take(work, is_behind=True, mono_ms=start_ms) == [WorkItem("password", other_job)]
        assert take(work, is_behind=True, mono_ms=start_ms + PATIENCE_MS) == []
        assert take(work, is_behind=True, mono_ms=start_ms + PATIENCE_MS + 1) == [question]
    work.ask("history", job, then)
    assert take(work, is_behind=True, mono_ms=90_000) == []
    assert take(work, mono_ms=90_001) == [question]
