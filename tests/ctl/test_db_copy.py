"""``chatroomctl db copy``: a chat moves between a file and a server, whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from harness.full_database import fill_all
from harness.new_database import make_database

from chatroom.chat.stored.history_stores import HistoryUpkeep
from chatroom.chat.stored.records import Actor, Role
from chatroom.ctl import archive_steps
from chatroom.ctl.main import cli
from chatroom.database_address import DatabaseAddress
from chatroom.errors import InvalidValue, StorageError
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.opening import open_stores, open_upkeep
from chatroom.storage.sql import table_copy
from chatroom.storage.sql.archive_store import SqlArchive
from chatroom.storage.sql.contract import Database, Row

if TYPE_CHECKING:
    from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres")
_ACTOR = Actor("root", "test")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with something in every table that is copied."""
    path = make_database(tmp_path / "chat.db")
    fill_all(path)
    with open_stores(path) as stores:
        for row in (
            "INSERT INTO reset_tokens SELECT id, '" + "ab" * 32 + "', 'root', 1, 2 FROM accounts WHERE id = 3",
            "INSERT INTO lockdown VALUES (1, 'on', NULL, 'ada', 1700000000000)",
            "INSERT INTO hook_events SELECT id, 1, 1, 1, 'PRIVMSG', 'ada', 'Ada', 'hi', 2 FROM hooks LIMIT 1",
            "INSERT INTO failed_logins SELECT 'host', 3, 1700000000000",
        ):
            stores.database.execute(row)
    return path


@pytest.fixture
def server(postgresql_server: PostgresqlServer) -> Iterator[DatabaseAddress]:
    """An empty database of a server."""
    with postgresql_server.database(empty=True) as address:
        yield address


def copy(source: DatabaseAddress, target: DatabaseAddress) -> Result:
    """Run the command."""
    return run(source, "db", "copy", str(source), str(target))


def run(database: DatabaseAddress, *arguments: str) -> Result:
    """Run a command with a database."""
    result = CliRunner().invoke(cli, ["--database", str(database), *arguments], prog_name="chatroomctl")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows_of(address: DatabaseAddress) -> dict[str, list[Row]]:
    """The rows of the copied tables, without the audit of copies."""
    found = {}
    with open_stores(address) as stores:
        for name in table_copy.KEYS:
            result = stores.database.execute(f"SELECT * FROM {name}")
            names = [column[0] for column in result.description]
            rows = [tuple(sorted(zip(names, row, strict=True))) for row in result.fetchall()]
            found[name] = sorted((row for row in rows if ("action", "database.copy") not in row), key=repr)
    return found


def test_a_chat_moves_to_a_server_and_back(file: Path, server: DatabaseAddress, tmp_path: Path) -> None:
    """Every row of every table arrives, both times, and the file is private."""
    before = rows_of(file)
    assert all(before.values()), before

    done = copy(file, server)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "found no difference" in done.stdout
    assert f"config set database.url '{server}'" in done.stdout  # "?" means something to a shell
    assert rows_of(server) == before

    back = tmp_path / "back.db"
    returned = copy(server, back)
    assert (returned.exit_code, returned.stderr) == (0, "")
    assert rows_of(back) == before
    assert back.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "back.db.copying").exists()


def test_what_was_deleted_gives_its_id_to_nobody(file: Path, server: DatabaseAddress) -> None:
    """The highest ids arrive too."""
    copy(file, server)
    with open_stores(file) as before, open_stores(server) as after:
        wanted, found = before.database.given_ids(), after.database.given_ids()
        assert {name: found[name] for name in table_copy.KEYS if name in wanted and name != "audit"} == {
            name: wanted[name] for name in table_copy.KEYS if name in wanted and name != "audit"
        }
        with before.archive.moment() as one, after.archive.moment() as other:
            assert other.message == one.message
        assert after.accounts.create("eve", Role.USER, (), _ACTOR).id == wanted["accounts"] + 1


