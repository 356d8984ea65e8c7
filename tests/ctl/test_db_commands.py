from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from harness.shell import Shell

from chatroom.chat.stored.records import Actor, NewBan
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.migration_files import Migration
from chatroom.storage.sqlite import file_inspection, migrate
from chatroom.storage.sqlite.migrate import load_migrations, newest_version
from chatroom.storage.sqlite.sqlite_stores import open_stores

BY = Actor("root", "cli")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell without a database."""
    return Shell(tmp_path / "data" / "chatroom.db")


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Add a migration to those of the code, and return its number."""

    def turn() -> int:
        migrations = (*load_migrations(), Migration(newest_version() + 1, "extra", "CREATE TABLE extra (a);"))
        monkeypatch.setattr(migrate, "load_migrations", lambda: migrations)
        return len(migrations)

    return turn


def test_status(shell: Shell) -> None:
    """Path, version, sizes and contents are shown as lines and as one document."""
    shell.create("alice", "admin")
    with shell.stores() as stores:
        stores.bans.add("name", "mallory", "", None, BY)
    found = shell.json("db", "status")
    assert found["path"] == str(shell.database)
    assert (found["state"], found["version"], found["served"]) == ("current", newest_version(), False)
    assert found["size"] == shell.database.stat().st_size
    assert found["rows"] == {
        "accounts": 1,
        "admins": 1,
        "bans_in_force": 1,
        "bans": 1,
        "filters": 0,
        "channels": 0,
        "audit": 2,
    }
    assert [one["number"] for one in found["migrations"]] == list(range(1, newest_version() + 1))
    lines = dict(line.split("  ", 1) for line in shell.done("db", "status").splitlines())
    assert lines["Database"].strip() == str(shell.database)
    assert lines["Served"].strip() == "no"
    assert lines["Bans in force"].strip() == "1"


def test_status_while_served(shell: Shell) -> None:
    """The status says if a daemon serves the database."""
    shell.create("alice")
    with DaemonLock.acquire(shell.database):
        assert shell.json("db", "status")["served"] is True
        assert "by a daemon" in shell.done("db", "status")


def test_status_of_other_versions(shell: Shell, upgrade: Callable[[], int]) -> None:
    """An older or newer database has a status, which says what to do."""
    shell.create("alice")
    number = upgrade()
    assert shell.json("db", "status")["state"] == "outdated"
    assert "db migrate" in shell.done("db", "status")
    with sqlite3.connect(shell.database) as connection:
        connection.execute(f"PRAGMA user_version = {number + 1}")
    connection.close()
    assert shell.json("db", "status")["state"] == "newer"
    assert "newer chatroom" in shell.done("db", "status")


@pytest.mark.parametrize("command", [("status",), ("check",), ("backup", "copy.db")])
def test_missing_database(shell: Shell, command: tuple[str, ...]) -> None:
    """Commands that only read do not create a database. They say which command does."""
    assert "db migrate" in shell.refused("db", *command)
    assert not shell.database.parent.exists()


@pytest.mark.parametrize("command", [("status",), ("check",), ("backup", "copy.db"), ("migrate",)])
def test_what_is_not_ours(shell: Shell, command: tuple[str, ...]) -> None:
    """Any other file is refused in one line and not changed."""
    shell.database.parent.mkdir()
    shell.database.write_bytes(b"precious notes" * 1000)
    assert "not a database" in shell.refused("db", *command)
    assert shell.database.read_bytes() == b"precious notes" * 1000


def test_migrate_creates(shell: Shell) -> None:
    """Without a database one is created. The second time there is nothing to do."""
    assert shell.done("db", "migrate") == f"Created {shell.database}\n"
    assert "nothing to do" in shell.done("db", "migrate")
    assert shell.json("user", "list") == []


def test_migrate_upgrades(shell: Shell, upgrade: Callable[[], int]) -> None:
    """An older database is upgraded and its copy named. Until then other commands ask for the upgrade."""
    shell.create("alice")
    number = upgrade()
    assert "chatroomctl db migrate" in shell.refused("user", "list")
    copy = shell.database.with_name(f"{shell.database.name}.before-{number:04}")
    assert shell.done("db", "migrate") == (
        f"Migrated {shell.database} from version {number - 1} to {number}; the old one is in {copy}\n"
    )
    assert copy.exists()
    assert [one["name"] for one in shell.json("user", "list")] == ["alice"]


