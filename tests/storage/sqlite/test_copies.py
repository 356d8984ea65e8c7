from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from chatroom.chat.stored.records import Actor, NewBan, Role
from chatroom.errors import DatabaseDamaged, DiskFull, StorageError
from chatroom.storage.sql.timestamps import utc_now
from chatroom.storage.sqlite import copy_check
from chatroom.storage.sqlite.backup import require_room, write_copy
from chatroom.storage.sqlite.copy_check import require_sound
from chatroom.storage.sqlite.file_inspection import list_checks, read_status
from chatroom.storage.sqlite.restore import put_in_place
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores
from chatroom.storage.sqlite.vacuum import rewritten


def fill(stores: SqliteStores, by: Actor, count: int = 1000) -> None:
    """Make the database some MiB large."""
    stores.bans.add_many([NewBan("name", f"name{number}", "x" * 3000, None) for number in range(count)], by)


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have every disk say that so many bytes are free."""
    real = os.statvfs("/")

    def limit(free: int) -> None:
        values = list(real)
        values[0] = values[1] = 4096  # f_bsize, f_frsize
        values[4] = free // 4096  # f_bavail
        monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(values))

    return limit


def test_no_copy_is_begun_without_room_for_it(
    stores: SqliteStores, tmp_path: Path, by: Actor, little_room: Callable[[int], None]
) -> None:
    """The refusal says how much is free and how much is needed, and nothing is written."""
    fill(stores, by)
    little_room(1024 * 1024)
    with pytest.raises(DiskFull, match=r"1 MiB are free in .*, the copy needs [0-9]+ MiB"):
        write_copy(stores.database, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy*"))
    little_room(16 * 1024 * 1024)
    require_room(stores.database, tmp_path / "copy.db")
    with pytest.raises(DiskFull, match="100 MiB are to stay free"):
        require_room(stores.database, tmp_path / "copy.db", keep_bytes=100 * 1024 * 1024)


def test_a_copy_with_a_fault_gets_no_name(stores: SqliteStores, tmp_path: Path, by: Actor) -> None:
    """The check sees the whole copy before it has its name, and what it raises leaves nothing."""
    fill(stores, by)
    target = tmp_path / "copy.db"

    def damage(copy: Path) -> None:
        assert not target.exists()
        with open(copy, "r+b") as file:
            file.seek(copy.stat().st_size // 2)
            file.write(b"\x99" * 20_000)
        require_sound(copy, target)

    with pytest.raises(DatabaseDamaged, match=r"copy\.db: not written: the copy has faults"):
        write_copy(stores.database, target, check=damage)
    assert not list(tmp_path.glob("copy*"))


def test_a_sound_copy(stores: SqliteStores, tmp_path: Path, by: Actor) -> None:
    """Each check of "db check" is made and reported, and no file is made beside the copy."""
    fill(stores, by)
    target, reports = tmp_path / "copy.db", list[tuple[int, int]]()

    def check(copy: Path) -> None:
        require_sound(copy, target, progress=lambda done, total: reports.append((done, total)))
        assert [path.name for path in tmp_path.glob("copy*")] == [copy.name]

    write_copy(stores.database, target, check=check)
    count = len(list_checks(stores.database))
    assert reports == [(number, count) for number in range(1, count + 1)]


def test_a_check_can_rest_and_end(
    stores: SqliteStores, tmp_path: Path, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It calls ``rest`` again and again, and ends when that says so."""
    monkeypatch.setattr(copy_check, "_INSTRUCTIONS", 100)
    fill(stores, by)
    target, calls = tmp_path / "copy.db", list[bool]()

    def rest() -> bool:
        calls.append(True)
        return len(calls) == 3

    write_copy(stores.database, target)
    with pytest.raises(StorageError, match="interrupted"):
        require_sound(target, target, rest=rest)
    assert len(calls) == 3


def test_a_database_written_anew(stores: SqliteStores, path: Path, by: Actor) -> None:
    """It has the same contents, version and settings, no free pages, and is closed to other users."""
    stores.accounts.create("ada", Role.ADMIN, [], by)
    fill(stores, by)
    stores.database.execute("DELETE FROM bans")
    before = read_status(stores.database)
    assert before.free > before.size // 4
    reports: list[tuple[int, int]] = []
    with rewritten(stores.database, lambda done, total: reports.append((done, total))) as made:
        require_sound(made, path)
        assert made.stat().st_mode & 0o777 == 0o600
        assert made.stat().st_size <= before.size - before.free
        stores.close()
        for old in put_in_place(made, path, utc_now()):
            old.unlink()
    assert reports == sorted(reports) and all(done <= total for done, total in reports)
    with open_stores(path, migrate=True) as again:
        after = read_status(again.database)
        assert (after.version, after.free) == (before.version, 0)
        assert [account.name for account in again.accounts.list_all()] == ["ada"]
        assert again.database.number("PRAGMA auto_vacuum") == 2
        assert again.database.number("PRAGMA application_id") == 0x63686174
        again.bans.add("name", "mallory", "", None, by)
    assert [one.name for one in path.parent.glob("*vacuum*")] == []


def test_no_rewriting_without_room(
    stores: SqliteStores, path: Path, by: Actor, little_room: Callable[[int], None]
) -> None:
    """The refusal comes before anything is written, and the database stays as it is."""
    fill(stores, by)
    little_room(17 * 1024 * 1024)
    with pytest.raises(DiskFull, match="needs up to"), rewritten(stores.database, lambda done, total: None):
        raise AssertionError
    assert not list(path.parent.glob("*vacuum*"))


def test_a_rewriting_that_ends_leaves_nothing(stores: SqliteStores, path: Path, by: Actor) -> None:
    """If the new file is not taken, it is removed, and the database is the old one."""
    fill(stores, by)
    with pytest.raises(KeyboardInterrupt), rewritten(stores.database, lambda done, total: None):
        raise KeyboardInterrupt
    assert not list(path.parent.glob("*vacuum*"))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM bans").fetchone() == (1000,)
    connection.close()
