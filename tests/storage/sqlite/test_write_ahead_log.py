"""A log that was left by another database file is recognised, and no other."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatroom.chat.stored.records import Actor, Role
from chatroom.errors import ForeignLog
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.sqlite.backup import write_copy
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores
from chatroom.storage.sqlite.write_ahead_log import refuse_foreign_log

BY = Actor("root", "cli")
WRITER = """
import sys
from pathlib import Path
from chatroom.chat.stored.records import Actor, Role
from chatroom.storage.sqlite.sqlite_stores import open_stores

stores = open_stores(Path(sys.argv[1]), create=True)
for number in range(1_000_000):
    stores.accounts.create(f"name{number}", Role.USER, [], Actor("root", "cli"))
    if number % 7 == 0:
        stores.database.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    print(number, flush=True)
"""


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The directory for what a killed process leaves."""
    directory = tmp_path / "left"
    directory.mkdir()
    return directory


def leave(path: Path, left: Path) -> Path:
    """Copy a database and its log, as a process that is killed now would leave them."""
    for suffix in ("", "-wal"):
        name = Path(f"{path}{suffix}")
        copy = left / name.name
        copy.unlink(missing_ok=True)
        if name.exists():
            shutil.copy(name, copy)
    return left / path.name


def create(stores: SqliteStores, *names: str) -> None:
    """Make accounts."""
    for name in names:
        stores.accounts.create(name, Role.USER, [], BY)


def names(path: Path) -> list[str]:
    """The names of all accounts."""
    with open_stores(path) as stores:
        return [account.name for account in stores.accounts.list_all()]


def sqlite_backup(stores: SqliteStores, target: Path) -> None:
    """Copy with SQLite's own means, which leave the copy in WAL mode."""
    source, copy = sqlite3.connect(stores.path), sqlite3.connect(target)
    source.backup(copy)
    source.close()
    copy.close()


def vacuum_into(stores: SqliteStores, target: Path) -> None:
    """Copy with SQL, which leaves the copy in rollback mode."""
    stores.database.execute("VACUUM INTO ?", (str(target),))


def own_backup(stores: SqliteStores, target: Path) -> None:
    """Copy as ``db backup`` does."""
    write_copy(stores.database, target)


@pytest.mark.parametrize("make_copy", [own_backup, sqlite_backup, vacuum_into])
def test_a_restored_copy_does_not_take_the_old_log(
    make_copy: Callable[[SqliteStores, Path], None], stores: SqliteStores, tmp_path: Path, left: Path
) -> None:
    """A backup put beside the log of the database that it replaces is refused, however it was made."""
    create(stores, "ada")
    copy = tmp_path / "backup.db"
    make_copy(stores, copy)
    create(stores, "bob", "eve")
    found = leave(stores.path, left)
    shutil.copy(copy, found)
    with pytest.raises(ForeignLog, match=r"chatroom\.db: chatroom\.db-wal .*db restore FILE"):
        open_stores(found)
    Path(f"{found}-wal").unlink()
    assert names(found) == ["ada"]


def test_a_plain_copy_of_an_earlier_run(stores: SqliteStores, left: Path) -> None:
    """A copy of the file of a stopped daemon is told from the file by what the next start writes into both."""
    create(stores, "ada")
    stores.close()
    copy = stores.path.read_bytes()
    with open_stores(stores.path) as started:
        started.database.write_first_page()
    again = open_stores(stores.path)
    again.database.write_first_page()
    create(again, "bob")
    found = leave(stores.path, left)
    assert names(found) == ["ada", "bob"]
    found = leave(stores.path, left)
    found.write_bytes(copy)
    with pytest.raises(ForeignLog):
        refuse_foreign_log(found)
    again.close()


def test_another_database(stores: SqliteStores, tmp_path: Path, left: Path) -> None:
    """So is a database with nothing in common but the schema."""
    with open_stores(tmp_path / "other.db", create=True) as other:
        create(other, *(f"name{number}" for number in range(40)))
    create(stores, "ada")
    found = leave(stores.path, left)
    shutil.copy(tmp_path / "other.db", found)
    with pytest.raises(ForeignLog):
        refuse_foreign_log(found)


