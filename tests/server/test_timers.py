from __future__ import annotations

import time

from chatroom.server.timers import Timers


def test_tasks_run_when_they_are_due_and_once() -> None:
    """The earliest task runs first. A task that is not due yet stays."""
    timers, ran = Timers(), list[str]()
    now_s = time.monotonic()
    timers.add(20, lambda: ran.append("later"))
    timers.add(10, lambda: ran.append("sooner"))
    timers.run_due(now_s)
    assert ran == []
    timers.run_due(now_s + 15)
    timers.run_due(now_s + 15)
    assert ran == ["sooner"]
    timers.run_due(now_s + 30)
    assert ran == ["sooner", "later"]
    assert timers.heap == []


def test_a_task_may_add_another() -> None:
    """A task that schedules itself again runs once, because its next time is still to come."""
    timers, ran = Timers(), list[str]()

    def again() -> None:
        ran.append("again")
        timers.add(3600, again)

    timers.add(0, again)
    timers.run_due(time.monotonic() + 1)
    assert ran == ["again"]
    assert len(timers.heap) == 1
