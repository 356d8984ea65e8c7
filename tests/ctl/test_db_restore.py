"""``chatroomctl db restore``: it checks the copy, keeps what was there, and asks."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.shell import Shell

from chatroom.chat.stored.records import Actor
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.migration_files import Migration
from chatroom.storage.sqlite import migrate
from chatroom.storage.sqlite.migrate import load_migrations, newest_version
from chatroom.storage.sqlite.sqlite_stores import open_stores

BY = Actor("root", "cli")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell whose database has the account alice."""
    shell = Shell(tmp_path / "data" / "chatroom.db")
    shell.create("alice")
    return shell


@pytest.fixture
def backup(shell: Shell, tmp_path: Path) -> Path:
    """A backup with alice. The database has bob since."""
    file = tmp_path / "backup.db"
    shell.done("db", "backup", str(file))
    shell.create("bob")
    return file


def names(path: Path) -> list[str]:
    """The names of all accounts."""
    with open_stores(path) as stores:
        return [account.name for account in stores.accounts.list_all()]


def files(shell: Shell) -> list[str]:
    """What is in the directory of the database, but for the daemon's lock."""
    return sorted(path.name for path in shell.database.parent.iterdir() if path.suffix != ".lock")


def test_restore(shell: Shell, backup: Path) -> None:
    """The copy takes the place of the database, which is kept under a name with the time; the audit has it."""
    before = backup.read_bytes()
    said = shell.done("db", "restore", "--yes", str(backup)).splitlines()
    assert said[0] == f"Restored {shell.database} from {backup}"
    kept = Path(said[1].removeprefix("What was there is kept as "))
    assert kept.name.startswith("chatroom.db.replaced-")
    assert names(shell.database) == ["alice"]
    assert names(kept) == ["alice", "bob"]
    assert backup.read_bytes() == before
    assert files(shell) == ["chatroom.db", kept.name]
    assert shell.database.stat().st_mode & 0o777 == 0o600
    assert shell.json("audit", "list")[-1]["action"] == "db.restore"


def test_restore_as_json(shell: Shell, backup: Path) -> None:
    """``--json`` names the files that are kept."""
    found = shell.json("db", "restore", "--yes", str(backup))
    assert (found["database"], found["restored_from"]) == (str(shell.database), str(backup))
    assert (found["version"], found["newest_at"]) == (newest_version(), None)
    assert names(Path(found["kept"][0])) == ["alice", "bob"]
    # In the same second the files get another name.
    assert shell.json("db", "restore", "--yes", str(backup))["kept"] != found["kept"]


def test_the_log_is_kept_with_the_database(shell: Shell, backup: Path) -> None:
    """What a killed process left in its log is kept with the old file, and does not reach the new one."""
    with shell.stores() as stores:
        stores.bans.add("name", "mallory", "", None, BY)
        left = {suffix: Path(f"{shell.database}{suffix}").read_bytes() for suffix in ("", "-wal")}
    for suffix, content in left.items():
        Path(f"{shell.database}{suffix}").write_bytes(content)
    kept = shell.json("db", "restore", "--yes", str(backup))["kept"]
    assert kept[1] == kept[0] + "-wal"
    assert shell.json("ban", "list") == []
    with open_stores(Path(kept[0])) as old:
        assert [ban.target for ban in old.bans.list_all()] == ["mallory"]


def test_after_a_copy_by_hand(shell: Shell, backup: Path, tmp_path: Path) -> None:
    """A copy put beside an old log is refused by every command; both ways out work."""
    with shell.stores() as stores:
        stores.bans.add("name", "mallory", "", None, BY)
        log = Path(f"{shell.database}-wal").read_bytes()
    shutil.copy(backup, shell.database)
    Path(f"{shell.database}-wal").write_bytes(log)
    for command in (
        ("user", "list"),
        ("db", "status"),
        ("db", "check"),
        ("db", "migrate"),
        ("serve",),
        ("ban", "add", "eve"),
    ):
        said = shell.refused(*command)
        assert "chatroom.db-wal" in said
        assert "db restore FILE" in said
    shutil.copy(shell.database, tmp_path / "without-log.db")
    assert names(tmp_path / "without-log.db") == ["alice"]
    shell.done("db", "restore", "--yes", str(backup))
    assert names(shell.database) == ["alice"]
    assert shell.json("ban", "list") == []