def test_migrate_leaves_a_served_database(shell: Shell, upgrade: Callable[[], int]) -> None:
    """An older database is not migrated while a daemon serves it. A current one needs no migration."""
    shell.create("alice")
    with DaemonLock.acquire(shell.database):
        assert "nothing to do" in shell.done("db", "migrate")
        upgrade()
        assert "stop it" in shell.refused("db", "migrate")
        assert shell.json("db", "status")["state"] == "outdated"


def test_migrate_refuses_what_is_newer(shell: Shell) -> None:
    """A newer database is not migrated back."""
    shell.create("alice")
    with sqlite3.connect(shell.database) as connection:
        connection.execute(f"PRAGMA user_version = {newest_version() + 1}")
    connection.close()
    for command in (("db", "migrate"), ("user", "list"), ("user", "create", "bob")):
        assert "newer chatroom" in shell.refused(*command)


def test_backup(shell: Shell, tmp_path: Path) -> None:
    """The backup of a database in use has all committed rows, and only its owner can read it."""
    shell.create("alice")
    copy = tmp_path / "copy.db"
    with shell.stores() as in_use:
        in_use.bans.add("name", "mallory", "", None, BY)
        said = shell.done("db", "backup", str(copy))
    assert said.startswith(f"Copied {shell.database} to {copy} (")
    assert copy.stat().st_mode & 0o777 == 0o600
    with open_stores(copy) as copied:
        assert [account.name for account in copied.accounts.list_all()] == ["alice"]
        assert [ban.target for ban in copied.bans.list_all()] == ["mallory"]


def test_backup_keeps_what_is_there(shell: Shell, tmp_path: Path) -> None:
    """An existing file is replaced with --force only, and the database itself never."""
    shell.create("alice")
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    assert str(copy) in shell.refused("db", "backup", str(copy))
    assert copy.read_text() == "precious"
    shell.done("db", "backup", "--force", str(copy))
    open_stores(copy).close()
    assert "itself" in shell.refused("db", "backup", "--force", str(shell.database))
    assert len(shell.json("user", "list")) == 1


def test_check_of_a_good_database(shell: Shell) -> None:
    """A database without faults gives exit code 0."""
    shell.create("alice")
    assert shell.done("db", "check") == f"{shell.database} has no faults\n"
    assert shell.json("db", "check") == {"database": str(shell.database), "ok": True, "faults": []}


def test_check_finds_damage(shell: Shell) -> None:
    """Garbage in the middle of the file is reported and gives exit code 1."""
    with open_stores(shell.database, create=True) as stores:
        stores.bans.add_many([NewBan("name", f"name{number}", "x" * 500, None) for number in range(200)], BY)
    content = bytearray(shell.database.read_bytes())
    at = len(content) * 3 // 4  # among the bans, which came last
    content[at : at + 20000] = b"\x99" * 20000
    shell.database.write_bytes(content)
    result = shell.run("db", "check")
    assert result.exit_code == 1
    assert "file structure: " in result.stdout
    assert "faults found" in result.stderr
    assert result.stderr.count("\n") == 1


def test_check_finds_what_refers_to_nothing(shell: Shell) -> None:
    """A credential without its account, left by another program, is a fault."""
    shell.create("alice")
    with sqlite3.connect(shell.database) as connection:
        connection.execute("DELETE FROM accounts")
    connection.close()
    result = shell.run("db", "check", "--json")
    assert result.exit_code == 1
    assert '"references: a row of credentials refers to nothing"' in result.stdout


def test_check_reads_every_table(shell: Shell) -> None:
    """Every table of the schema is checked."""
    shell.create("alice")
    with shell.stores() as stores:
        labels = {check.label for check in file_inspection.list_checks(stores.database)}
    assert {"file structure", "references", "table accounts", "table bans", "table channel_lists"} <= labels
    assert not any("sqlite_" in label for label in labels)


@pytest.mark.parametrize("command", ["status", "migrate", "backup", "check", "vacuum"])
def test_help_has_an_example(shell: Shell, command: str) -> None:
    """The help of every command has an example."""
    assert f"chatroomctl db {command}" in shell.done("db", command, "--help").partition("Example")[2]


def test_progress_is_shown_at_a_terminal(shell: Shell, tmp_path: Path) -> None:
    """Copying and checking show their progress up to the end."""
    shell.create("alice")
    for label, command in (("Copying", ("backup", str(tmp_path / "copy.db"))), ("Checking", ("check",))):
        output, code = pexpect.run(
            " ".join([sys.executable, "-m", "chatroom.ctl", "--database", str(shell.database), "db", *command]),
            withexitstatus=True,
            encoding="utf-8",
            cwd=str(Path(__file__).parents[2]),
            env={**os.environ, "TERM": "xterm"},
        )
        assert code == 0
        assert label in output
        assert "100%" in output
