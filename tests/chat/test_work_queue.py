from __future__ import annotations

from chatroom.chat.stored.stores import Stores
from chatroom.chat.work_queue import WorkItem, WorkQueue


def job(stores: Stores) -> None:
    """A job."""


def other_job(stores: Stores) -> None:
    """Another job."""


def then(outcome: object) -> None:
    """Takes an answer."""


def test_writes_come_first_and_both_parts_keep_their_order() -> None:
    """A question finds what was written in the same tick, even if it was asked before."""
    work = WorkQueue()
    work.ask("store", job, then)
    work.check(other_job)
    work.write(other_job)
    work.write(job)
    assert work.take() == [
        WorkItem("store", other_job),
        WorkItem("store", job),
        WorkItem("store", job, then),
        WorkItem("password", other_job),
    ]
    assert work.take() == []


def test_writes_can_be_taken_alone() -> None:
    """A verb that waits for the store sends the writes ahead; the questions stay until the tick ends."""
    work = WorkQueue()
    work.ask("history", job, then)
    work.write(other_job)
    assert work.take_writes() == [WorkItem("store", other_job)]
    assert work.take() == [WorkItem("history", job, then)]
