from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatroom.chat.stored.records import Actor, NewBan, Role
from chatroom.errors import DatabaseBusy, DatabaseDamaged, DatabaseMissing, InvalidValue, StorageError
from chatroom.storage.sqlite.database import WAL_LIMIT
from chatroom.storage.sqlite.file_opening import APPLICATION_ID, open_database
from chatroom.storage.sqlite.migrate import newest_version
from chatroom.storage.sqlite.sqlite_errors import from_sqlite
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores


def permissions(path: Path) -> int:
    """The permission bits of a file."""
    return path.stat().st_mode & 0o777


def test_new_file_and_directories_are_the_owners_alone(tmp_path: Path) -> None:
    """Only the owner can read the database, its log and the directories made for it, whatever the umask."""
    before = os.umask(0)
    try:
        path = tmp_path / "a" / "b" / "chatroom.db"
        with open_stores(path, create=True) as stores:
            stores.accounts.create("ada", Role.ADMIN, [], Actor("root", "cli"))
            assert [permissions(file) for file in path.parent.iterdir()] == [0o600, 0o600, 0o600]
    finally:
        os.umask(before)
    assert permissions(path.parent) == permissions(path.parent.parent) == 0o700


@pytest.mark.parametrize("name", ["with space.db", "odd?mode=memory#%41.db", "ünïcode.db", os.fsdecode(b"raw\xff.db")])
def test_any_file_name_is_a_path_and_nothing_else(tmp_path: Path, name: str) -> None:
    """Characters with a meaning in a URI have none in the path."""
    with open_stores(tmp_path / name, create=True):
        assert name in os.listdir(tmp_path)
    assert os.listdir(tmp_path) == [name]


def test_settings_of_the_file(stores: SqliteStores, path: Path) -> None:
    """The settings that belong to the file are found by any program that opens it."""
    other = sqlite3.connect(path)
    try:
        for pragma, value in (
            ("auto_vacuum", 2),
            ("journal_mode", "wal"),
            ("application_id", APPLICATION_ID),
            ("user_version", newest_version()),
        ):
            assert other.execute(f"PRAGMA {pragma}").fetchone() == (value,), pragma
    finally:
        other.close()


def test_settings_of_every_connection(stores: SqliteStores, open_another: Callable[[str], SqliteStores]) -> None:
    """A connection to a new file and one to an old file have the same settings."""
    for connection in (stores.database, open_another("cli").database):
        for pragma, value in (
            ("foreign_keys", 1),
            ("secure_delete", 1),
            ("synchronous", 1),
            ("wal_autocheckpoint", 0),
            ("trusted_schema", 0),
        ):
            assert connection.number(f"PRAGMA {pragma}") == value, pragma
        assert connection.syncs_log


def test_missing_database_is_not_made(tmp_path: Path) -> None:
    """Without ``create``, neither file nor directory is made, and the error names the path."""
    path = tmp_path / "none" / "chatroom.db"
    with pytest.raises(DatabaseMissing) as refusal:
        open_stores(path)
    assert str(path) in str(refusal.value)
    assert not path.parent.exists()


def test_empty_file_is_no_database_until_created(path: Path) -> None:
    """An empty file counts as missing. With ``create`` it gets the schema."""
    path.touch()
    with pytest.raises(DatabaseMissing):
        open_stores(path)
    open_stores(path, create=True).close()
    open_stores(path).close()


@pytest.mark.parametrize("create", [False, True])
def test_unusable_paths_are_one_clear_line(tmp_path: Path, create: bool) -> None:
    """A directory, or a path below a file, is refused in one line that names the path."""
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "chatroom.db", tmp_path / "file" / "sub" / "chatroom.db"):
        with pytest.raises(StorageError) as refusal:
            open_stores(path, create=create)
        assert str(path) in str(refusal.value)
        assert "\n" not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_read_only_file_and_directory(stores: SqliteStores, path: Path) -> None:
    """An error tells that the file or its directory cannot be written to."""
    path.chmod(0o400)
    with pytest.raises(StorageError, match="cannot write to the database"):
        open_stores(path)
    path.chmod(0o600)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="cannot write to its directory"):
            open_stores(path)
    finally:
        path.parent.chmod(0o700)


