"""Bans and channel settings while the database refuses to write."""

from __future__ import annotations

import pytest
from harness.world import Here

from chatroom.chat.retries import PAUSE_MS
from chatroom.errors import DiskFull
from chatroom.storage.sqlite.database import SqliteDatabase

CAPS = "standard-replies"


class Disk:
    """What the stores write to. ``is_full`` makes every transaction fail."""

    def __init__(self) -> None:
        self.is_full = False


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk that a test can fill."""
    disk, begin = Disk(), SqliteDatabase._begin

    def begin_or_fail(database: SqliteDatabase) -> None:
        if disk.is_full:
            raise DiskFull("no room")
        begin(database)

    monkeypatch.setattr(SqliteDatabase, "_begin", begin_or_fail)
    return disk


def let_retry(here: Here) -> None:
    """Let the time to the next try pass, and the try end."""
    here.wait(PAUSE_MS / 1000)
    here.release()


def listed(here: Here) -> list[str]:
    """Return what UBAN LIST shows."""
    return [line for line in next(iter(here.clients.values())).ask("UBAN LIST") if " ENTRY " in line]


def test_a_ban_acts_and_is_stored_later(here: Here, disk: Disk) -> None:
    """The user is gone at once, the moderator reads NOT STORED, and the database has the ban when it can."""
    mo, eve = here.moderator(caps=CAPS), here.connect("eve")
    disk.is_full = True
    answer = "\n".join(mo.ask("UBAN ADD eve 1h flooding"))
    assert "eve is banned for 1h, a ban that is NOT STORED" in answer
    assert "WARN UBAN NOT_STORED eve" in answer
    assert eve.session.closing
    assert "NOT STORED: eve is banned: flooding" in listed(here)[0]
    let_retry(here)
    assert "NOT STORED" in listed(here)[0]
    disk.is_full = False
    let_retry(here)
    assert "NOTE UBAN ENTRY eve :1: eve is banned: flooding" in listed(here)[0]
    (stored,) = here.stores.bans.list_in_force(here.now)
    assert (stored.target, stored.reason, stored.by) == ("eve", "flooding", "mo")
    assert any("stored now, as ban 1" in line for line in here.world.log_lines)


def test_it_can_be_lifted_before_it_is_stored(here: Here, disk: Disk) -> None:
    """A lifted ban does not come back, and neither does the one that it replaced."""
    mo = here.moderator(caps=CAPS)
    mo.say("UBAN ADD 203.0.113.0/24 1h first")
    disk.is_full = True
    mo.say("UBAN ADD 203.0.113.0/24 2h second")
    assert len(listed(here)) == 1
    assert any("TEMPORARILY_UNAVAILABLE" in line for line in mo.ask("UBAN DEL 203.0.113.0/24"))
    assert len(listed(here)) == 1
    disk.is_full = False
    assert any("REMOVED" in line for line in mo.ask("UBAN DEL 203.0.113.0/24"))
    let_retry(here)
    assert listed(here) == []
    assert here.stores.bans.list_in_force(here.now) == []


def test_a_try_under_way_does_not_bring_it_back(here: Here, disk: Disk) -> None:
    """A ban that is lifted while it is stored ends up lifted."""
    mo = here.moderator(caps=CAPS)
    disk.is_full = True
    mo.say("UBAN ADD eve 1h x")
    disk.is_full = False
    here.holding = True
    here.wait(PAUSE_MS / 1000)
    mo.say("UBAN DEL eve")
    here.holding = False
    here.release()
    let_retry(here)
    assert here.stores.bans.list_in_force(here.now) == []
    assert len(here.world.bans) == 0


def test_a_stored_ban_of_the_shell_replaces_it(here: Here, disk: Disk) -> None:
    """If a ban on the target is stored meanwhile, the waiting one is not stored over it."""
    mo = here.moderator(caps=CAPS)
    disk.is_full = True
    mo.say("UBAN ADD eve 1h x")
    disk.is_full = False
    here.ban("eve", "from the shell")
    let_retry(here)
    assert [ban.reason for ban in here.stores.bans.list_all()] == ["from the shell"]


def test_the_shell_can_list_it(here: Here, disk: Disk) -> None:
    """The control socket tells of bans that the database has not."""
    mo, root = here.moderator(caps=CAPS), here.control()
    disk.is_full = True
    mo.say("UBAN ADD eve 1h why not", "UBAN ADD 2001:db8::/64 x")
    lines = root.ask("UNSTORED")
    created_ms = here.now_ms
    assert f"UNSTORED ip 2001:db8::/64 mo {created_ms} 0 :x" in lines[0]
    assert f"UNSTORED name eve mo {created_ms} {created_ms + 3_600_000} :why not" in lines[1]


def test_a_channel_is_saved_later(here: Here, disk: Disk) -> None:
    """Its modes hold at once; the channel is saved as it is when the disk has room, with its new name."""
    una = here.member("una", caps=CAPS)
    una.say("JOIN #den", "MODE #den +k secret")
    disk.is_full = True
    assert any("WARN MODE NOT_STORED #den" in line for line in una.ask("MODE #den +m"))
    una.say("TOPIC #den :later", "RENAME #den #nest")
    assert here.stores.channels.find("#nest") is None
    disk.is_full = False
    for _ in range(3):
        let_retry(here)
    stored = here.stores.channels.find("#nest")
    assert stored is not None
    assert stored.topic == "later"
    assert "m" in stored.flags
    assert here.stores.channels.find("#den") is None


def test_a_channel_made_on_a_full_disk_is_stored(here: Here, disk: Disk) -> None:
    """An account's channel is its own after a restart, too."""
    una = here.member("una", caps=CAPS)
    disk.is_full = True
    una.say("JOIN #den")
    disk.is_full = False
    let_retry(here)
    assert here.stores.channels.find("#den") is not None