def test_an_interrupted_copy_goes_on(
    file: Path, server: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing opens half of a copy; the second call brings what has changed meanwhile, too."""
    monkeypatch.setattr(table_copy, "PAGE", 2)
    make_equal = table_copy._make_equal
    for target in (server, tmp_path / "other.db"):

        def until_messages(database: Database, table: table_copy._Table, *rows: list[Row]) -> None:
            if table.name == "messages":
                raise KeyboardInterrupt
            make_equal(database, table, *rows)

        with monkeypatch.context() as patch:
            patch.setattr(table_copy, "_make_equal", until_messages)
            assert copy(file, target).exit_code != 0
        # Nobody takes half of a chat for the whole.
        with pytest.raises(StorageError), open_stores(target):
            pass
        # Meanwhile somebody used the first database.
        with open_stores(file) as given:
            given.accounts.set_role(5, Role.MODERATOR, _ACTOR)

        assert copy(file, target).exit_code == 0
        assert rows_of(target) == rows_of(file)


def test_a_copy_that_ends_while_it_indexes_goes_on(
    file: Path, server: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing opens it before all is indexed, and a message that is deleted meanwhile leaves the indexes too."""
    with closing(open_upkeep(file)) as upkeep:
        while upkeep.index_some():
            pass
    for target in (server, tmp_path / "other.db"):
        with monkeypatch.context() as patch:

            def index_some_and_end(upkeep: HistoryUpkeep, *_: object) -> None:
                upkeep.index_some()
                raise KeyboardInterrupt

            patch.setattr(archive_steps, "index_all", index_some_and_end)
            assert copy(file, target).exit_code != 0
        with pytest.raises(StorageError), open_stores(target):
            pass
        with closing(open_upkeep(file)) as upkeep, open_stores(file) as given:
            upkeep.remove_some([given.database.number("SELECT min(id) FROM messages WHERE kind = 0")])

        done = copy(file, target)
        assert (done.exit_code, done.stderr) == (0, "")
        assert rows_of(target) == rows_of(file)
        with open_stores(file) as given, open_stores(target) as copied:
            for found in (
                "SELECT * FROM places ORDER BY 1, 2, 3, 4",
                "SELECT value FROM history_state WHERE name = 'indexed'",
            ):
                assert copied.database.rows(found) == given.database.rows(found)


def test_a_name_that_changed_hands_is_in_nobodys_way(
    file: Path, server: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted copy has brought the row that had the name, on another page than the one that has it now."""
    monkeypatch.setattr(table_copy, "PAGE", 1)
    with open_stores(file) as stores:
        first, last = (stores.database.number(f"SELECT {one}(id) FROM accounts") for one in ("min", "max"))
    for target in (server, tmp_path / "other.db"):
        with monkeypatch.context() as patch:
            patch.setattr(table_copy, "compare_tables", end)
            assert copy(file, target).exit_code != 0
        with open_stores(file) as given, given.database.transaction():
            swap = given.database.rows("SELECT id, name, folded FROM accounts WHERE id IN (?, ?)", (first, last))
            for number, (_, name, folded) in [(last, ("", "", "~")), (first, swap[1]), (last, swap[0])]:
                given.database.execute("UPDATE accounts SET name = ?, folded = ? WHERE id = ?", (name, folded, number))

        done = copy(file, target)
        assert (done.exit_code, done.stderr) == (0, "")
        assert rows_of(target) == rows_of(file)


def end(*_: object) -> None:
    """Stand for what is interrupted."""
    raise KeyboardInterrupt


def test_a_database_with_an_invite_is_not_empty(file: Path, server: DatabaseAddress) -> None:
    """Nothing that somebody has made is thrown away for a copy, not even the only thing there."""
    assert run(server, "db", "migrate", "--yes").exit_code == 0
    assert run(server, "invite", "create", "--yes").exit_code == 0
    assert "is not empty" in copy(file, server).stderr


def test_messages_are_found_by_their_words(file: Path, server: DatabaseAddress) -> None:
    """The copy makes its own index of the history."""
    copy(file, server)
    with open_stores(file) as before, open_stores(server) as after:
        said = before.database.number("SELECT count(*) FROM places")
        assert said > 0
        assert after.database.number("SELECT count(*) FROM places") == said
        assert after.database.number("SELECT count(*) FROM message_words") > 0


def test_a_difference_is_named(file: Path, server: DatabaseAddress) -> None:
    """The comparison tells table and row."""
    copy(file, server)
    with open_stores(file) as given, open_stores(server) as made, given.database.snapshot():
        with made.database.transaction():
            made.database.execute("UPDATE accounts SET email = 'no' WHERE id = 5")
        with pytest.raises(InvalidValue, match="table accounts, in the row id 5"):
            table_copy.compare_tables(given.database, made.database, lambda rows: None)


def test_what_only_the_copy_has_is_a_difference(file: Path, server: DatabaseAddress) -> None:
    """Rows behind the last one of the source count too."""
    copy(file, server)
    with open_stores(file) as given, open_stores(server) as made, given.database.snapshot():
        with made.database.transaction():
            made.database.execute("DELETE FROM audit WHERE action = 'database.copy'")
        table_copy.compare_tables(given.database, made.database, lambda rows: None)
        made.audit.add(_ACTOR, "x", "y", "z")
        with pytest.raises(InvalidValue, match="table audit"):
            table_copy.compare_tables(given.database, made.database, lambda rows: None)


def test_refusals(file: Path, server: DatabaseAddress, tmp_path: Path) -> None:
    """A database in use, one that is not empty, and FROM itself are refused with one line."""
    assert "FROM and TO are one database" in copy(file, file).stderr
    other = make_database(tmp_path / "other.db")
    fill_all(other)
    assert "is not empty" in copy(file, other).stderr
    assert copy(file, server).exit_code == 0
    assert "is not empty" in copy(other, server).stderr
    with DaemonLock.acquire(file):
        assert "a daemon uses this database" in copy(file, tmp_path / "third.db").stderr
    with DaemonLock.acquire(server):
        assert "a daemon uses this database" in copy(other, server).stderr
    missing = copy(tmp_path / "none.db", server)
    assert missing.exit_code == 1
    assert "none.db" in missing.stderr


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    """As touch makes it. It is kept beside the copy, as all that was in the place."""
    (tmp_path / "new.db").touch()
    other = make_database(tmp_path / "other.db")
    result = copy(other, tmp_path / "new.db")
    assert result.exit_code == 0, result.stderr
    assert rows_of(tmp_path / "new.db") == rows_of(other)


def test_a_source_that_changes_meanwhile_is_not_copied(
    file: Path, server: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shell can write to a database that no daemon serves. The second call brings it."""
    copy(file, server)
    compare = table_copy.compare_tables
    for source, target in ((file, tmp_path / "one.db"), (server, tmp_path / "two.db")):

        def change_and_compare(*arguments: Any, changed: DatabaseAddress = source) -> None:
            with open_stores(changed) as stores:
                stores.accounts.set_role(5, Role.MODERATOR, _ACTOR)
            compare(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(table_copy, "compare_tables", change_and_compare)
            assert "has changed meanwhile" in copy(source, target).stderr
        assert not target.exists()
        assert copy(source, target).exit_code == 0
        assert rows_of(target) == rows_of(source)


def test_a_text_that_a_server_cannot_have_is_named(file: Path, server: DatabaseAddress) -> None:
    """PostgreSQL has no NUL in texts. The copy names the table and does not count as complete."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE bans SET reason = 'a' || char(0) || 'b' WHERE id = 4")
    refused = copy(file, server)
    assert refused.exit_code == 1
    assert "the table bans does not fit" in refused.stderr
    with pytest.raises(StorageError, match="run it again"), open_stores(server):
        pass


def test_an_archive_fills_a_server(file: Path, server: DatabaseAddress, tmp_path: Path) -> None:
    """Import and export work with a server, and an import only fills an empty database."""
    archive = str(tmp_path / "chat.zip")
    run(file, "export", archive)
    before = rows_of(file)
    of_the_moment = ("lockdown", "failed_logins", "reset_tokens", "hook_events")

    assert "can be imported" in run(server, "import", "archive", "--dry-run", archive).stdout
    with open_stores(server) as stores:
        assert stores.archive.is_empty()
    assert run(server, "import", archive).exit_code == 0
    after = rows_of(server)
    after["audit"] = [row for row in after["audit"] if ("action", "archive.import") not in row]
    assert {name: rows for name, rows in after.items() if name not in of_the_moment} == {
        name: rows for name, rows in before.items() if name not in of_the_moment
    }
    assert "is not empty" in run(server, "import", archive).stderr
    assert "createdb" in run(server, "import", "--replace", "--yes", archive).stderr


def test_a_failed_import_leaves_a_server_empty(
    file: Path, server: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of an archive or nothing."""
    archive = str(tmp_path / "chat.zip")
    run(file, "export", archive)

    def fail(store: object, highest: object) -> None:
        raise StorageError("no")

    with monkeypatch.context() as patch:
        patch.setattr(SqlArchive, "finish", fail)
        assert run(server, "import", archive).exit_code == 1
    with open_stores(server) as stores:
        assert stores.archive.is_empty()
        assert not stores.database.given_ids()
    assert run(server, "import", archive).exit_code == 0


def test_every_table_is_copied_or_left_out_on_purpose(file: Path) -> None:
    """A new table needs a decision, and the keys are the primary ones."""
    with open_stores(file) as stores:
        found = {
            name
            for (name,) in stores.database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if not name.startswith(("sqlite_", "message_words_"))
        }
        assert found == {*table_copy.KEYS, *table_copy.NOT_COPIED}
        for name, keys in table_copy.KEYS.items():
            info = stores.database.rows(f"PRAGMA table_info({name})")
            assert tuple(row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]) == keys
