"""What the operator is told of the database's files and its disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.runtime import make_world
from harness.world import make_settings

from chatroom.server.disk_watch import DiskWatch
from chatroom.storage.disk_reserve import DiskReserve
from chatroom.storage.write_guard import WriteGuard

MIB = 1024 * 1024


class Watched:
    """A database file on a disk with as much room as the test says, and what was logged of it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path.touch()
        self.path = path
        self.free = 10_000 * MIB
        monkeypatch.setattr(DiskReserve, "free_bytes", lambda _: self.free)
        self.world = make_world(make_settings(database={"warn_free_mb": 100}))
        self.guard = WriteGuard(path)
        self.watch = DiskWatch(self.world, lambda task: task(), self.guard)

    def look(self, free_mb: int | None = None) -> list[str]:
        """Look twice, and return what was logged."""
        if free_mb is not None:
            self.free = free_mb * MIB
        self.world.log_lines = []
        self.watch.look()
        self.watch.look()
        return [str(line) for line in self.world.log_lines]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A disk with much room."""
    return Watched(tmp_path / "chat.db", monkeypatch)


def test_little_room_is_warned_of_once(watched: Watched) -> None:
    """Below the level there is one warning, also in status. It is over when clearly more is free."""
    assert watched.look() == []
    assert watched.watch.facts() == {"disk": "10000 MiB free"}
    (line,) = watched.look(99)
    assert "99 MiB are free" in line
    assert watched.watch.facts() == {"disk": "99 MiB free, less than database.warn_free_mb"}
    assert watched.look(101) == watched.look(99) == []
    assert watched.look(111) == ["111 MiB are free on the database's disk again"]


def test_a_full_disk_is_told_once_and_when_it_is_over(watched: Watched) -> None:
    """What status says follows the reserve at once, and not only the next look."""
    watched.look()
    watched.guard.reserve.give_up()
    assert watched.watch.facts()["disk"].startswith("full")
    assert any("messages are refused" in line for line in watched.look(5))
    assert watched.look() == []
    assert "the disk has room again" in watched.look(10_000)


def test_a_file_that_is_gone_is_told_once(watched: Watched) -> None:
    """And so is its return."""
    watched.look()
    watched.path.rename(watched.path.with_name("away"))
    (line,) = watched.look()
    assert "was removed" in line
    watched.path.with_name("away").rename(watched.path)
    assert watched.look() == ["the database is back in its place"]
