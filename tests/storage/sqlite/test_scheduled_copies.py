from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatroom.chat.stored.records import Actor, NewBan
from chatroom.errors import DiskFull, StorageError
from chatroom.storage.sql.server_keys import get_server_key
from chatroom.storage.sqlite.scheduled_copies import Backup, BackupDirectory
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def backups(tmp_path: Path, path: Path, stores: SqliteStores) -> BackupDirectory:
    """An empty directory, which does not exist yet, for a database with its secret."""
    get_server_key(stores.database, "cloak")
    return BackupDirectory(tmp_path / "backups", path)


def make(backups: BackupDirectory, stores: SqliteStores, now: datetime = NOW) -> Backup:
    """Make a backup without resting."""
    return backups.make(stores.database, now, keep_free_bytes=0, progress=lambda done, total: None, rest=lambda: False)


def names(directory: Path) -> list[str]:
    """The names in a directory."""
    return sorted(path.name for path in directory.iterdir())


def test_a_backup(backups: BackupDirectory, stores: SqliteStores, path: Path, tmp_path: Path, by: Actor) -> None:
    """It is a whole database under a name with the time in UTC, and only its owner can read file and directory."""
    stores.bans.add("name", "mallory", "", None, by)
    made = make(backups, stores)
    assert made == Backup(tmp_path / "backups" / f"{path.stem}-20300102T030405Z.db", NOW)
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.parent.stat().st_mode & 0o777 == 0o700
    with open_stores(made.path) as copied:
        assert [ban.target for ban in copied.bans.list_all()] == ["mallory"]
    assert backups.find_newest(stores.database, NOW) == made


def test_the_newest_backup(backups: BackupDirectory, stores: SqliteStores, tmp_path: Path) -> None:
    """It is the last by the name; one from the future was made by a wrong clock, and without any there is none."""
    assert backups.find_newest(stores.database, NOW) is None
    make(backups, stores, NOW - DAY)
    newest = make(backups, stores, NOW)
    make(backups, stores, NOW + DAY)
    assert backups.find_newest(stores.database, NOW) == newest
    assert [one.made_at for one in backups.list_all()] == [NOW + DAY, NOW, NOW - DAY]


def test_rotation(backups: BackupDirectory, stores: SqliteStores, tmp_path: Path) -> None:
    """As many as are to be kept are left, the newest of them."""
    made = [make(backups, stores, NOW + number * DAY) for number in range(5)]
    assert backups.rotate(stores.database, 3, made[4]) == [made[1].path, made[0].path]
    assert [one.made_at for one in backups.list_all()] == [NOW + number * DAY for number in (4, 3, 2)]
    assert backups.rotate(stores.database, 3, made[4]) == []


def test_rotation_keeps_what_was_just_made(backups: BackupDirectory, stores: SqliteStores) -> None:
    """Also if files from the future, of a clock that was wrong, seem to be newer."""
    later = [make(backups, stores, NOW + number * DAY) for number in (5, 6)]
    made = make(backups, stores, NOW)
    assert backups.rotate(stores.database, 1, made) == [later[1].path, later[0].path]
    assert [one.path for one in backups.list_all()] == [made.path]


def test_backups_from_the_future_go_first(backups: BackupDirectory, stores: SqliteStores) -> None:
    """The clock was wrong when they were made, perhaps by years. They must not take the places of all that follow."""
    later = [make(backups, stores, NOW + 400 * DAY + number * DAY) for number in range(3)]
    for number, gone in enumerate([[later[0]], [later[1]], [later[2]]]):
        made = make(backups, stores, NOW + number * DAY)
        assert backups.rotate(stores.database, 3, made) == [one.path for one in gone]
    assert [one.made_at for one in backups.list_all()] == [NOW + number * DAY for number in (2, 1, 0)]


