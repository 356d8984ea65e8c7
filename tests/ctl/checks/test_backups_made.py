from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.checked_setup import CheckedSetup


@pytest.fixture
def directory(setup: CheckedSetup) -> Path:
    """The directory of the backups, which are configured to be made every day."""
    setup.configure('[backup]\nevery = "1d"')
    return setup.database.parent / "backups"


def make(directory: Path, age: timedelta) -> None:
    """Make a file that is called like a backup of that age."""
    directory.mkdir(mode=0o700, exist_ok=True)
    (directory / f"chat-{datetime.now(UTC) - age:%Y%m%dT%H%M%SZ}.db").touch(0o600)


def test_backups_that_are_made(setup: CheckedSetup, directory: Path) -> None:
    """A new one is there, so nothing is found."""
    make(directory, timedelta(days=5))
    make(directory, timedelta(hours=23))
    assert setup.find() == {}


def test_no_backup(setup: CheckedSetup, directory: Path) -> None:
    """A daemon that is about to make the first one is fine; one that cannot is a finding of the daemon alone."""
    assert "there is no backup in" in setup.find()["backups"][0]
    setup.serve(backup="failed: no room")
    assert list(setup.find()) == ["daemon"]


def test_the_first_backup_is_under_way(setup: CheckedSetup, directory: Path) -> None:
    """That is fine."""
    setup.serve(backup="under way")
    assert setup.find() == {}


def test_an_old_backup(setup: CheckedSetup, directory: Path) -> None:
    """The daemon does not run, or cannot make one."""
    make(directory, timedelta(days=3))
    assert "one is due every 1d" in setup.find()["backups"][0]


def test_a_backup_from_the_future(setup: CheckedSetup, directory: Path) -> None:
    """It was made by a wrong clock, and is no proof of anything."""
    make(directory, timedelta(days=-3))
    assert "there is no backup in" in setup.find()["backups"][0]


def test_a_directory_that_others_can_write_to(setup: CheckedSetup, directory: Path) -> None:
    """They could delete the backups."""
    make(directory, timedelta(hours=1))
    directory.chmod(0o777)
    assert "chmod 0700" in setup.find()["backups"][0]


def test_without_backups_there_is_nothing_to_look_at(setup: CheckedSetup) -> None:
    """They are off by default, and the operator may make them in another way."""
    assert "backups        - (backup.every is not set)" in setup.run().stdout
