"""When the thread of the scheduled backups works, and what it says of that."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemon import until
from harness.new_database import make_database

from chatroom.chat.log_line import Level
from chatroom.config import Settings
from chatroom.config.serving import Backup, Database
from chatroom.ctl.daemon_troubles import find_trouble
from chatroom.errors import StorageError
from chatroom.server import backups as backups_module
from chatroom.server.backups import RETRY_S, Backups, BackupState
from chatroom.storage.sqlite import copy_check
from chatroom.storage.sqlite.scheduled_copies import BackupDirectory

HOUR_S = 3600


class Stage:
    """The thread's work, done by the test, with a clock that the test moves."""

    def __init__(self, path: Path) -> None:
        self.settings = Settings(database=Database(path=make_database(path), warn_free_mb=0))
        self.now_s = 1000.0
        self.lines: list[tuple[str, Level]] = []
        self.directory = path.parent / "backups"
        self.start()

    def start(self) -> None:
        """Begin anew, as a daemon does that is started again."""
        self.backups = Backups(
            self.settings.database.path, lambda: self.settings, lambda *line: self.lines.append(line)
        )

    def configure(self, every_s: int = HOUR_S, keep: int = 7, directory: Path | None = None) -> None:
        """Have other settings come into force."""
        self.settings = replace(self.settings, backup=Backup(every_s, keep, directory))

    def look(self) -> int:
        """Have the thread look once, and return how many backups there are."""
        self.backups.look()
        return self.count()

    def count(self) -> int:
        """How many backups there are."""
        return len(BackupDirectory(self.directory, self.settings.database.path).list_all())

    def set_back(self, seconds: float) -> None:
        """Have all backups be that much older."""
        # The oldest first: its new name is never that of another one.
        for one in reversed(BackupDirectory(self.directory, self.settings.database.path).list_all()):
            at = one.made_at.timestamp() - seconds
            name = f"chat-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(at))}.db"
            one.path.rename(one.path.with_name(name))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A database without backups."""
    made = Stage(tmp_path / "chat.db")
    monkeypatch.setattr(time, "monotonic", lambda: made.now_s)
    return made


def test_none_are_made_by_default(stage: Stage) -> None:
    """Nothing is written, and the status does not speak of it."""
    assert stage.look() == 0
    assert not stage.directory.exists()
    assert stage.backups.state.facts() == {}


def test_the_first_one_is_made_at_once(stage: Stage) -> None:
    """Then one an interval later, and none in between. Each has a line in the log."""
    stage.configure()
    assert stage.look() == 1
    assert stage.backups.state.facts() == {"backup": "good", "backup_age_s": "0"}
    [(line, level)] = stage.lines
    assert line.startswith(f"made the backup {stage.directory}/chat-") and line.endswith("checked")
    assert level == Level.INFO
    stage.set_back(HOUR_S)
    stage.now_s += HOUR_S - 1
    assert stage.look() == 1
    assert stage.backups.state.facts()["backup_age_s"] == str(HOUR_S - 1)
    stage.now_s += 1
    assert stage.look() == 2


def test_a_restart_does_not_begin_anew(stage: Stage) -> None:
    """The next one is due an interval after the newest that is there."""
    stage.configure()
    stage.look()
    stage.set_back(HOUR_S // 2)
    stage.start()
    assert stage.look() == 1
    assert abs(int(stage.backups.state.facts()["backup_age_s"]) - HOUR_S // 2) <= 2
    stage.now_s += HOUR_S // 2 + 2
    assert stage.look() == 2


def test_a_reload_switches_them_on_and_off(stage: Stage, tmp_path: Path) -> None:
    """Another directory begins with a backup; another number counts from the next one on."""
    stage.configure()
    stage.look()
    stage.configure(directory=tmp_path / "elsewhere")
    stage.look()
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    stage.configure(0)
    stage.now_s += 10 * HOUR_S
    stage.look()
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    assert stage.backups.state.facts() == {}


def test_the_oldest_go(stage: Stage) -> None:
    """``backup.keep`` are left, and the log says how many were deleted."""
    stage.configure(keep=2)
    for _ in range(4):
        stage.look()
        stage.set_back(HOUR_S)
        stage.now_s += HOUR_S
    assert stage.count() == 2
    assert stage.lines[-1][0].endswith("; deleted 1 old")


def test_a_failure_is_logged_once_and_stays_in_the_status(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again every ten minutes, and is over with the next good backup."""
    stage.configure()
    tries = []

    def fail(*_: object, **__: object) -> None:
        tries.append(stage.now_s)
        raise StorageError("no room")

    monkeypatch.setattr(BackupDirectory, "make", fail)
    for number in range(3):
        with pytest.raises(StorageError):
            stage.look()
        stage.backups._fail("no room")
        stage.look()
        assert len(tries) == number + 1  # nothing is tried before the time
        stage.now_s += RETRY_S
    assert stage.lines == [("no backup could be made: no room", Level.WARNING)]
    facts = stage.backups.state.facts()
    assert facts == {"backup": "failed: no room"}
    trouble = find_trouble("backup", facts)
    assert trouble is not None and "no room" in trouble.problem
    monkeypatch.undo()
    monkeypatch.setattr(time, "monotonic", lambda: stage.now_s)
    assert stage.look() == 1
    assert stage.backups.state.facts()["backup"] == "good"
    assert find_trouble("backup", stage.backups.state.facts()) is None


