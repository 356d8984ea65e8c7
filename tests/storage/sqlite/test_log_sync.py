"""Changes are on the disk before they are answered, and nobody else waits for the disk meanwhile."""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatroom.chat.stored.entries import Entry, Kind, first_message_id
from chatroom.chat.stored.records import Actor
from chatroom.storage.sqlite.file_opening import open_database
from chatroom.storage.sqlite.history_upkeep import open_upkeep
from chatroom.storage.sqlite.journal import open_journal
from chatroom.storage.sqlite.log_sync import sync_log
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores

CAP_S = 30.0
SHELL = Actor("root", "cli")


class Disk:
    """A disk that takes as long for each sync as a test likes."""

    def __init__(self) -> None:
        self.is_slow = False
        self.asked = threading.Event()
        """Set when a sync has begun."""
        self.done = threading.Event()
        """A slow sync waits for it."""
        self.files: list[str] = []
        """The names of the files that were synced, in order."""

    def fdatasync(self, descriptor: int) -> None:
        """Stand for ``os.fdatasync``."""
        self.files.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        self.asked.set()
        if self.is_slow:
            assert self.done.wait(CAP_S)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The disk that changes are synced to."""
    disk = Disk()
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    yield disk
    disk.done.set()


def ban(stores: SqliteStores, target: str) -> None:
    """Add a ban."""
    stores.bans.add("name", target, "", None, SHELL)


def targets(stores: SqliteStores) -> list[str]:
    """The names that are banned."""
    return [found.target for found in stores.bans.list_all()]


def test_a_message_does_not_wait_for_the_disk_that_a_ban_waits_for(stores: SqliteStores, disk: Disk) -> None:
    """The ban is not answered yet, and a message is written and committed all the same."""
    disk.is_slow = True
    answered = threading.Event()

    def work() -> None:
        with open_stores(stores.path) as own:
            ban(own, "eve")
            answered.set()

    journal = open_journal(stores.path)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert disk.asked.wait(CAP_S)
        message_id = first_message_id(1_900_000_000_000)
        assert journal.begin()
        journal.write(
            [Entry(message_id, 1_900_000_000_000, "#a", Kind.PRIVMSG, "a!a@h", None, "", "#a", "tea?", "", 1)]
        )
        journal.commit()
        assert stores.history.find(message_id) is not None
        assert not answered.is_set()
    finally:
        disk.done.set()
        thread.join()
        journal.close()
    assert answered.is_set()
    assert targets(stores) == ["eve"]


def test_each_change_waits_for_the_disk_and_what_changes_nothing_does_not(stores: SqliteStores, disk: Disk) -> None:
    """A change by itself waits once, and several that are made together wait once."""
    log = f"{stores.path.name}-wal"
    ban(stores, "eve")
    assert disk.files == [log]
    with stores.together():
        for number in range(5):
            stores.audit.add(SHELL, "kick", f"n{number}", "")
    assert disk.files == [log] * 2
    with stores.database.transaction():
        targets(stores)
    assert disk.files == [log] * 2


def test_a_change_that_is_rolled_back_waits_for_nothing(stores: SqliteStores, disk: Disk) -> None:
    """Nobody is answered that it was made."""

    def change_and_fail() -> None:
        with stores.database.transaction():
            stores.database.execute("INSERT INTO changes (tbl, row_id, origin) VALUES ('bans', 1, 'x')")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert disk.files == []


def test_changes_of_other_writers_are_on_the_disk_before_they_are_told(
    stores: SqliteStores, disk: Disk, open_another: Callable[[str], SqliteStores]
) -> None:
    """Their writer may still wait for the disk. What nobody has changed is not waited for."""
    other = open_another("daemon:1")
    last = stores.last_change_id()
    ban(other, "eve")
    disk.files.clear()
    assert stores.changes_after(last)
    assert len(disk.files) == 1
    assert not stores.changes_after(stores.last_change_id())
    assert len(disk.files) == 1


def test_an_error_of_the_disk_is_logged_and_the_change_copied(
    stores: SqliteStores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The change is made, as all others see it. A checkpoint brings it to the disk in another way."""

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdatasync", fail)
    with caplog.at_level(logging.ERROR):
        ban(stores, "eve")
    (record,) = caplog.records
    assert record.getMessage().endswith(": Input/output error")
    assert targets(stores) == ["eve"]
    assert stores.database.row("PRAGMA wal_checkpoint(PASSIVE)") == (0, *[_frames(stores)] * 2)
    assert b"eve" in stores.path.read_bytes()


def _frames(stores: SqliteStores) -> int:
    row = stores.database.row("PRAGMA wal_checkpoint(PASSIVE)")
    assert row is not None
    return int(row[1])


def test_a_log_that_is_gone_has_nothing_to_wait_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The last connection to close has copied it. One that cannot be opened for another reason is an error."""
    assert sync_log(tmp_path / "none-wal")
    assert not caplog.records
    (tmp_path / "loop-wal").symlink_to(tmp_path / "loop-wal")
    assert not sync_log(tmp_path / "loop-wal")
    assert caplog.records


def test_only_a_file_in_wal_mode_is_written_without_waiting(path: Path) -> None:
    """Until a file is in that mode, SQLite itself waits for the disk at each commit."""
    with open_stores(path, create=True) as stores:
        assert stores.database.syncs_log
    database = open_database(path)
    try:
        assert database.number("PRAGMA synchronous") == 2
        assert not database.syncs_log
    finally:
        database.close()


def test_the_upkeep_of_the_history_waits_for_no_disk(stores: SqliteStores, disk: Disk) -> None:
    """What a power cut takes of it is done again."""
    upkeep = open_upkeep(stores.path)
    try:
        with upkeep._database.transaction():
            upkeep._database.execute("UPDATE history_state SET value = value")
    finally:
        upkeep.close()
    assert disk.files == []
