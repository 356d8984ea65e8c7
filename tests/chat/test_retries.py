"""Writes that the database refused, and their retries."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatroom.chat.retries import PAUSE_MS, Retries, Retry
from chatroom.chat.work_queue import WorkQueue
from chatroom.errors import AlreadyExists, StorageError


class Disk:
    """Runs the writes of a queue, and refuses them while ``fault`` is set."""

    def __init__(self) -> None:
        self.work = WorkQueue()
        self.retries = Retries(self.work)
        self.fault: Exception | None = StorageError("full")
        self.stored: list[str] = []
        self.told: list[str] = []

    def add(self, name: str) -> None:
        """Have a write of that name tried again, from the moment 0 on."""
        self.retries.add(("thing", name), Retry(lambda: self._job(name), lambda _: self.told.append(name)), 0)

    def _job(self, name: str) -> Callable[[object], None]:
        return lambda _: self.stored.append(name)

    def run(self) -> int:
        """Do all writes that wait, and return how many there were."""
        count = 0
        while items := self.work.take_writes():
            for item in items:
                count += 1
                if self.fault is None:
                    item.job(None)  # type: ignore[arg-type]
                assert item.then is not None
                item.then(self.fault)
        return count


@pytest.fixture
def disk() -> Disk:
    """A disk that is full."""
    return Disk()


def test_one_write_is_tried_at_a_time(disk: Disk) -> None:
    """A disk that stays full costs one try for each pause, however much waits; then everything is stored in order."""
    for name in "abc":
        disk.add(name)
    assert disk.retries.next_mono_ms == PAUSE_MS
    disk.retries.try_again(PAUSE_MS)
    assert disk.retries.next_mono_ms == 0  # not twice at once
    assert disk.run() == 1
    assert disk.retries.next_mono_ms == 2 * PAUSE_MS
    disk.fault = None
    disk.retries.try_again(2 * PAUSE_MS)
    disk.run()
    assert disk.stored == disk.told == ["a", "b", "c"]
    assert disk.retries.next_mono_ms == 0
    assert not disk.retries


def test_a_forgotten_write_is_not_told(disk: Disk) -> None:
    """What is discarded while it is tried has no outcome, and the next one follows."""
    disk.add("a")
    disk.add("b")
    disk.retries.try_again(PAUSE_MS)
    disk.retries.discard(("thing", "a"))
    disk.fault = None
    disk.run()
    assert disk.told == ["b"]


def test_a_refusal_is_not_tried_for_ever(disk: Disk) -> None:
    """A write that is refused for what it is would be refused always."""
    disk.add("a")
    disk.fault = AlreadyExists("it is there")
    disk.retries.try_again(PAUSE_MS)
    disk.run()
    assert not disk.retries
    assert disk.told == []


def test_a_later_write_replaces_the_earlier_one(disk: Disk) -> None:
    """One thing is stored once, as it is by then."""
    disk.add("a")
    disk.add("a")
    assert len(disk.retries) == 1