def test_a_failure_keeps_the_age_of_the_last_good_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise nobody would see how much is at stake."""
    stage.configure()
    stage.look()
    stage.now_s += HOUR_S

    def fail(*_: object, **__: object) -> None:
        raise StorageError("the copy has faults")

    monkeypatch.setattr(BackupDirectory, "make", fail)
    with pytest.raises(StorageError):
        stage.look()
    stage.backups._fail("the copy has faults")
    assert stage.backups.state.facts() == {"backup": "failed: the copy has faults", "backup_age_s": str(HOUR_S)}


def test_a_disk_that_others_fill_meanwhile(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy under way is given up before it takes the last room, and nothing of it stays."""
    stage.configure()
    real = os.statvfs

    def statvfs(path: Path) -> os.statvfs_result:
        values = list(real(path))
        if any(stage.directory.glob("*.partial-*")):
            values[4] = 0  # f_bavail
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", statvfs)
    with pytest.raises(StorageError, match="the disk is nearly full"):
        stage.look()
    assert list(stage.directory.iterdir()) == []


def test_settings_that_change_meanwhile(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy under way is given up, without a failure."""
    stage.configure()
    monkeypatch.setattr(stage.backups, "_require_room", lambda: stage.configure(0))
    original = stage.backups._require_wanted

    def require() -> None:
        stage.configure(2 * HOUR_S)
        original()

    monkeypatch.setattr(stage.backups, "_require_wanted", require)
    with pytest.raises(backups_module._Stopped):
        stage.look()
    assert list(stage.directory.iterdir()) == []
    assert not stage.backups.state.is_under_way


def test_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes what is due, takes no lock of the hub, outlives faults, and ends when it is told to."""
    monkeypatch.setattr(backups_module, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(copy_check, "_INSTRUCTIONS", 10)
    stage = Stage(tmp_path / "chat.db")
    faults = [ZeroDivisionError(), OSError(5, "Input/output error", "disk"), StorageError("broken")]
    original: Callable[[], None] = stage.backups.look

    def look() -> None:
        if faults:
            raise faults.pop()
        original()

    monkeypatch.setattr(stage.backups, "look", look)
    stage.configure()
    stage.backups.start()
    try:
        until(lambda: stage.backups.state.facts().get("backup") == "good", "a backup")
    finally:
        stage.backups.stop(20)
    assert not stage.backups.is_alive()
    assert [line for line, _ in stage.lines][:3] == [
        "no backup could be made: broken",
        "no backup could be made: disk: Input/output error",
        "no backup could be made: a fault of the program, which the log has",
    ]
    assert stage.count() == 1


def test_the_end_of_the_daemon_ends_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up at its next step, nothing of it stays, and it is no failure."""
    monkeypatch.setattr(backups_module, "LOOK_EVERY_S", 0.001)
    stage = Stage(tmp_path / "chat.db")
    under_way = threading.Event()

    def wait_for_the_end() -> None:
        under_way.set()
        stage.backups._stopping.wait(20)
        original()

    original = stage.backups._rest
    monkeypatch.setattr(stage.backups, "_rest", wait_for_the_end)
    stage.configure()
    stage.backups.start()
    assert under_way.wait(20)
    assert stage.backups.state.facts() == {"backup": "under way"}
    stage.backups.stop(20)
    assert not stage.backups.is_alive()
    assert list(stage.directory.iterdir()) == []
    assert stage.lines == []


def test_the_state_of_backups() -> None:
    """Each has a word of its own, and the age is there if there is a good one."""
    assert BackupState(HOUR_S).facts() == {"backup": "none yet"}
    assert BackupState(HOUR_S, is_under_way=True).facts() == {"backup": "under way"}
    made = BackupState(HOUR_S, time.monotonic() - 61)
    assert made.facts() == {"backup": "good", "backup_age_s": "61"}
