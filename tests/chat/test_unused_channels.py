"""When a stored channel was last used, and the end of those that nobody uses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from harness.world import SERVER, SHELL, Here, verbs

from chatroom.chat.admission.hook_policy import make_outgoing
from chatroom.chat.stored.records import Actor, StoredChannel
from chatroom.chat.unused_channels import MOST_ENDED, MOST_NOTED, look_at_channels
from chatroom.errors import DatabaseBusy
from chatroom.storage.sql.history_rows import find_conversation

DAY_S = 86_400


def look(here: Here, days: int = 30) -> None:
    """Look at all channels, as the daemon does once an hour."""
    with here.tick():
        look_at_channels(here.world, days)


def used_days_ago(here: Here, name: str) -> int:
    """Before how many days the database says that the channel was used."""
    record = here.stores.channels.find(name)
    assert record is not None and record.used_at is not None
    return (here.now - record.used_at).days


def test_a_channel_ends_that_nobody_has_used(here: Here) -> None:
    """The database, the audit and the log say so; a later channel of the name is another one."""
    una = here.member()
    una.say("JOIN #a", "TOPIC #a :tea", "PART #a")
    here.wait(30 * DAY_S)
    look(here)
    assert here.world.find_channel("#a") is not None
    here.wait(1)
    look(here)
    assert here.world.find_channel("#a") is None
    assert here.stores.channels.find("#a") is None
    entry = here.stores.audit.list_entries(target="#a")[-1]
    assert (entry.actor, entry.action, entry.detail) == (SERVER, "channel.delete", "nobody used it for 30 days")
    assert "#a has ended: nobody used it for 30 days" in here.world.log_lines
    here.restart()
    bob = here.connect("bob")
    assert "332" not in verbs(bob.ask("JOIN #a")) and not here.channel("#a").stored


def test_its_history_is_that_of_an_ended_channel(tmp_path: Path) -> None:
    """A later channel does not show it, also if nothing was said since the start."""
    with Here(tmp_path / "chat.db", history=True) as here:
        una = here.member()
        una.say("JOIN #a", "PRIVMSG #a :secret", "PART #a")
        here.index_history()
        here.restart()
        here.wait(31 * DAY_S)
        look(here)
        assert find_conversation(here.stores.database, "#a") is None
        assert here.stores.database.number("SELECT count(*) FROM conversations WHERE ended_ms IS NOT NULL") == 1
        una = here.connect("una", login="una", caps="draft/chathistory batch")
        una.say("JOIN #a")
        assert not any("secret" in line for line in una.ask("CHATHISTORY LATEST #a * 10"))


def test_what_does_not_end(here: Here) -> None:
    """A channel with members, one that is configured, and any if the setting is off."""
    here.member("una").say("JOIN #a,#b", "PART #b", "TOPIC #lobby :x")
    ada = here.admin("ada")
    ada.say("TOPIC #lobby :hello", "PART #lobby")
    here.member("una").say("QUIT")
    here.connect("bob").say("JOIN #guests")
    here.wait(400 * DAY_S)
    look(here, 0)
    assert sorted(here.world.channels) == ["#a", "#b", "#guests", "#lobby"]
    look(here, 399)
    assert sorted(here.world.channels) == ["#a", "#guests", "#lobby"]


def test_a_join_is_noted_once_a_day(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each JOIN compares two numbers; one a day is written."""
    una, written = here.member(), list[list[str]]()
    una.say("JOIN #a", "PART #a")
    real = here.stores.channels.record_use

    def record(_: object, names: Sequence[str], used_ms: int) -> None:
        written.append(list(names))
        real(names, used_ms)

    monkeypatch.setattr(type(here.stores.channels), "record_use", record)
    for _ in range(4):
        here.wait(DAY_S / 2)
        una.say("JOIN #a", "PART #a", "JOIN #a", "PART #a")
    assert written == [["#a"], ["#a"]]
    assert used_days_ago(here, "#a") == 0


def test_a_channel_whose_members_stay_is_in_use(here: Here) -> None:
    """Without a further JOIN, also if the daemon is killed then."""
    una = here.member()
    una.say("JOIN #a,#b", "PART #b")
    for _ in range(40):
        here.wait(DAY_S)
        look(here)
    assert used_days_ago(here, "#a") == 0
    here.restart()
    look(here)
    assert here.world.find_channel("#a") is not None
    assert here.world.find_channel("#b") is None