def test_a_log_without_page_1(stores: SqliteStores, tmp_path: Path, left: Path) -> None:
    """If the log has no page 1, a file of another size is refused, and the right one is not."""
    create(stores, *(f"name{number}" for number in range(100)))
    copy = tmp_path / "backup.db"
    sqlite_backup(stores, copy)
    create(stores, *(f"late{number}" for number in range(100)))
    stores.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    stores.accounts.set_disabled(1, True, BY)
    found = leave(stores.path, left)
    refuse_foreign_log(found)
    shutil.copy(copy, found)
    with pytest.raises(ForeignLog):
        refuse_foreign_log(found)


def test_what_sqlite_ignores_is_no_reason(stores: SqliteStores, tmp_path: Path, left: Path) -> None:
    """A log that is torn before its first commit, overwritten or no log at all means nothing to SQLite, nor here."""
    create(stores, "ada")
    copy = tmp_path / "backup.db"
    write_copy(stores.database, copy)
    create(stores, "bob")
    log = Path(f"{stores.path}-wal").read_bytes()
    broken = [log[:40], log[:3000], b"x" * 5000, log[:30] + b"xx" + log[32:], log[:60] + b"x" + log[61:]]
    found = left / "chatroom.db"
    for content in broken:
        shutil.copy(copy, found)
        Path(f"{found}-wal").write_bytes(content)
        assert names(found) == ["ada"]


def walk(path: Path, seed: int) -> Iterator[None]:
    """Use a database in every way that changes its file or its log, with several connections."""
    dice = random.Random(seed)
    opened = [open_stores(path, create=True)]
    for step in range(60):
        stores = dice.choice(opened)
        action = dice.randrange(9)
        if action == 0:
            opened.append(open_stores(path))
        elif action == 1 and len(opened) > 1:
            opened.remove(stores)
            stores.close()
        elif action == 2:
            for stores in opened:
                stores.close()
            opened = [open_stores(path)]
        elif action == 3:
            mode = dice.choice(("PASSIVE", "FULL", "RESTART", "TRUNCATE"))
            stores.database.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        elif action == 4:
            stores.database.execute(dice.choice(("VACUUM", "PRAGMA incremental_vacuum(3)"))).fetchall()
        elif action == 5:
            stores.bans.add("name", f"ban{step}", "x" * dice.randrange(60_000), None, BY)
        elif action == 6:
            stores.database.execute("DELETE FROM bans WHERE id % 2").fetchall()
        else:
            create(stores, f"name{step}")
        yield
    for stores in opened:
        stores.close()


@pytest.mark.parametrize("seed", range(4))
def test_no_false_alarm_after_any_change(seed: int, path: Path, left: Path) -> None:
    """Whatever was done before a process was killed, and how much of the log was in the file: nothing is refused."""
    for _ in walk(path, seed):
        refuse_foreign_log(leave(path, left))


@pytest.mark.parametrize("lines", [1, 8, 60])
def test_no_false_alarm_after_a_kill(path: Path, left: Path, lines: int) -> None:
    """Neither after a kill in the middle of writing, nor for the copied files, with or without the log's index."""
    call = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(call, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as writer:
        assert writer.stdout is not None
        for _ in range(lines):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    assert Path(f"{path}-wal").stat().st_size > 32
    copied = leave(path, left)
    assert len(names(copied)) >= lines
    assert len(names(path)) >= lines


def test_files_in_use_are_left_alone(stores: SqliteStores, tmp_path: Path, left: Path) -> None:
    """While a daemon serves the database, or this process has it open, the log is in use and nothing is checked."""
    create(stores, "ada")
    copy = tmp_path / "backup.db"
    write_copy(stores.database, copy)
    create(stores, "bob")
    found = leave(stores.path, left)
    shutil.copy(copy, found)
    with found.open("rb"):
        refuse_foreign_log(found)
    with pytest.raises(ForeignLog):
        open_stores(found)
    with DaemonLock.acquire(found):
        open_stores(found).close()
