"""When the full screen wakes up by itself: in a chat in which nothing happens, hardly ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest
from harness.full_screen import CAPS, FullScreen, play
from textual.app import App

from chatroom.client.fullscreen.lag_clock import EVERY_S as LAG_EVERY_S
from chatroom.client.fullscreen.ticking import EVERY_S, Ticking
from chatroom.client.server_silence import THERE_S


class Timer:
    """A call that a fake loop will make."""

    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        """Do not call."""
        self.is_cancelled = True


class Scene:
    """A ticking in a loop whose time is set here. ``returns`` is what ``tick`` returns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.returns: float | Exception = inf
        self.ticked: list[float] = []
        self.failed: list[Exception] = []
        self._timers: list[Timer] = []
        loop: Any = asyncio.new_event_loop()
        loop.time = lambda: self.now
        loop.call_at = self._call_at
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
        self.ticking = Ticking(self._tick, self.failed.append)
        self.ticking.soon()
        assert not self._timers  # not begun
        self.ticking.begin()
        loop.close()

    def _call_at(self, at: float, call: Callable[[], None], **given: object) -> Timer:
        self._timers.append(Timer(at, call))
        return self._timers[-1]

    def _tick(self) -> float:
        self.ticked.append(self.now)
        self.ticking.soon()  # as painting does
        if isinstance(self.returns, Exception):
            raise self.returns
        return self.returns

    @property
    def due(self) -> list[float]:
        """When calls will be made."""
        return [timer.at for timer in self._timers if not timer.is_cancelled]

    def wait(self) -> None:
        """Wait for the next call."""
        (timer,) = (timer for timer in self._timers if not timer.is_cancelled)
        self._timers.clear()
        self.now = timer.at
        timer.call()


def test_a_tick_comes_a_second_after_something_has_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for all that happens in that second, and then none."""
    scene = Scene(monkeypatch)
    for _ in range(3):
        scene.now += 0.25
        scene.ticking.soon()
    assert scene.due == [EVERY_S]
    scene.wait()
    assert scene.ticked == [EVERY_S] and scene.due == []
    scene.now = 100.0
    scene.ticking.soon()
    scene.wait()
    assert scene.ticked[1:] == [100.0 + EVERY_S] and scene.due == []


def test_a_tick_says_when_the_next_one_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that happens until then has one sooner."""
    scene = Scene(monkeypatch)
    scene.returns = 30.0
    scene.wait()
    assert scene.due == [31.0]
    scene.now = 5.0
    scene.ticking.soon()
    assert scene.due == [6.0]
    scene.wait()
    assert scene.due == [36.0]


def test_an_error_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program gets it."""
    scene = Scene(monkeypatch)
    scene.returns = RuntimeError("boom")
    scene.wait()
    assert scene.failed == [scene.returns] and scene.due == []


def test_an_idle_chat_wakes_up_for_its_ping_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tick but that is due, and it paints nothing."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.hear(":bob!b@h PRIVMSG #lobby :hello")
        pings = [line for line in screen.links[-1].sent if line.startswith("PING :lag-")]
        await screen.until(lambda: not screen.app._calling.is_behind)
        first = screen.app._tick()
        painted: list[object] = []
        monkeypatch.setattr(App, "_display", lambda app, chat, update: painted.append(update))
        waits_s = screen.app._tick()
        await screen.settle()
        assert EVERY_S < waits_s <= first <= LAG_EVERY_S
        assert not [update for update in painted if update is not None]
        assert len(pings) <= 1

    play(scene)


def test_a_chat_that_nobody_looks_at_does_not_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes after the last key nothing is measured any more; a key is told to the link, and measures again."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        link, keyboard = screen.links[-1], screen.app._keyboard
        await screen.until(lambda: not screen.app._calling.is_behind)
        keyboard._pressed_at -= THERE_S
        monkeypatch.setattr(screen.app._lag, "_asked_at", None)
        before = list(link.sent)
        assert screen.app._tick() == inf
        assert link.sent == before and link.attended[-1] == keyboard._pressed_at
        await screen.press("a", "backspace")
        assert link.attended[-1] == keyboard._pressed_at > link.attended[0]
        assert screen.app._tick() <= LAG_EVERY_S
        assert link.sent[-1].startswith("PING :lag-")

    play(scene)


def test_what_waits_for_its_time_has_its_ticks(tmp_path: Path) -> None:
    """Others who type, the user's own typing, an answer that does not come: each is looked after each second."""
    caps = f"{CAPS} message-tags batch draft/chathistory"

    async def scene(screen: FullScreen) -> None:
        app = screen.app
        await screen.welcome("#lobby", caps=caps)
        assert screen.sent[-1].startswith("CHATHISTORY") and app._tick() == EVERY_S
        await screen.hear(":srv FAIL CHATHISTORY INVALID_TARGET LATEST #lobby :Nothing here")
        await screen.until(lambda: app._tick() > EVERY_S)
        await screen.hear("@+typing=active :bob!b@h TAGMSG #lobby")
        assert app._tick() == EVERY_S
        await screen.hear("@+typing=done :bob!b@h TAGMSG #lobby")
        assert app._tick() > EVERY_S
        await screen.type("h")
        assert app._tick() == EVERY_S
        await screen.press("backspace")
        assert app._tick() > EVERY_S

    play(scene)