def test_permissions_are_asked_for_in_advance(
    stores: SqliteStores, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes from the operating system, before SQLite opens the file (root may write to any)."""

    def access(asked: Path, _mode: int) -> bool:
        return asked != path

    monkeypatch.setattr("chatroom.storage.sqlite.database.os.access", access)
    with pytest.raises(StorageError, match="cannot write to the database: Permission denied"):
        open_database(path)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_database(path: Path, content: bytes) -> None:
    """A file that is no database is refused, and not changed."""
    path.write_bytes(content)
    with pytest.raises(DatabaseDamaged) as refusal:
        open_stores(path, create=True, migrate=True)
    assert str(path) in str(refusal.value)
    assert path.read_bytes() == content


def test_databases_of_others_are_left_alone(path: Path) -> None:
    """Another program's database is refused and not turned into WAL mode."""
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    content = path.read_bytes()
    with pytest.raises(DatabaseDamaged, match="not one of chatroom's"):
        open_stores(path, create=True, migrate=True)
    assert path.read_bytes() == content


def test_damage_inside_is_found_on_the_way(stores: SqliteStores, path: Path, by: Actor) -> None:
    """A page overwritten with rubbish is reported as damage when it is read."""
    stores.bans.add_many([NewBan("name", f"name{number}", "x" * 500, None) for number in range(100)], by)
    stores.close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 4] + b"\x99" * (len(content) // 4 * 3))
    with pytest.raises(DatabaseDamaged, match="damaged"), open_stores(path) as damaged:
        damaged.bans.list_all()


def test_text_that_is_not_utf_8_is_damage(stores: SqliteStores, by: Actor) -> None:
    """Text that was overwritten with other bytes is reported as damage. SQLite gives this error no code."""
    stores.bans.add("name", "mallory", "", None, by)
    stores.database.execute("UPDATE bans SET reason = CAST(x'ff' AS TEXT)")
    with pytest.raises(DatabaseDamaged, match="Could not decode"):
        stores.bans.list_all()


def test_a_missing_table_is_damage(stores: SqliteStores) -> None:
    """A database of ours without one of its tables is reported as damaged."""
    stores.database.execute("DROP TABLE bans")
    with pytest.raises(DatabaseDamaged, match="no such table: bans"):
        stores.bans.list_all()


def test_codes_without_a_text_of_ours_are_storage_errors(path: Path) -> None:
    """Any other error of the file is a storage error with SQLite's own words."""
    error = sqlite3.DatabaseError("large file support is disabled")
    error.sqlite_errorcode = sqlite3.SQLITE_NOLFS
    fault = from_sqlite(path, error)
    assert isinstance(fault, StorageError)
    assert str(fault) == f"{path}: large file support is disabled"


@pytest.mark.parametrize("place", [3, 30], ids=["statement", "column"])
def test_a_damaged_schema_is_reported(stores: SqliteStores, path: Path, place: int) -> None:
    """SQLite quotes the schema in its errors, and Python cannot decode what is no text."""
    stores.close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    data = bytearray(path.read_bytes())
    at = data.index(b"CREATE TABLE accounts") + place
    data[at : at + 2] = b"\x96\xff"
    path.write_bytes(bytes(data))
    with pytest.raises(DatabaseDamaged, match="damaged"), open_stores(path) as damaged:
        damaged.accounts.list_all()


def test_a_damaged_page_at_a_checkpoint_is_no_fault(stores: SqliteStores, path: Path, by: Actor) -> None:
    """If the file turns to rubbish, closing the connection, with its checkpoint, raises nothing."""
    stores.bans.add("name", "mallory", "", None, by)
    with path.open("r+b") as file:
        file.write(b"\x99" * 4096)
    stores.close()


def test_locked_database_is_waited_for_and_then_told(stores: SqliteStores, path: Path, by: Actor) -> None:
    """If another connection holds the write lock, a write raises DatabaseBusy. Afterwards a write works."""
    with open_stores(path, busy_timeout_s=0) as other:
        with stores.database.transaction(), pytest.raises(DatabaseBusy) as refusal:
            other.audit.add(by, "kick", "mallory", "")
        assert str(path) in str(refusal.value)
        other.audit.add(by, "kick", "mallory", "")
    assert len(stores.audit.list_entries()) == 1


def test_full_disk_is_told_and_undone(stores: SqliteStores, by: Actor, clock: Any) -> None:
    """Without room on the disk, the transaction is rolled back. The next one works when there is room again."""
    stores.database.execute("PRAGMA max_page_count=1").fetchall()
    with pytest.raises(StorageError, match="no room left"):
        stores.bans.add_many([NewBan("name", f"name{number}", "x" * 1000, None) for number in range(100)], by)
    assert stores.bans.list_all() == []
    stores.database.execute("PRAGMA max_page_count=1000000").fetchall()
    stores.bans.add("name", "mallory", "", None, by)
    assert len(stores.bans.list_in_force(clock.now)) == 1


def test_faults_of_ours_stay_as_they_are(stores: SqliteStores) -> None:
    """An error in our SQL is not turned into a storage error."""
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        stores.database.execute("SELEKT")


def test_values_that_sqlite_has_no_form_for(stores: SqliteStores, by: Actor) -> None:
    """Half a surrogate pair, or a number of more than 64 bits, raises InvalidValue and stores nothing."""
    with pytest.raises(InvalidValue, match="valid Unicode"):
        stores.bans.add("name", "mallory", "\udcff", None, by)
    with pytest.raises(InvalidValue, match="too large"):
        stores.bans.lift(2**63, by)
    assert stores.bans.list_all() == []


def test_transactions_do_not_nest(stores: SqliteStores) -> None:
    """A transaction inside a transaction raises RuntimeError and rolls the outer one back."""
    with pytest.raises(RuntimeError, match="nest"), stores.database.transaction(), stores.database.transaction():
        pass
    with stores.database.transaction():
        pass


def test_any_exception_undoes_a_transaction(stores: SqliteStores) -> None:
    """A transaction is also rolled back by what is no Exception, such as Ctrl-C."""

    def interrupted() -> None:
        with stores.database.transaction():
            stores.database.execute("INSERT INTO changes (tbl, row_id, origin) VALUES ('bans', 1, 'x')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stores.last_change_id() == 0


def test_the_log_stays_small(stores: SqliteStores, open_another: Callable[[str], SqliteStores], by: Actor) -> None:
    """After many writes with another connection open, the log has about its limit, not all that was written."""
    open_another("daemon:1")
    text = "x" * 100_000
    for _ in range(150):
        stores.audit.add(by, "announce", "", text)
    assert stores.database.wal_size() < 1.5 * WAL_LIMIT
    assert len(stores.audit.list_entries()) == 150


def test_the_log_gets_small_again(stores: SqliteStores, open_another: Callable[[str], SqliteStores], by: Actor) -> None:
    """After one large transaction, the next commit brings the log back to its limit."""
    open_another("daemon:1")
    stores.audit.add(by, "announce", "", "x" * (3 * WAL_LIMIT))
    assert stores.database.wal_size() > 3 * WAL_LIMIT
    stores.audit.add(by, "announce", "", "")
    assert stores.database.wal_size() <= WAL_LIMIT


def test_closing_brings_the_log_home(
    stores: SqliteStores, path: Path, open_another: Callable[[str], SqliteStores], by: Actor
) -> None:
    """After closing, the file itself has what was written, also if a daemon keeps the log open."""
    open_another("daemon:1")
    size = path.stat().st_size
    stores.audit.add(by, "announce", "", "x" * 100_000)
    assert path.stat().st_size == size
    stores.close()
    stores.close()
    assert path.stat().st_size > size + 100_000


def test_log_of_a_link_is_found(stores: SqliteStores, path: Path, by: Actor) -> None:
    """The measured log is the one beside the file, not beside a link to it."""
    link = path.with_name("link.db")
    link.symlink_to(path)
    with open_stores(link) as linked:
        linked.audit.add(by, "kick", "mallory", "")
        assert linked.database.wal_size() > 0


def test_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a SQLite from before STRICT tables, the error names the version that is needed."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(StorageError, match=r"3\.37\.0"):
        open_stores(path, create=True)
    assert not path.exists()
