"""``chatroomctl export`` and ``import``: everything arrives as it was, or nothing changes."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from pathlib import Path

import pytest
from harness.frozen_databases import FROZEN, thaw
from harness.full_database import fill_all, highest_ids, tables_of
from harness.new_database import make_database
from harness.shell import Shell

from chatroom.chat.stored.records import Actor, Role
from chatroom.errors import DiskFull
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.sql.archive_store import SqlArchive
from chatroom.storage.sql.inspection import run_check
from chatroom.storage.sqlite.file_inspection import list_checks, open_any
from chatroom.storage.sqlite.journal import open_journal
from chatroom.storage.sqlite.sqlite_stores import open_stores


@pytest.fixture
def full(tmp_path: Path) -> Shell:
    """A database with something in every column."""
    shell = Shell(make_database(tmp_path / "old" / "chat.db"))
    fill_all(shell.database)
    return shell


@pytest.fixture(autouse=True)
def directory(tmp_path: Path) -> None:
    """Where the first database is."""
    (tmp_path / "old").mkdir()


@pytest.fixture
def other(tmp_path: Path) -> Shell:
    """A place for another database, which does not exist."""
    return Shell(tmp_path / "new" / "chat.db")


@pytest.fixture
def archive(full: Shell, tmp_path: Path) -> str:
    """An archive of the full database."""
    file = str(tmp_path / "chat.zip")
    full.done("export", file)
    return file


def assert_same(one: Path, other: Path) -> None:
    """Both databases have the same rows, but for the audit of the import, which the second one has at its end."""
    before, after = tables_of(one), tables_of(other)
    imported = [row for row in after["audit"] if row["action"] == "archive.import"]
    assert len(imported) == 1
    after["audit"].remove(imported[0])
    assert after == before
    with closing(open_any(other)) as database:
        assert [fault for check in list_checks(database) for fault in run_check(database, check)] == []


def files(shell: Shell) -> dict[str, bytes]:
    """What is in the directory of the database, but for the daemon's lock."""
    if not shell.database.parent.exists():
        return {}
    return {path.name: path.read_bytes() for path in shell.database.parent.iterdir() if path.suffix != ".lock"}


def test_the_full_database_is_full(full: Shell) -> None:
    """Each column of each archived table has a value in some row, so a column that is forgotten is noticed."""
    for table, rows in tables_of(full.database).items():
        assert rows, f"{table}: put rows into tests/harness/full_database.py, or leave it out with a reason"
        for column in rows[0]:
            assert any(row[column] not in (None, 0, "") for row in rows), f"{table}.{column}"


def test_everything_arrives(full: Shell, other: Shell, archive: str) -> None:
    """An import into a database that does not exist has every row, with its ids. No id is given out again."""
    assert "12" in other.done("import", archive)
    assert_same(full.database, other.database)
    assert highest_ids(other.database) == highest_ids(full.database)
    with other.stores() as stores:
        assert stores.accounts.create("eve", Role.USER, [], Actor("root", "cli")).id == 9
        assert [entry.text for entry in stores.history.latest("#tea", 9, events=True)] == ["tea 0", "tea 4", "tea 8"]
    journal = open_journal(other.database)
    assert journal.last_message_id() == highest_ids(full.database)["message"]
    journal.close()
    assert len(other.json("history", "search", "tea 0")) == len(full.json("history", "search", "tea 0")) == 1


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda file: file.stem)
def test_what_an_older_chatroom_stored_arrives(frozen: Path, other: Shell, tmp_path: Path) -> None:
    """The database of each release is upgraded, exported and imported without loss."""
    old = Shell(thaw(frozen, tmp_path / "old.db"))
    assert "db migrate" in old.refused("export", str(tmp_path / "chat.zip"))
    old.done("db", "migrate")
    old.done("export", str(tmp_path / "chat.zip"))
    other.done("import", str(tmp_path / "chat.zip"))
    assert_same(old.database, other.database)


def test_the_archive_is_private(full: Shell, archive: str) -> None:
    """Only its owner can read it. One that exists is not replaced without ``--force``, and a database never."""
    assert stat.S_IMODE(os.stat(archive).st_mode) == 0o600
    before = Path(archive).read_bytes()
    assert "exists already" in full.refused("export", archive)
    assert Path(archive).read_bytes() == before
    full.done("export", archive, "--force")
    assert "database itself" in full.refused("export", str(full.database), "--force")


