from __future__ import annotations

from pathlib import Path

import pytest

from chatroom.chat.stored.records import Actor, NewBan, Role
from chatroom.errors import AlreadyExists, StorageError
from chatroom.storage.sqlite.backup import write_copy
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores


def test_copy_has_what_the_log_holds(stores: SqliteStores, tmp_path: Path, by: Actor) -> None:
    """A copy of an open database has every commit and mode 0600, and can be opened and used."""
    stores.accounts.create("ada", Role.ADMIN, [], by)
    copy = tmp_path / "copy.db"
    write_copy(stores.database, copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    with open_stores(copy) as copied:
        assert [account.name for account in copied.accounts.list_all()] == ["ada"]
        copied.accounts.create("bob", Role.USER, [], by)
        assert copied.database.number("PRAGMA auto_vacuum") == 2
    assert stores.accounts.find("bob") is None
    assert not list(tmp_path.glob("*partial*"))


def test_copy_is_of_one_moment(stores: SqliteStores, path: Path, tmp_path: Path, by: Actor) -> None:
    """Commits during the copy are not in it. They neither wait for it nor make it start over."""
    stores.bans.add_many([NewBan("name", f"name{number}", "x" * 9000, None) for number in range(2000)], by)
    reports: list[tuple[int, int]] = []
    copy = tmp_path / "copy.db"
    with open_stores(path, busy_timeout_s=0) as other:

        def write_meanwhile(done: int, total: int) -> None:
            reports.append((done, total))
            other.bans.add("name", f"late{done}", "", None, by)

        write_copy(stores.database, copy, progress=write_meanwhile)
    assert len(reports) > 2
    assert reports == sorted(reports)
    assert reports[-1][0] == reports[-1][1]
    with open_stores(copy) as copied:
        assert len(copied.bans.list_all()) == 2000


def test_existing_file_is_replaced_on_request_only(stores: SqliteStores, path: Path, tmp_path: Path) -> None:
    """An existing file is refused, or replaced on request. The database itself and a directory never are."""
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    with pytest.raises(AlreadyExists, match=r"copy\.db"):
        write_copy(stores.database, copy)
    assert copy.read_text() == "precious"
    write_copy(stores.database, copy, replace=True)
    open_stores(copy).close()
    link = tmp_path / "link.db"
    link.symlink_to(path)
    for target in (path, link):
        with pytest.raises(AlreadyExists, match="the database itself"):
            write_copy(stores.database, target, replace=True)
    with pytest.raises(StorageError, match="not a file"):
        write_copy(stores.database, tmp_path, replace=True)


def test_where_it_cannot_be_written(stores: SqliteStores, tmp_path: Path) -> None:
    """A target in a missing directory is refused in one line."""
    with pytest.raises(StorageError, match="cannot write the copy: No such file or directory"):
        write_copy(stores.database, tmp_path / "none" / "copy.db")


def test_a_failed_copy_leaves_nothing(stores: SqliteStores, tmp_path: Path) -> None:
    """If a copy fails, no part of it stays."""

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_copy(stores.database, tmp_path / "copy.db", progress=stop)
    assert not list(tmp_path.glob("copy*"))
