from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from harness.checked_setup import CheckedSetup

from chatroom.chat.stored.records import Actor
from chatroom.ctl.checks import free_disk
from chatroom.storage.sqlite.sqlite_stores import open_stores

Run = Callable[..., Result]


def test_no_database(setup: CheckedSetup) -> None:
    """The way out makes one."""
    setup.database.unlink()
    assert "there is no database" in setup.find()["database"][0]


def test_a_file_that_is_no_database(setup: CheckedSetup) -> None:
    """Its error is a finding of the database alone, and the other families are looked at."""
    setup.database.write_bytes(b"x" * 4096)
    setup.database.chmod(0o600)
    assert list(setup.find()) == ["database"]


def test_a_damaged_database(setup: CheckedSetup, run: Run) -> None:
    """The same faults as of "db check" are found, and --quick does not look for them."""
    with sqlite3.connect(setup.database, isolation_level=None) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX audit_by_actor ON audit (target)'"
            " WHERE name = 'audit_by_actor'"
        )
    connection.close()
    with open_stores(setup.database) as stores:
        stores.audit.add(Actor("ada", "cli"), "test", "target", "")
    [found] = setup.find()["database"]
    assert "faults found: 1" in found and "restore a backup" in found
    first = run("db", "check").stdout.splitlines()[0]
    assert first in found
    assert "database" not in setup.find("--quick")


@pytest.mark.parametrize("version, words", [(1, "chatroomctl db migrate"), (9999, "a newer chatroom")])
def test_a_database_of_another_version(setup: CheckedSetup, version: int, words: str) -> None:
    """An older one is upgraded by the daemon; a newer one needs the newer program."""
    with sqlite3.connect(setup.database) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    assert words in setup.find("--quick")["database"][0]


def test_no_admin(setup: CheckedSetup, run: Run) -> None:
    """Nobody could rule the chat."""
    assert run("user", "disable", "ada", "--force").exit_code == 0
    assert "no admin can log in" in setup.find()["database"][0]


def test_a_log_that_is_not_moved_into_the_database(setup: CheckedSetup) -> None:
    """A program that reads for very long keeps the write-ahead log growing."""
    from chatroom.ctl.checks import database_health

    reader = sqlite3.connect(setup.database, isolation_level=None)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(database_health, "_LARGE_LOG_BYTES", 0)
            reader.execute("SELECT count(*) FROM accounts").fetchall()
            with open_stores(setup.database) as stores:
                stores.audit.add(Actor("ada", "cli"), "test", "target", "")
                assert "write-ahead log has" in setup.find()["database"][0]
    finally:
        reader.close()


def test_modes_and_owners(setup: CheckedSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and directories that others can read or change are named with the command that closes them."""
    setup.database.chmod(0o644)
    setup.database.parent.chmod(0o777)
    setup.config.chmod(0o666)
    found = setup.find()
    assert "chmod 0600" in found["permissions"][0]
    assert "other users can replace the database" in found["permissions"][1]
    assert "other users can change it" in found["configuration"][0]


def test_a_file_of_another_owner(setup: CheckedSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command of root has left beside the database would stop the daemon."""
    left = Path(f"{setup.database}-reserve")
    left.touch(0o600)
    monkeypatch.setattr(
        "chatroom.ctl.checks.file_rights.owner_name", lambda path: "root" if path == left else "chatroom"
    )
    [found] = setup.find()["permissions"]
    assert f"{left} belongs to root" in found and f"chown chatroom {left}" in found


def test_the_log_file(setup: CheckedSetup, home: Path) -> None:
    """Its directory must be there."""
    setup.configure(f'[log]\nfile = "{home}/nowhere/chat.log"')
    assert "there is no directory" in setup.find()["permissions"][0]
    setup.configure(f'[log]\nfile = "{home}"')
    assert "is not a file" in setup.find()["permissions"][0]


def test_little_room(setup: CheckedSetup) -> None:
    """The bound is the one that the daemon warns at."""
    setup.config.write_text(setup.config.read_text().replace("warn_free_mb = 0", "warn_free_mb = 999999999"))
    assert "less than database.warn_free_mb (999999999)" in setup.find()["disk"][0]


def test_no_room_for_further_files(setup: CheckedSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk can be full of small files."""
    real = os.statvfs(setup.home)
    values = list(real)
    values[7] = 3  # f_favail
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(values))
    assert "room for 3 more files" in setup.find("--quick")["disk"][0]


def test_a_file_system_of_a_network(setup: CheckedSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's locks do not hold on one."""
    monkeypatch.setattr(free_disk, "find_file_system", lambda directory, mounts: "nfs4")
    assert "nfs4" in setup.find()["disk"][0]


def test_the_file_system_of_a_directory(tmp_path: Path) -> None:
    """The deepest mount above it counts, and of several at one place the last."""
    table = tmp_path / "mounts"
    table.write_text(
        f"/dev/a / ext4 rw 0 0\nserver:/x {tmp_path} nfs rw 0 0\nx {tmp_path} tmpfs rw 0 0\ny /els nfs4 rw 0 0\n"
    )
    assert free_disk.find_file_system(tmp_path, table) == "tmpfs"
    assert free_disk.find_file_system(Path("/"), table) == "ext4"
    assert free_disk.find_file_system(tmp_path, tmp_path / "none") == ""
    (tmp_path / "a b").mkdir()
    table.write_text(f"x {tmp_path}/a\\040b cifs rw 0 0\n")
    assert free_disk.find_file_system(tmp_path / "a b", table) == "cifs"


def test_a_clock_that_is_behind(setup: CheckedSetup) -> None:
    """The last change by an operator is later than the clock says it is now."""
    ahead = datetime.now(UTC) + timedelta(days=2)
    with open_stores(setup.database, clock=lambda: ahead) as stores:
        stores.audit.add(Actor("ada", "cli"), "test", "target", "")
    assert "last change by an operator" in setup.find()["clock"][0]


def test_a_clock_before_the_installation(setup: CheckedSetup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a battery for its clock begins in the past."""
    later = tmp_path / "__init__.py"
    later.touch()
    os.utime(later, (4102444800, 4102444800))
    monkeypatch.setattr("chatroom.ctl.checks.clock_time.chatroom.__file__", str(later))
    assert "this program was installed at 2100-01-01" in setup.find()["clock"][0]


def test_nothing_is_changed(setup: CheckedSetup) -> None:
    """The check leaves the files of the set-up as they are, with their modes."""

    def state() -> dict[Path, tuple[int, bytes]]:
        files = [path for path in setup.home.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal"))]
        return {path: (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) for path in files}

    before = state()
    setup.run()
    assert state() == before