def test_through_a_pipe(full: Shell, other: Shell) -> None:
    """The archive can go to standard output and come from standard input."""
    result = full.run("export", "-")
    assert result.exit_code == 0
    other.done("import", "-", stdin=result.stdout_bytes)
    assert_same(full.database, other.database)


def test_a_terminal_gets_no_archive(full: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes would only upset it."""
    monkeypatch.setattr("chatroom.ctl.export_command.sys", type("sys", (), {"stdout": type("", (), {"isatty": bool})}))
    monkeypatch.setattr("chatroom.ctl.export_command.sys.stdout.isatty", lambda: True)
    assert "no text for a terminal" in full.refused("export", "-")


def test_a_full_disk_leaves_no_archive(full: Shell, tmp_path: Path) -> None:
    """An export that fails says why in one line."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    assert "No space left" in full.refused("export", "/dev/full")


def test_dry_run(full: Shell, other: Shell, archive: str) -> None:
    """It says what would be imported, and leaves nothing behind."""
    before = files(other)
    said = other.json("import", "--dry-run", archive)
    assert (said["dry_run"], said["records"]["messages"]) == (True, 12)
    assert files(other) == before


def test_a_database_with_contents_stays(full: Shell, other: Shell, archive: str) -> None:
    """It is refused, unless it is to be replaced; then its files are kept."""
    other.create("carol")
    before = files(other)
    assert "not empty" in other.refused("import", archive)
    assert "--yes" in other.refused("import", "--replace", archive)
    assert files(other) == before
    kept = Path(other.json("import", "--replace", "--yes", archive)["kept"][0])
    assert_same(full.database, other.database)
    with open_stores(kept) as stores:
        assert [account.name for account in stores.accounts.list_all()] == ["carol"]


def test_an_empty_database_is_filled(full: Shell, other: Shell, archive: str) -> None:
    """A database that was only created is no obstacle, and neither is one whose daemon has made its keys."""
    other.done("db", "migrate")
    with other.stores() as stores:
        stores.server_key("cloak")
    other.done("import", archive)
    assert_same(full.database, other.database)


def test_a_daemon_is_in_the_way(other: Shell, archive: str) -> None:
    """Nothing is imported while a daemon serves the place."""
    other.done("db", "migrate")
    before = files(other)
    with DaemonLock.acquire(other.database):
        assert "stop it first" in other.refused("import", archive)
    assert files(other) == before


def test_an_export_beside_a_writer(full: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while the export runs is not in it, and the writer does not wait."""
    read = SqlArchive.read_messages

    def say_first(self: SqlArchive, highest: object) -> object:
        full.create("late")
        with full.stores() as stores:
            stores.database.execute(
                "INSERT INTO messages SELECT id + 500, conversation_id, time_ms, kind, flags, source, account_id,"
                " account, target, body, client_tags FROM messages ORDER BY id DESC LIMIT 1"
            )
        return read(self, highest)  # type: ignore[arg-type]

    monkeypatch.setattr(SqlArchive, "read_messages", say_first)
    records = full.json("export", str(tmp_path / "chat.zip"))["records"]
    assert (records["accounts"], records["messages"]) == (2, 12)


@pytest.mark.parametrize("error", [DiskFull("no room"), KeyboardInterrupt(), SystemExit(143)])
def test_an_interrupted_import_changes_nothing(
    other: Shell, archive: str, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """A full disk, Ctrl-C or a signal in the middle leaves what was there, and no other file."""
    other.done("db", "migrate")
    before = files(other)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(SqlArchive, "finish", fail)
    assert other.run("import", archive).exit_code != 0
    assert files(other) == before


def test_the_database_is_a_link(full: Shell, other: Shell, archive: str, tmp_path: Path) -> None:
    """Where the path of the database is a link, the file that it leads to is the one that is filled."""
    other.done("db", "migrate")
    link = Shell(tmp_path / "link.db")
    link.database.symlink_to(other.database)
    link.done("import", archive)
    assert link.database.is_symlink()
    assert_same(full.database, other.database)


def test_a_file_called_as_a_subcommand(full: Shell, other: Shell, tmp_path: Path) -> None:
    """``import archive FILE`` is the long form, for options too."""
    full.done("export", str(tmp_path / "archive"))
    assert other.json("import", "archive", "--dry-run", str(tmp_path / "archive"))["records"]["keys"] == 2
    assert "does not exist" in other.misused("import", str(tmp_path / "none.zip"))
