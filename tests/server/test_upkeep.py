"""When the upkeep thread works, and when it leaves the processor to the messages."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from chatroom.chat.stored.entries import IndexLag, LogTrim
from chatroom.config.chatting import History
from chatroom.server import upkeep as upkeep_module
from chatroom.server.upkeep import MOST_WAITING, Upkeep

DAY_MS = 86_400_000
FLOOD = 10**9
"""So many new entries that it is a flood, however long the second was."""


class FakeUpkeep:
    """Upkeep in memory: ``waiting`` entries are not indexed, and a step indexes ``A_STEP`` of them."""

    A_STEP = 100

    def __init__(self, *lags: IndexLag) -> None:
        self.lags = list(lags)
        self.waiting = 0
        self.steps = 0
        self.trims = 0
        self.forgets = 0

    def measure_lag(self) -> IndexLag:
        """Give the next lag."""
        lag = self.lags.pop(0)
        self.waiting = lag.waiting
        return lag

    def index_some(self, most: int = 500, *, least: int = 1) -> bool:
        """Index one step."""
        if not self.waiting:
            return False
        self.steps += 1
        self.waiting = max(0, self.waiting - self.A_STEP)
        return True

    def prune_some(self, *, before_ms: int | None = None, most_bytes: int | None = None) -> int:
        """Nothing is too old."""
        return 0

    def drop_ended(self, before_ms: int) -> bool:
        """No channel has ended."""
        return False

    def forget_turns(self) -> bool:
        """Count the call: after three there is nothing more to do."""
        self.forgets += 1
        return self.forgets < 3

    def scrub_some(self) -> bool:
        """Nothing was deleted."""
        return False

    def trim_log(self) -> LogTrim:
        """Count the call."""
        self.trims += 1
        return LogTrim(0, 0.0, True)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def run_rounds(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeUpkeep], list[bool]]:
    """Do a round for each lag, one second apart. Returns for each round if it left more to index."""
    now_s = 100.0
    monkeypatch.setattr(upkeep_module, "time", SimpleNamespace(monotonic=lambda: now_s))
    monkeypatch.setattr(upkeep_module, "_STEP_PAUSE_S", 0.0)

    def run(work: FakeUpkeep) -> list[bool]:
        nonlocal now_s
        thread = Upkeep(lambda: work, History)
        found = []
        for _ in list(work.lags):
            now_s += 1
            found.append(thread._do_round(work))
        return found

    return run


def test_old_turns_are_looked_for_once_an_hour(run_rounds: Callable[[FakeUpkeep], list[bool]]) -> None:
    """That goes through a table. At once at the start, and until there is nothing more to do."""
    work = FakeUpkeep(*[IndexLag(0, 0)] * 3601)
    run_rounds(work)
    assert work.forgets == 4


def test_a_calm_stream_is_indexed_at_once(run_rounds: Callable[[FakeUpkeep], list[bool]]) -> None:
    """A few hundred messages a second are indexed each second, however many wait."""
    work = FakeUpkeep(IndexLag(0, 5 * FakeUpkeep.A_STEP), IndexLag(200, 2 * FakeUpkeep.A_STEP))
    assert run_rounds(work) == [False, False]
    assert work.steps == 7


def test_a_flood_is_indexed_when_it_is_over(run_rounds: Callable[[FakeUpkeep], list[bool]]) -> None:
    """During a flood nothing is indexed, but the log is trimmed. Afterwards everything is indexed."""
    work = FakeUpkeep(IndexLag(FLOOD, MOST_WAITING), IndexLag(FLOOD, MOST_WAITING), IndexLag(10, 1000))
    run_rounds(work)
    assert (work.steps, work.trims) == (1000 // FakeUpkeep.A_STEP, 3)


def test_a_flood_that_does_not_end_is_indexed_too(run_rounds: Callable[[FakeUpkeep], list[bool]]) -> None:
    """Beyond a bound of waiting entries, a flood is indexed while it goes on."""
    work = FakeUpkeep(IndexLag(FLOOD, MOST_WAITING + 1))
    run_rounds(work)
    assert work.steps


def test_a_round_of_indexing_takes_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexing ends after a second and reports that there is more."""
    work = FakeUpkeep(IndexLag(0, 100 * FakeUpkeep.A_STEP))
    moments = iter(range(1, 10**6))
    clock = SimpleNamespace(monotonic=lambda: next(moments) * 0.3)
    monkeypatch.setattr(upkeep_module, "time", clock)
    monkeypatch.setattr(upkeep_module, "_STEP_PAUSE_S", 0.0)
    thread = Upkeep(lambda: work, History)
    assert thread._do_round(work) is True
    assert 0 < work.steps < 10


def test_a_clock_that_is_set_far_ahead_makes_nothing_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a day nothing is deleted for its age: set right, the clock would not bring it back. Then it is believed."""
    asked: list[int | None] = []
    wall_ms, mono_ms = 1_900_000_000_000, 5_000_000
    monkeypatch.setattr(upkeep_module, "read_clocks", lambda: (wall_ms, mono_ms))
    work = FakeUpkeep()

    def prune_some(before_ms: int | None, most_bytes: int | None) -> int:
        asked.append(before_ms)
        return 0

    monkeypatch.setattr(work, "prune_some", prune_some)
    thread = Upkeep(lambda: work, lambda: History(max_age_days=1))
    thread._prune(work)
    wall_ms += 30 * DAY_MS
    thread._prune(work)
    wall_ms, mono_ms = wall_ms + DAY_MS - 1, mono_ms + DAY_MS - 1
    thread._prune(work)
    wall_ms, mono_ms = wall_ms + 1, mono_ms + 1
    thread._prune(work)
    assert asked == [1_900_000_000_000 - DAY_MS, None, None, wall_ms - DAY_MS]
