from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from harness.shell import Shell

from chatroom.chat.stored.records import Actor, NewBan
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.sqlite.sqlite_stores import open_stores

BY = Actor("tester", "cli")
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell without a database."""
    return Shell(tmp_path / "data" / "chatroom.db")


def ctl(shell: Shell, *words: str) -> list[str]:
    """Return the call of the program on the database."""
    return [sys.executable, "-m", "chatroom.ctl", "--database", str(shell.database), *words]


def fill(shell: Shell) -> None:
    """Make an account and some MiB of bans, and delete most of these."""
    shell.create("alice")
    with shell.stores() as stores:
        stores.bans.add_many([NewBan("name", f"name{number}", "x" * 3000, None) for number in range(1000)], BY)
        stores.database.execute("DELETE FROM bans WHERE id > 10")


def test_a_backup_is_checked(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged database gives no backup that looks like a good one, and the old one stays."""
    shell.create("alice")
    copy = tmp_path / "copy.db"
    assert "found no faults in the copy" in shell.done("db", "backup", str(copy))
    good = copy.read_bytes()
    with shell.stores() as stores:
        stores.bans.add_many([NewBan("name", f"name{number}", "x" * 500, None) for number in range(200)], BY)
    content = bytearray(shell.database.read_bytes())
    at = len(content) * 3 // 4  # among the bans, which came last
    content[at : at + 20000] = b"\x99" * 20000
    shell.database.write_bytes(content)
    assert "copy.db: not written: the copy has faults" in shell.refused("db", "backup", "--force", str(copy))
    assert copy.read_bytes() == good
    assert not list(tmp_path.glob("*partial*"))


def test_a_backup_to_standard_output(shell: Shell, tmp_path: Path) -> None:
    """It is the same database; what is said of it goes to stderr, and nothing is left beside the database."""
    shell.create("alice")
    before = sorted(path.name for path in shell.database.parent.iterdir())
    done = subprocess.run(ctl(shell, "db", "backup", "-"), capture_output=True, cwd=CHECKOUT, check=True)
    assert done.stderr.decode().startswith(f"Copied {shell.database} to standard output (")
    copy = tmp_path / "copy.db"
    copy.write_bytes(done.stdout)
    with open_stores(copy) as copied:
        assert [account.name for account in copied.accounts.list_all()] == ["alice"]
    copy.unlink()
    assert sorted(path.name for path in shell.database.parent.iterdir() if not path.name.startswith("copy")) == before


def test_a_reader_that_goes_away(shell: Shell) -> None:
    """The end of a pipe is no traceback, and leaves nothing beside the database."""
    fill(shell)
    process = subprocess.Popen(
        ctl(shell, "db", "backup", "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=CHECKOUT
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 1
    assert not list(shell.database.parent.glob("*backup*"))


def test_json_and_a_backup_on_standard_output(shell: Shell) -> None:
    """Both would be mixed, so that is a mistake in the call."""
    assert "cannot be used together" in shell.misused("db", "backup", "-", "--json")


def test_no_backup_on_a_terminal(shell: Shell) -> None:
    """Its bytes would steer the terminal."""
    shell.create("alice")
    output, code = pexpect.run(
        " ".join(ctl(shell, "db", "backup", "-")),
        withexitstatus=True,
        encoding="utf-8",
        cwd=str(CHECKOUT),
        env={**os.environ, "TERM": "xterm"},
    )
    assert code == 1
    assert "no text for a terminal" in output


def test_vacuum(shell: Shell) -> None:
    """The file is written anew without its free pages; it says how much that freed, and the audit knows."""
    fill(shell)
    before = shell.database.stat().st_size
    found = shell.json("db", "vacuum")
    after = shell.database.stat().st_size
    assert after < before * 3 // 4
    assert found["freed"] == found["before"] - found["after"] > 0
    assert found["after"] >= after
    assert shell.json("user", "list")[0]["name"] == "alice"
    assert shell.json("audit", "list")[-1]["action"] == "db.vacuum"
    assert not [
        path.name for path in shell.database.parent.glob("*") if "vacuum" in path.name or "replaced" in path.name
    ]
    assert shell.done("db", "check").endswith("has no faults\n")
    assert "freed" in shell.done("db", "vacuum")


def test_vacuum_while_a_daemon_runs(shell: Shell) -> None:
    """It is refused: the daemon would go on with the old file."""
    shell.create("alice")
    with DaemonLock.acquire(shell.database):
        assert "a daemon uses this database; stop it first" in shell.refused("db", "vacuum")


def test_vacuum_of_a_database_behind_a_link(shell: Shell, tmp_path: Path) -> None:
    """The link stays, and leads to the new file."""
    fill(shell)
    link = tmp_path / "link.db"
    link.symlink_to(shell.database)
    before = shell.database.stat().st_size
    linked = Shell(link)
    linked.done("db", "vacuum")
    assert link.is_symlink()
    assert shell.database.stat().st_size < before * 3 // 4
    assert linked.json("user", "list")[0]["name"] == "alice"


@pytest.mark.parametrize("command", ["backup -", "vacuum --yes"])
def test_progress(shell: Shell, tmp_path: Path, command: str) -> None:
    """Each part shows a bar up to the end, on stderr."""
    fill(shell)
    output, code = pexpect.run(
        f"sh -c '{' '.join(ctl(shell, 'db', command))} > {tmp_path}/out'",
        withexitstatus=True,
        encoding="utf-8",
        cwd=str(CHECKOUT),
        env={**os.environ, "TERM": "xterm"},
    )
    assert code == 0, output
    for label in ("Copying", "Checking", "Writing") if command == "backup -" else ("Writing", "Checking"):
        assert label in output
    assert "100%" in output
