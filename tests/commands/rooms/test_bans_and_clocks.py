"""Channel bans with an end, while the wall clock is wrong and when it is set right."""

from __future__ import annotations

import pytest
from harness.world import SERVER, SHELL, Here, verbs

from chatroom.chat.ban_ends import look_again
from chatroom.chat.people.channel import MOST_ENDED_BANS
from chatroom.ctl.channel_reports import find_stored
from chatroom.server import change_follower
from chatroom.server.change_follower import ChangeFollower
from chatroom.server.inbox import Task

MASK = "bob!*@*"


def set_right(here: Here, seconds: float) -> None:
    """Set the clock back, and have the world notice it as the store worker does."""
    here.set_clock(-seconds)
    with here.tick():
        look_again(here.world)


def test_a_ban_that_ended_by_a_wrong_clock_holds_again(here: Here) -> None:
    """The members read that it is lifted, and that it is set again. It then ends at its own time."""
    una, bob = here.member(), here.connect("bob")
    una.say("JOIN #a", "CBAN #a bob 12h :calm down")
    una.read()
    here.set_clock(13 * 3600)
    assert una.read() == [f":{SERVER} MODE #a -b {MASK}"]
    set_right(here, 13 * 3600)
    assert una.read() == [f":{SERVER} MODE #a +b {MASK}"]
    assert verbs(bob.ask("JOIN #a")) == ["474"]
    assert "until 2030-05-02 00:00:00 UTC: calm down" in una.ask("CBAN #a")[0]
    details = [row.detail for row in here.stores.audit.list_entries(target="#a") if row.actor == SERVER]
    assert details == [f"-b {MASK} (the time was over)", f"+b {MASK} (the clock was set)"]
    here.wait(12 * 3600)
    assert una.read() == [f":{SERVER} MODE #a -b {MASK}"]
    assert "JOIN" in verbs(bob.ask("JOIN #a"))


def test_the_store_worker_notices_the_clock(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on, or is set ahead, brings nothing back."""
    una, bob = here.connect("una"), here.connect("bob")
    una.say("JOIN #guests", "CBAN #guests bob 1h")
    tasks: list[Task] = []
    monkeypatch.setattr(change_follower, "read_clocks", lambda: (here.now_ms, here.mono_ms))
    follower = ChangeFollower(here.world, tasks.append, here.stores.last_change_id())
    here.set_clock(3600)
    follower.look(here.stores)
    here.wait(60)
    follower.look(here.stores)
    assert tasks == []
    here.set_clock(-3600)
    follower.look(here.stores)
    with here.tick():
        for task in tasks:
            task()
    assert verbs(bob.ask("JOIN #guests")) == ["474"]


def test_a_clock_that_is_set_right_before_a_start(here: Here) -> None:
    """The database keeps the ban that was lifted. A start with a right clock does not lift the others again."""
    una = here.member()
    una.say("JOIN #a", "CBAN #a bob 12h", "CBAN #a carl 1h")
    here.set_clock(13 * 3600)
    here.now = here.now.replace(day=1, hour=14)
    here.restart()
    bob, una = here.connect("bob"), here.member()
    assert verbs(bob.ask("JOIN #a")) == ["474"]
    assert [entry.mask for entry in here.channel("#a").entries("b")] == [MASK]
    una.say("JOIN #a")
    here.restart()
    actions = [row.detail for row in here.stores.audit.list_entries(target="#a") if row.actor == SERVER]
    assert actions == [f"-bb {MASK} carl!*@* (the time was over)", f"+b {MASK} (the clock was set)"]


@pytest.mark.parametrize("line", [f"MODE #a -b {MASK}", "CBAN -#a bob", f"MODE #a +b {MASK}"])
def test_what_an_operator_does_meanwhile_counts(here: Here, line: str) -> None:
    """A ban that an operator lifted, or set anew, is not changed by the one that had ended."""
    una = here.member()
    una.say("JOIN #a", "CBAN #a bob 12h")
    here.set_clock(13 * 3600)
    una.say(line)
    una.read()
    set_right(here, 13 * 3600)
    assert una.read() == []
    assert [entry.until_at for entry in here.channel("#a").entries("b")] == ([None] if "+b" in line else [])


def test_an_ended_ban_follows_its_account_to_another_name(here: Here) -> None:
    """As those in force do."""
    here.account("vic")
    una = here.member()
    una.say("JOIN #a", "CBAN #a ~a:vic 1h", "CBAN #a bob 1h")
    here.set_clock(3600)
    here.stores.accounts.rename(here.stores.accounts.get("vic").id, "victor", SHELL)
    here.apply_account(here.stores.accounts.get("victor").id)
    set_right(here, 3600)
    assert [entry.mask for entry in here.channel("#a").entries("b")] == ["~a:victor", MASK]


def test_ended_bans_are_bounded_and_shown_nowhere(here: Here) -> None:
    """The newest are kept. Neither the list of the channel nor the shell shows them."""
    una = here.member()
    una.say("JOIN #a")
    for number in range(MOST_ENDED_BANS + 9):
        una.say(f"CBAN #a x{number} {number + 1}m")
    here.wait(7200)
    una.say("MODE #a +m")
    stored = here.stores.channels.find("#a")
    assert stored is not None
    assert [entry.mask for entry in stored.lists][-1] == f"x{MOST_ENDED_BANS + 8}!*@*"
    assert len(stored.lists) == MOST_ENDED_BANS and all(entry.is_over for entry in stored.lists)
    una.read()
    assert [line.split(" ")[1] for line in una.ask("MODE #a b")] == ["368"]
    report = find_stored(here.stores, "#a")
    assert report is not None and report.masks == []


def test_the_next_look_is_at_the_next_end(here: Here) -> None:
    """Until then a tick compares two numbers. Without a ban that ends, nothing is looked at."""
    una = here.member()
    una.say("JOIN #a", "CBAN #a bob 1h")
    assert here.world.next_ban_end_ms == here.now_ms + 3_600_000
    here.wait(3600)
    assert here.world.next_ban_end_ms == 0
