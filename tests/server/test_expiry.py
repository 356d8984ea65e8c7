"""What the store worker has looked at once a minute or an hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.world import PASSWORD, Here, make_settings

from chatroom.commands.connecting.approving import end_old_requests
from chatroom.errors import StorageError
from chatroom.server import expiry
from chatroom.server.expiry import Expiry
from chatroom.server.inbox import Task

DAY_S = 86_400


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A world in which channels and accounts end after ten days."""
    settings = make_settings(channels={"expire_days": 10}, accounts={"expire_days": 10})
    with Here(tmp_path / "chat.db", settings) as here:
        yield here


@pytest.fixture
def go_on(here: Here, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let time pass, set the clock ahead, and have everything looked at that is due."""
    monkeypatch.setattr(expiry, "read_clocks", lambda: (here.now_ms, here.mono_ms))
    tasks: list[Task] = []
    look = Expiry(here.world, tasks.append)

    def go_on(seconds: float, ahead_s: float = 0) -> None:
        here.wait(seconds)
        here.set_clock(ahead_s)
        look.look(here.stores)
        with here.tick():
            while tasks:
                tasks.pop(0)()

    return go_on


def is_left(here: Here) -> tuple[bool, bool]:
    """Return whether the channel and the account are there."""
    return here.world.find_channel("#a") is not None, here.world.accounts.find("una") is not None


def test_failed_logins_are_looked_at_once_a_minute(
    here: Here, go_on: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the monotonic clock."""
    seen: list[int] = []
    monkeypatch.setattr(type(here.world.kept_failures), "expire", lambda _, mono_ms: seen.append(mono_ms))
    for seconds, ahead_s in ((59, 0), (0, 3600), (1, 0), (59, 0), (1, 0)):
        go_on(seconds, ahead_s)
    assert [mono_ms - here.world.start_mono_ms for mono_ms in seen] == [60_000, 120_000]


def test_failed_logins_are_written_once_a_second(
    here: Here, go_on: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If there are any."""
    kept, flushed = here.world.kept_failures, list[int]()
    monkeypatch.setattr(type(kept), "flush", lambda _: flushed.append(here.mono_ms - here.world.start_mono_ms))
    go_on(5)
    assert flushed == []
    kept.waits = True
    for seconds in (0.2, 0.2, 0.7, 0.1):
        go_on(seconds)
    assert flushed == [5200, 6200]


def test_channels_and_accounts_end_when_they_are_old(here: Here, go_on: Callable[..., None]) -> None:
    """As the settings in force say."""
    here.member().say("JOIN #a", "QUIT")
    go_on(10 * DAY_S)
    assert is_left(here) == (True, True)
    go_on(3600)
    assert is_left(here) == (False, False)


def test_without_the_settings_nothing_ends(here: Here, go_on: Callable[..., None]) -> None:
    """But it is noted which channels are in use."""
    here.world.settings = make_settings()
    una = here.member()
    una.say("JOIN #a")
    go_on(400 * DAY_S)
    go_on(3600)
    stored = here.stores.channels.find("#a")
    assert stored is not None and stored.used_at is not None and (here.now - stored.used_at).days == 0
    una.say("QUIT")
    go_on(400 * DAY_S)
    assert is_left(here) == (True, True)


def test_requests_for_accounts_end_undecided(here: Here, go_on: Callable[..., None]) -> None:
    """After thirty days, or as the settings say. The session that has asked is told, and the name is free."""
    here.world.settings = make_settings(accounts={"registration": "approval"})
    zoe = here.connect("zoe")
    zoe.ask(f"REGISTER * * :{PASSWORD}")
    go_on(30 * DAY_S)
    assert here.stores.requests.find("zoe") is not None
    go_on(3600)
    assert here.stores.requests.find("zoe") is None
    assert "You may not register zoe: nobody decided in 30 days" in zoe.read()[-1]
    assert zoe.session.held is None
    zoe.ask(f"REGISTER * * :{PASSWORD}")
    here.world.settings = make_settings(accounts={"registration": "approval", "requests_expire_days": 0})
    go_on(400 * DAY_S)
    go_on(3600)
    assert here.stores.requests.find("zoe") is not None


def test_old_requests_that_cannot_be_ended_are_told(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has it, and the next hour tries again."""

    def fail(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(type(here.stores.requests), "end_older", fail)
    with here.tick():
        end_old_requests(here.world, here.now, 30)
    assert "requests for accounts could not be ended: the disk is full" in str(here.world.log_lines[-1])


def test_nothing_ends_on_the_first_day(here: Here, go_on: Callable[..., None]) -> None:
    """The daemon may not have run for long, or have started with a wrong clock."""
    here.member().say("JOIN #a", "QUIT")
    here.set_clock(400 * DAY_S)
    for _ in range(23):
        go_on(3600)
    assert is_left(here) == (True, True)
    go_on(3600)
    assert is_left(here) == (True, True)  # the clock was set ahead since the start
    go_on(DAY_S)
    assert is_left(here) == (False, False)


def test_a_clock_that_is_set_far_ahead_ends_nothing_for_a_day(
    here: Here, go_on: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """Set right, it would not bring anything back. Then it is believed."""
    go_on(2 * DAY_S)
    here.member().say("JOIN #a", "QUIT")
    go_on(3600, ahead_s=30 * DAY_S)
    assert any("the clock was set far ahead" in message for message in caplog.messages)
    go_on(DAY_S - 3600)
    assert is_left(here) == (True, True)
    go_on(3600)
    assert is_left(here) == (False, False)