def test_rotation_deletes_nothing_else(
    backups: BackupDirectory, stores: SqliteStores, path: Path, tmp_path: Path
) -> None:
    """Neither files with other names, nor those that only look like a backup, nor backups of another database."""
    directory = tmp_path / "backups"
    made = make(backups, stores)
    old = f"{path.stem}-20200101T000000Z.db"
    other = tmp_path / "other" / path.name
    with open_stores(other, create=True) as others:
        get_server_key(others.database, "cloak")
        others.database.checkpoint()
    shutil.copy(other, directory / old)
    (directory / f"{path.stem}-20200102T000000Z.db").write_text("not a database")
    (directory / f"{path.stem}-20200103T000000Z.db").symlink_to(made.path)
    (directory / f"{path.stem}-20200104T000000Z.db").mkdir()
    (directory / f"{path.stem}-20200199T000000Z.db").write_text("no date")
    for name in ("notes.txt", f"{path.stem}.db", f"my-{old}", f"{old}.gz", f"{path.stem}-2020.db"):
        (directory / name).write_text("precious")
    before = names(directory)
    assert backups.rotate(stores.database, 1, made) == []
    assert names(directory) == before


def test_what_a_killed_daemon_has_left(backups: BackupDirectory, stores: SqliteStores, tmp_path: Path) -> None:
    """Its unfinished copy goes with the next backup, soon if the process is gone; others may be at work here."""
    old = make(backups, stores)
    now_s, dead, alive = time.time(), 2**22 + 1, os.getppid()
    files = {
        f"{old.path.name}.partial-{dead}": (120, False),
        f"{old.path.name}.partial-{os.getpid()}": (120, False),  # a process of this number was here before
        f"{old.path.name}.partial-{dead + 1}": (0, True),
        f"{old.path.name}.partial-{alive}": (120, True),
        f"x.partial-{dead}": (4000, True),
        f"{old.path.name}.partial-x": (4000, True),
    }
    for name, (idle_s, _) in files.items():
        file = old.path.with_name(name)
        file.write_text("half")
        os.utime(file, (now_s - idle_s, now_s - idle_s))
    make(backups, stores, NOW + DAY)
    assert {name: old.path.with_name(name).exists() for name in files} == {
        name: stays for name, (_, stays) in files.items()
    }
    os.utime(old.path.with_name(f"{old.path.name}.partial-{alive}"), (now_s - 4000, now_s - 4000))
    make(backups, stores, NOW + 2 * DAY)
    assert not old.path.with_name(f"{old.path.name}.partial-{alive}").exists()


def test_no_room(backups: BackupDirectory, stores: SqliteStores, tmp_path: Path) -> None:
    """A backup that would leave too little is not begun."""
    with pytest.raises(DiskFull, match="MiB are to stay free"):
        backups.make(stores.database, NOW, keep_free_bytes=2**62, progress=lambda done, total: None, rest=lambda: False)
    assert names(tmp_path / "backups") == []


def test_a_directory_that_cannot_be_made(stores: SqliteStores, path: Path, tmp_path: Path) -> None:
    """The error names it."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file/backups: cannot write backups"):
        make(BackupDirectory(tmp_path / "file" / "backups", path), stores)


def test_nobody_who_writes_waits(backups: BackupDirectory, stores: SqliteStores, path: Path, by: Actor) -> None:
    """At each step of the copy and of its check, another connection gets the write lock at once."""
    stores.bans.add_many([NewBan("name", f"name{number}", "x" * 9000, None) for number in range(2000)], by)
    steps: list[str] = []
    with open_stores(path, busy_timeout_s=0) as other:

        def write_meanwhile(kind: str) -> None:
            other.bans.add("name", f"late{len(steps)}", "", None, by)  # DatabaseBusy if it had to wait
            steps.append(kind)

        def rest() -> bool:
            write_meanwhile("check")
            return False

        made = backups.make(
            stores.database, NOW, keep_free_bytes=0, progress=lambda done, total: write_meanwhile("copy"), rest=rest
        )
    assert steps.count("copy") > 3
    with open_stores(made.path) as copied:
        assert len(copied.bans.list_all()) == 2000
