from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.chat.stored.records import Actor, Change, NewFilter, Role
from chatroom.errors import DatabaseMissing, DatabaseNewer, DatabaseOutdated, StorageError
from chatroom.storage.migration_files import Migration
from chatroom.storage.sqlite import migrate
from chatroom.storage.sqlite.file_opening import open_database
from chatroom.storage.sqlite.migrate import load_migrations, newest_version, read_version, split_statements
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

EXTRA = """
CREATE TABLE extra (a TEXT) STRICT;  -- a comment; with a semicolon
CREATE TRIGGER extra_added AFTER INSERT ON extra BEGIN
    UPDATE extra SET a = upper(a);
    DELETE FROM extra WHERE a = ';';
END;
INSERT INTO extra VALUES ('tea');
"""


@pytest.fixture
def with_one_more(monkeypatch: pytest.MonkeyPatch) -> int:
    """Add a migration to those of the code. Returns its number."""
    number = newest_version() + 1
    migrations = (*load_migrations(), Migration(number, "extra", EXTRA))
    monkeypatch.setattr(migrate, "load_migrations", lambda: migrations)
    return number


def fill(path: Path) -> None:
    """A database of the present version, with an account."""
    with open_stores(path, create=True) as stores:
        stores.accounts.create("ada", Role.ADMIN, [], Actor("root", "cli"))


def test_migrations_are_numbered_files() -> None:
    """The files of the checkout are found, and numbered from 1 without a gap."""
    files = sorted((Path(__file__).parents[3] / "migrations" / "sqlite").iterdir())
    assert [int(re.fullmatch(r"(\d{4})_[a-z0-9_]+\.sql", file.name)[1]) for file in files] == [  # type: ignore[index]
        migration.number for migration in load_migrations()
    ]
    assert newest_version() == len(files)


def test_applied_migrations_are_recorded(stores: SqliteStores) -> None:
    """Each migration adds a row with its number, its name and the time."""
    rows = stores.database.rows("SELECT number, name, applied_ms FROM migrations ORDER BY number")
    now_ms = stores.database.now_ms()
    assert rows == [(migration.number, migration.name, now_ms) for migration in load_migrations()]


def test_opening_again_changes_nothing(path: Path) -> None:
    """A database of the present version is opened as it is, with ``migrate`` or without, and not copied."""
    fill(path)
    for _ in range(2):
        with open_stores(path, create=True, migrate=True) as stores:
            assert stores.upgraded_from is None
            assert stores.accounts.count_admins() == 1
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_outdated_database_is_refused_and_left(path: Path, with_one_more: int) -> None:
    """Without ``migrate``, the error names the command to run and nothing is changed, also with ``create``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "load_migrations", load_migrations)
        fill(path)
    with pytest.raises(DatabaseOutdated, match="chatroomctl db migrate"):
        open_stores(path, create=True)
    database = open_database(path)
    assert read_version(database) == with_one_more - 1
    database.close()


def test_upgrade_copies_and_keeps_what_is_there(path: Path, with_one_more: int) -> None:
    """An upgrade keeps a copy of the older database beside it, with mode 0600, and loses nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "load_migrations", load_migrations)
        fill(path)
    with open_stores(path, migrate=True) as stores:
        assert stores.upgraded_from == path.with_name(f"{path.name}.before-{with_one_more:04}")
        assert stores.accounts.count_admins() == 1
        assert stores.database.rows("SELECT a FROM extra") == [("TEA",)]
        copy = stores.upgraded_from
        assert copy is not None
    assert copy.stat().st_mode & 0o777 == 0o600
    database = open_database(copy)
    assert read_version(database) == with_one_more - 1
    assert database.rows("SELECT name FROM accounts") == [("ada",)]
    database.close()


def test_a_channel_of_the_first_version_forwards_to_nowhere(path: Path) -> None:
    """Channels from before the column ``forward`` are whole after the upgrade."""
    first = load_migrations()[:1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "load_migrations", lambda: first)
        with open_stores(path, create=True) as stores:
            stores.database.execute("INSERT INTO channels (name, folded, created_ms) VALUES ('#Tea', '#tea', 1000)")
    with open_stores(path, migrate=True) as stores:
        channel = stores.channels.find("#tea")
    assert channel is not None
    assert (channel.name, channel.forward) == ("#Tea", None)


def test_copies_of_earlier_upgrades_are_kept(path: Path, with_one_more: int) -> None:
    """An upgrade does not overwrite an older copy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "load_migrations", load_migrations)
        fill(path)
    earlier = path.with_name(f"{path.name}.before-{with_one_more:04}")
    earlier.write_text("precious")
    with open_stores(path, migrate=True) as stores:
        assert stores.upgraded_from == earlier.with_name(f"{earlier.name}.2")
    assert earlier.read_text() == "precious"


def test_failing_migration_leaves_the_version_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails half-way is rolled back: tables, version and record."""
    fill(path)
    number = newest_version() + 1
    broken = (*load_migrations(), Migration(number, "broken", "CREATE TABLE half (a);\nCREATE TABLE half (a);\n"))
    monkeypatch.setattr(migrate, "load_migrations", lambda: broken)
    with pytest.raises(Exception, match="half already exists"):
        open_stores(path, migrate=True)
    monkeypatch.setattr(migrate, "load_migrations", load_migrations)
    with open_stores(path) as stores:
        assert stores.database.number("SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == 0
        assert stores.database.number("SELECT max(number) FROM migrations") == number - 1


def test_newer_database_is_refused_and_left(path: Path, with_one_more: int) -> None:
    """A database of a newer chatroom is not opened, with any flags, and not changed."""
    open_stores(path, create=True).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "load_migrations", load_migrations)
        content = path.read_bytes()
        for may in (False, True):
            with pytest.raises(DatabaseNewer) as refusal:
                open_stores(path, create=may, migrate=may)
            assert str(path) in str(refusal.value)
        assert path.read_bytes() == content


