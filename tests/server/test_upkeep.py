"""When the background works, and when it leaves the processor to those who write."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from chatroom.chat.stored.entries import IndexLag, LogTrim
from chatroom.config.settings import History
from chatroom.server import upkeep as upkeep_module
from chatroom.server.upkeep import MOST_WAITING, Upkeep

FLOOD = 10**9
"""More entries than any second is calm with."""


class Housekeeping:
    """The work in memory: so many entries wait, and one step indexes ``A_STEP`` of them."""

    A_STEP = 100

    def __init__(self, *backlogs: IndexLag) -> None:
        self.backlogs = list(backlogs)
        self.waiting = 0
        self.steps = 0
        self.trims = 0

    def measure_lag(self) -> IndexLag:
        """The next one."""
        behind = self.backlogs.pop(0)
        self.waiting = behind.waiting
        return behind

    def index_some(self, most: int = 500, *, least: int = 1) -> bool:
        """One step."""
        if not self.waiting:
            return False
        self.steps += 1
        self.waiting = max(0, self.waiting - self.A_STEP)
        return True

    def prune_some(self, *, before_ms: int | None = None, most_bytes: int | None = None) -> int:
        """Nothing is too old."""
        return 0

    def scrub_some(self) -> bool:
        """Nothing was deleted."""
        return False

    def trim_log(self) -> LogTrim:
        """Nothing to trim."""
        self.trims += 1
        return LogTrim(0, 0.0, True)

    def close(self) -> None:
        """Of no meaning here."""


@pytest.fixture
def run_rounds(monkeypatch: pytest.MonkeyPatch) -> Callable[[Housekeeping], list[bool]]:
    """Do a round for each backlog, each a second after the other; whether each left more to do."""
    now_s = 100.0
    monkeypatch.setattr(upkeep_module, "time", SimpleNamespace(monotonic=lambda: now_s, time_ns=time.time_ns))
    monkeypatch.setattr(upkeep_module, "_STEP_PAUSE_S", 0.0)

    def run(work: Housekeeping) -> list[bool]:
        nonlocal now_s
        thread = Upkeep(lambda: work, History)
        found = []
        for _ in list(work.backlogs):
            now_s += 1
            found.append(thread._do_round(work))
        return found

    return run


def test_what_comes_calmly_is_indexed(run_rounds: Callable[[Housekeeping], list[bool]]) -> None:
    """A few hundred messages a second are indexed each second, whatever waits."""
    work = Housekeeping(IndexLag(0, 5 * Housekeeping.A_STEP), IndexLag(200, 2 * Housekeeping.A_STEP))
    assert run_rounds(work) == [False, False]
    assert work.steps == 7


def test_a_flood_is_indexed_when_it_is_over(run_rounds: Callable[[Housekeeping], list[bool]]) -> None:
    """While far more comes nothing is indexed, but the log is looked after; then all of it is."""
    work = Housekeeping(IndexLag(FLOOD, MOST_WAITING), IndexLag(FLOOD, MOST_WAITING), IndexLag(10, 1000))
    run_rounds(work)
    assert (work.steps, work.trims) == (1000 // Housekeeping.A_STEP, 3)


def test_a_flood_that_does_not_end_is_indexed_too(run_rounds: Callable[[Housekeeping], list[bool]]) -> None:
    """Never more than a bound is put off."""
    work = Housekeeping(IndexLag(FLOOD, MOST_WAITING + 1))
    run_rounds(work)
    assert work.steps


def test_looks_again_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round's indexing ends after a second, and says that there is more to do."""
    work = Housekeeping(IndexLag(0, 100 * Housekeeping.A_STEP))
    moments = iter(range(1, 10**6))
    clock = SimpleNamespace(monotonic=lambda: next(moments) * 0.3, time_ns=time.time_ns)
    monkeypatch.setattr(upkeep_module, "time", clock)
    monkeypatch.setattr(upkeep_module, "_STEP_PAUSE_S", 0.0)
    thread = Upkeep(lambda: work, History)
    assert thread._do_round(work) is True
    assert 0 < work.steps < 10