def test_restore_asks_first(shell: Shell, backup: Path) -> None:
    """Without a terminal to ask at and without ``--yes`` nothing is changed. A missing database needs no question."""
    assert "--yes" in shell.refused("db", "restore", str(backup))
    assert names(shell.database) == ["alice", "bob"]
    assert files(shell) == ["chatroom.db"]
    shell.database.unlink()
    assert shell.done("db", "restore", str(backup)) == f"Restored {shell.database} from {backup}\n"
    assert names(shell.database) == ["alice"]


def test_what_is_not_restored(shell: Shell, backup: Path, tmp_path: Path) -> None:
    """A daemon that runs, a damaged copy, one of another program and the database itself are refused in one line."""
    with DaemonLock.acquire(shell.database):
        assert "stop it first" in shell.refused("db", "restore", "--yes", str(backup))
    assert "itself" in shell.refused("db", "restore", "--yes", str(shell.database))
    assert "not exist" in shell.misused("db", "restore", "--yes", str(tmp_path / "none.db"))
    content = bytearray(backup.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8000] = b"\x99" * 8000
    bad = {"damaged.db": bytes(content), "text.db": b"hello" * 2000, "empty.db": b""}
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (a)")
    other.close()
    for name in (*bad, "other.db"):
        said = shell.refused("db", "restore", "--yes", str(tmp_path / name))
        assert said.startswith(str(tmp_path / name))
        assert "restoring" not in said
    assert names(shell.database) == ["alice", "bob"]
    assert files(shell) == ["chatroom.db"]


def test_copies_of_other_versions(shell: Shell, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older copy is restored and waits for its upgrade; a newer one is refused."""
    current = load_migrations()
    newer = (*current, Migration(len(current) + 1, "extra", "CREATE TABLE extra (a);"))
    monkeypatch.setattr(migrate, "load_migrations", lambda: newer)
    assert f"version {len(current)}" in shell.done("db", "restore", "--yes", str(backup))
    shell.done("db", "migrate")
    upgraded = backup.with_name("upgraded.db")
    shell.done("db", "backup", str(upgraded))
    monkeypatch.setattr(migrate, "load_migrations", lambda: current)
    assert "newer chatroom" in shell.refused("db", "restore", "--yes", str(upgraded))


def test_a_copy_with_its_own_log(shell: Shell, backup: Path, tmp_path: Path) -> None:
    """If the files of a database were copied together, what is in the log belongs to the copy."""
    with shell.stores() as stores:
        stores.bans.add("name", "mallory", "", None, BY)
        for suffix in ("", "-wal"):
            shutil.copy(f"{shell.database}{suffix}", tmp_path / f"trio.db{suffix}")
    shell.done("db", "restore", "--yes", str(tmp_path / "trio.db"))
    assert [ban["target"] for ban in shell.json("ban", "list")] == ["mallory"]
    shutil.copy(backup, tmp_path / "trio.db")
    with shell.stores() as stores:
        stores.bans.add("name", "eve", "", None, BY)
        shutil.copy(f"{shell.database}-wal", tmp_path / "trio.db-wal")
    assert "trio.db-wal" in shell.refused("db", "restore", "--yes", str(tmp_path / "trio.db"))


def test_a_linked_database(shell: Shell, backup: Path, tmp_path: Path, move: Callable[[Path], None]) -> None:
    """A symbolic link stays, and the file that it names is replaced."""
    real = tmp_path / "disk" / "real.db"
    move(real)
    shell.done("db", "restore", "--yes", str(backup))
    assert shell.database.is_symlink()
    assert names(real) == ["alice"]
    assert any(path.name.startswith("real.db.replaced-") for path in real.parent.iterdir())


@pytest.fixture
def move(shell: Shell) -> Callable[[Path], None]:
    """A function that moves the database and leaves a link."""

    def to(real: Path) -> None:
        real.parent.mkdir()
        shell.database.rename(real)
        shell.database.symlink_to(real)

    return to
