from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from harness.daemon import until

from chatroom.errors import ServeError
from chatroom.server.loop_thread import LoopThread
from chatroom.server.supervisor import MOST_RESTARTS, STUCK_S, Supervisor


class Loop(LoopThread):
    """A loop that ends when the test says so."""

    def __init__(self) -> None:
        super().__init__("loop")
        self.may_end = threading.Event()

    def run(self) -> None:
        """Wait for the end."""
        self.may_end.wait(30)
        self.may_end.clear()


class Ticking:
    """An I/O thread, as far as the supervisor sees it."""

    name = "io-0"
    ident = threading.get_ident()

    def __init__(self) -> None:
        self.tick_began_s = 0.0
        self.alive = True

    def is_alive(self) -> bool:
        """True unless the test has it die."""
        return self.alive


class Stage:
    """A supervisor, what it watches, and what it reports."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.loop.start()
        self.ticking = Ticking()
        self.lines: list[str] = []
        self.supervisor = Supervisor([self.ticking], [self.loop], self.lines.append)

    def end_loop(self) -> None:
        """Have the loop die."""
        self.loop.may_end.set()
        until(lambda: not self.loop.is_alive(), "the loop has ended")


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A stage whose loop ends with the test."""
    made = Stage()
    yield made
    made.loop.may_end.set()
    made.loop.join(30)


def test_nothing_is_said_while_all_is_well(stage: Stage) -> None:
    """A short tick is no news."""
    stage.ticking.tick_began_s = time.monotonic()
    stage.supervisor.look()
    assert (stage.lines, stage.supervisor.describe(), stage.supervisor.find_troubles()) == ([], "all 2 run", [])


def test_a_loop_that_died_begins_again(stage: Stage) -> None:
    """``describe`` tells the truth before and after that."""
    stage.end_loop()
    assert (stage.supervisor.describe(), stage.supervisor.find_troubles()) == ("loop has died", ["loop has died"])
    stage.supervisor.look()
    assert stage.lines == ["the thread loop has died, and was started again"]
    assert stage.supervisor.describe() == "all 2 run; loop was started again 1x"
    assert not stage.supervisor.find_troubles()


def test_a_loop_that_cannot_be_started_is_tried_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a memory limit the system gives no thread; perhaps a moment later."""
    stage.end_loop()
    with monkeypatch.context() as patched:
        patched.setattr(Loop, "start", _refuse)
        stage.supervisor.look()
    assert stage.lines == ["the thread loop has died, and cannot be started again: can't start new thread"]
    stage.supervisor.look()
    assert stage.loop.is_alive()


def _refuse(loop: Loop) -> None:
    raise RuntimeError("can't start new thread")


def test_what_cannot_be_mended_ends_the_daemon(stage: Stage) -> None:
    """That is an I/O thread, and a loop that dies again and again."""
    for _ in range(MOST_RESTARTS):
        stage.end_loop()
        stage.supervisor.look()
    stage.end_loop()
    with pytest.raises(ServeError, match="the thread loop dies again and again"):
        stage.supervisor.look()
    stage.ticking.alive = False
    with pytest.raises(ServeError, match="the thread io-0 has died"):
        stage.supervisor.look()


def test_a_tick_that_does_not_end_is_reported_seldom(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported each time it has taken twice as long, with the line of code, and when it is over."""
    now_s = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    stage.ticking.tick_began_s = now_s
    reported = []
    for _ in range(int(4 * STUCK_S)):
        now_s += 1.0
        stage.supervisor.look()
        reported.append(len(stage.lines))
    assert reported == [0] * 4 + [1] * 5 + [2] * 10 + [3]
    assert "io-0 has been in one tick for 20 s, in " in stage.lines[-1] and ".py:" in stage.lines[-1]
    assert stage.supervisor.describe() == "io-0 has been in one tick for 20 s"
    stage.ticking.tick_began_s = 0.0
    stage.supervisor.look()
    stage.supervisor.look()
    assert stage.lines[3:] == ["io-0 goes on"]
    assert not stage.supervisor.find_troubles()


def test_a_loop_that_has_not_begun_is_not_missed(stage: Stage) -> None:
    """It begins when it is first needed, and is watched from then on."""
    late = Loop()
    supervisor = Supervisor([stage.ticking], [stage.loop, late], stage.lines.append)
    supervisor.look()
    assert (supervisor.describe(), late.is_started) == ("all 2 run", False)
    late.start()
    assert supervisor.describe() == "all 3 run"
    late.may_end.set()
    until(lambda: not late.is_alive(), "the loop has ended")
    assert supervisor.describe() == "loop has died"
    supervisor.look()
    assert late.is_alive()
    late.may_end.set()
    late.join(30)
