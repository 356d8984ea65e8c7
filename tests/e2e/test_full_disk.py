"""A disk that is full, and a database file that is taken away while the daemon has it open."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import PASSWORD, Client, Daemon, Place, until
from harness.own_disk import own_disk

SIZE = 6 * 1024 * 1024


@pytest.fixture
def small_disk(place: Place) -> Iterator[Path]:
    """A file system of some megabytes, which the database is on."""
    disk = place.root / "disk"
    with own_disk(place, disk, [["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)]]):
        yield disk


def fill(disk: Path) -> Path:
    """Fill a disk to the last byte, with a file of another program. Return that file."""
    file = disk / "filling"
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for size in (4096, 1):
        try:
            while os.write(descriptor, bytes(size)):
                pass
        except OSError:
            pass
    os.close(descriptor)
    return file


def refused(client: Client, text: str) -> bool:
    """Say something, and return True if it was refused because it cannot be stored."""
    return any("NOT_KEPT" in line for line in client.ask(f"PRIVMSG #lobby :{text}"))


def test_bans_are_stored_on_a_full_disk(place: Place, small_disk: Path) -> None:
    """Messages are refused. A ban, a ban from the shell and an account are stored, and so it stays after a crash."""
    place.create("ada", "admin")
    daemon = Daemon(place)
    with daemon.connect("ada", password=PASSWORD) as ada, daemon.connect("eve") as eve:
        filling = fill(small_disk)
        until(lambda: refused(ada, "talk " * 50), "messages are refused")
        assert any("is banned for 1h, ban 1" in line for line in ada.ask("UBAN ADD eve 1h full"))
        assert "banned: full" in eve.expect_closed()[-1]
        # The room that was given up is not for messages.
        assert refused(ada, "still full")
        assert place.ctl_json("status")["disk"].startswith("full")
        place.ctl("ban", "add", "mallory")
        daemon.create("una")
        daemon.kill()
        assert [row["target"] for row in place.ctl_json("ban", "list")] == ["mallory", "eve"]
        filling.unlink()
    daemon = Daemon(place)
    with daemon.connect("ada", password=PASSWORD) as ada:
        until(lambda: not refused(ada, "there is room"), "messages are stored again")
    assert daemon.stop() == 0


def test_a_daemon_starts_on_a_full_disk(place: Place, small_disk: Path) -> None:
    """The reserve of the last run is there for the start of the next."""
    place.create("ada", "admin")
    Daemon(place).stop()
    fill(small_disk)
    daemon = Daemon(place)
    with daemon.connect("ada", password=PASSWORD) as ada:
        assert any("ban 1" in line for line in ada.ask("UBAN ADD eve 1h full"))
    assert daemon.stop() == 0


def test_without_a_reserve_a_ban_acts_and_is_stored_when_it_can_be(place: Place, small_disk: Path) -> None:
    """The answer and both lists say NOT STORED, until there is room."""
    place.create("ada", "admin")
    daemon = Daemon(place)
    with daemon.connect("ada", password=PASSWORD) as ada, daemon.connect("eve") as eve:
        (small_disk / "chat.db-reserve").unlink()
        filling = fill(small_disk)
        assert any("NOT STORED" in line for line in ada.ask("UBAN ADD eve 1h full"))
        assert "banned: full" in eve.expect_closed()[-1]
        assert any("NOT STORED: eve" in line for line in ada.ask("UBAN LIST"))
        assert place.ctl_json("ban", "list")[0]["id"] == 0
        assert "NOT STORED" in place.ctl("ban", "list")
        filling.unlink()
        daemon.expect_log("is stored now, as ban 1")
        assert place.ctl_json("ban", "list")[0]["id"] == 1
    assert daemon.stop() == 0


@pytest.mark.parametrize("synchronous", ["normal", "full"])
@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_said_into_a_deleted_file(place: Place, replaced: bool, synchronous: str) -> None:
    """The next message is refused, the log says why once, status tells it, and a file that is back is used again."""
    place.environment["CHATROOM_HISTORY__SYNCHRONOUS"] = synchronous
    daemon = Daemon(place)
    database = daemon.place.database
    away = database.with_name("away.db")
    with daemon.connect("ann") as ann:
        assert not refused(ann, "before")
        database.rename(away)
        if replaced:
            shutil.copyfile(away, database)
        assert refused(ann, "into nothing")
        assert refused(ann, "again")
        what = "another file was put in its place" if replaced else "the file was removed"
        daemon.expect_log("messages are refused until it is back")
        assert len(daemon.log_lines("messages are refused until it is back")) == 1
        with daemon.open() as other:
            other.collect()
        away.rename(database)
        daemon.expect_log("the database is back")
        until(lambda: not refused(ann, "after"), "messages are stored again")
        assert any(what in line for line in daemon.log_lines("file was"))
    assert daemon.is_well()