def test_migrate_alone_does_not_create(path: Path) -> None:
    """``migrate`` without ``create`` makes no database."""
    path.touch()
    with pytest.raises(DatabaseMissing):
        open_stores(path, migrate=True)


def test_installed_migrations_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The migrations inside the package come before those of a checkout around it. Without any, there is an error."""
    package = tmp_path / "chatroom"
    (tmp_path / "migrations" / "sqlite").mkdir(parents=True)
    (tmp_path / "migrations" / "sqlite" / "0001_checkout.sql").write_text("SELECT 1;")
    package.mkdir()
    monkeypatch.setattr("chatroom.__file__", str(package / "__init__.py"))
    load = load_migrations.__wrapped__
    assert [migration.name for migration in load()] == ["checkout"]
    (package / "_migrations").mkdir()
    with pytest.raises(StorageError, match="numbered"):
        load()
    (package / "_migrations" / "sqlite").mkdir()
    (package / "_migrations" / "sqlite" / "0001_installed.sql").write_text("SELECT 1;")
    (package / "_migrations" / "sqlite" / "README").write_text("not a migration")
    assert [migration.name for migration in load()] == ["installed"]
    (package / "_migrations" / "sqlite" / "0003_gap.sql").write_text("SELECT 1;")
    with pytest.raises(StorageError, match="numbered"):
        load()


def test_statements_are_told_apart() -> None:
    """Comments and triggers with semicolons stay in one piece, and a last statement needs no semicolon."""
    script = EXTRA.replace("-- a comment; with a semicolon", "") + "/* one; two */ SELECT 1"
    statements = [statement.strip() for statement in split_statements(script)]
    assert [statement.split()[:2] for statement in statements] == [
        ["CREATE", "TABLE"],
        ["CREATE", "TRIGGER"],
        ["INSERT", "INTO"],
        ["/*", "one;"],
    ]
    assert statements[1].endswith("END;")


def test_a_creation_that_is_cut_short_leaves_the_file_empty(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If making a database fails half-way, the next process makes it, and does not find an older version."""
    first = load_migrations()[0]
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "load_migrations", lambda: (first, Migration(2, "broken", "NO SQL;")))
        with pytest.raises(sqlite3.OperationalError):
            open_stores(path, create=True)
    with open_stores(path, create=True) as stores:
        assert stores.accounts.list_all() == []


def test_several_processes_create_one_database(path: Path) -> None:
    """Processes that create the same database at the same time all find it whole afterwards."""
    script = (
        "import sys; from pathlib import Path; from chatroom.storage.sqlite.sqlite_stores import open_stores;"
        "from chatroom.chat.stored.records import Actor, Change, NewFilter, Role; sys.stdin.readline();"
        "s = open_stores(Path(sys.argv[1]), create=True);"
        "s.accounts.create(sys.argv[2], Role.USER, [], Actor('root', 'cli')); s.close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path), f"user{number}"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for number in range(6)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [(process.returncode, error) for process, error in zip(processes, errors, strict=True)] == [(0, "")] * 6
    with open_stores(path) as stores:
        assert len(stores.accounts.list_all()) == 6
        assert stores.database.number("PRAGMA auto_vacuum") == 2


@pytest.mark.parametrize("kept", [True, False])
def test_the_log_of_changes_goes_on_after_the_upgrade(tmp_path: Path, by: Actor, kept: bool) -> None:
    """The migration makes the table anew: its rows and the next id stay, even if all rows were pruned."""
    path = tmp_path / "old.db"
    before = next(one.number for one in load_migrations() if one.name == "filters") - 1
    old = "".join(one.sql for one in load_migrations()[:before])
    with open_stores(path, create=True) as stores:
        application = stores.database.number("PRAGMA application_id")
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"{old}; PRAGMA user_version = {before}; PRAGMA application_id = {application};")
        rows = "INSERT INTO changes (id, tbl, row_id, origin) VALUES (41, 'bans', 7, 'cli'), (42, 'bans', 8, 'cli')"
        connection.executescript(f"{rows}; {'' if kept else 'DELETE FROM changes;'}")
    with open_stores(path, migrate=True, writer="daemon:1") as stores:
        assert stores.last_change_id() == 42
        both = [Change(41, "bans", 7, "cli"), Change(42, "bans", 8, "cli")]
        assert stores.changes_after(40) == (both if kept else [])
        stores.filters.add(NewFilter("*spam*", "glob", "kick", "", None), by, 10)
        assert stores.last_change_id() == 43
        assert stores.database.rows("SELECT name FROM sqlite_schema WHERE name LIKE 'new_%'") == []
        assert stores.database.rows("SELECT name FROM sqlite_sequence WHERE name LIKE 'new_%'") == []