def test_a_change_of_a_channel_keeps_the_moment(here: Here) -> None:
    """Each save has it too."""
    una = here.member()
    una.say("JOIN #a")
    here.wait(3 * DAY_S)
    look(here)
    here.wait(3600)
    una.say("TOPIC #a :x", "MODE #a +m", "RENAME #a #b")
    assert used_days_ago(here, "#b") == 0
    assert here.channel("#b").used_ms == here.now_ms - 3_600_000


@pytest.mark.parametrize("used_ms", [0, "ahead"])
def test_a_moment_that_cannot_be_right_counts_from_now(here: Here, used_ms: int | str) -> None:
    """It is not known in older databases, and a clock may have been a year ahead."""
    here.member().say("JOIN #a", "PART #a")
    here.channel("#a").used_ms = here.now_ms + 365 * DAY_S * 1000 if used_ms == "ahead" else 0
    look(here)
    assert used_days_ago(here, "#a") == 0
    here.wait(31 * DAY_S)
    look(here)
    assert here.world.find_channel("#a") is None


def test_who_joins_at_that_moment_makes_another_channel(here: Here) -> None:
    """The deletion does not take the new one."""
    una = here.member()
    una.say("JOIN #a", "TOPIC #a :old", "PART #a")
    here.wait(31 * DAY_S)
    here.holding = True
    look(here)
    una.say("JOIN #a")
    here.holding = False
    here.release()
    stored = here.stores.channels.find("#a")
    assert stored is not None and stored.topic == "" and stored.created_at == here.now


def test_some_end_at_a_time(here: Here) -> None:
    """The others do at the next look."""
    by = Actor("una", "10.0.0.1")
    with here.stores.together():
        for number in range(MOST_ENDED + 5):
            here.stores.channels.save(StoredChannel(f"#c{number}", None, here.now, used_at=here.now), by, "", "")
    here.restart()
    here.wait(31 * DAY_S)
    look(here)
    assert len(here.world.channels) == 6
    look(here)
    assert sorted(here.world.channels) == ["#lobby"]


def test_some_are_noted_at_a_time(here: Here) -> None:
    """After an upgrade no last use is known. None ends before it is noted."""
    by = Actor("una", "10.0.0.1")
    with here.stores.together():
        for number in range(MOST_NOTED + 5):
            here.stores.channels.save(StoredChannel(f"#c{number}", None, here.now), by, "", "")
    here.restart()
    look(here)
    assert sum(not channel.used_ms for channel in here.world.channels.values()) == 5
    look(here)
    assert all(channel.used_ms for channel in here.world.channels.values())
    assert len(here.world.channels) == MOST_NOTED + 6


def test_a_database_that_refuses_is_logged_by_the_daemon(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The channel is there again after a restart, and ends later."""
    here.member().say("JOIN #a", "PART #a")
    here.wait(31 * DAY_S)

    def refuse(*_: object) -> None:
        raise DatabaseBusy("busy")

    with monkeypatch.context() as patched:
        patched.setattr(type(here.stores.channels), "delete", refuse)
        look(here)
    here.restart()
    assert here.channel("#a").used_ms == (here.now - timedelta(days=31)).timestamp() * 1000
    look(here)
    assert here.stores.channels.find("#a") is None


def test_hooks_of_a_channel_that_ends_are_paused(here: Here) -> None:
    """At once, for who makes it anew; and for good, also if the hooks are read meanwhile as they were."""
    here.member().say("JOIN #a", "PART #a")
    here.stores.hooks.add(make_outgoing("#A", "http://h/"), SHELL)
    hooks = here.world.ledger.hooks
    before = here.stores.hooks.list_all()
    hooks.use(before)
    here.wait(31 * DAY_S)
    here.holding = True
    look(here)
    assert hooks.by_channel == {}
    hooks.use(before)
    here.holding = False
    here.release()
    assert hooks.by_channel == {}
    assert [(one.paused, one.failure) for one in here.stores.hooks.list_all()] == [(True, "its channel was deleted")]
    assert "hook 1 is paused: the channel #a was deleted" in here.world.log_lines
