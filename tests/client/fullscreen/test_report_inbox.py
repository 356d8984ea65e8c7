"""The inbox of the full screen: reports of links come in from other threads, and are handled a part at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from chatroom.client.fullscreen.report_inbox import MOST_S, Inbox
from chatroom.client.link import Lag
from chatroom.client.servers import Report


class Scene:
    """An inbox in a loop. Each report takes half of the time for which reports are handled at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[str] = []
        self.failed: list[Exception] = []
        self.inbox = Inbox(self._drain, self.failed.append, lambda: self.now)

    def _drain(self) -> None:
        for report in self.inbox.take():
            if report.server == "bad":
                raise RuntimeError("boom")
            self.done.append(report.server)
            self.now += MOST_S / 2

    def post(self, *names: str) -> None:
        """Post reports from another thread."""

        def run() -> None:
            for name in names:
                self.inbox.post(Report(name, Lag(0)))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true."""
        for _ in range(10_000):
            if condition():
                return
            await asyncio.sleep(0.001)
        raise AssertionError(f"only {self.done}")


def play(scene: Callable[[Scene], Awaitable[None]]) -> None:
    """Play a scene in a loop."""

    async def run() -> None:
        await scene(Scene())

    asyncio.run(run())


def test_a_key_has_its_turn_among_many_reports() -> None:
    """What is posted while reports are handled comes after those of one turn."""

    async def scene(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        scene.inbox.begin()
        key = lambda: scene.done.append("key")  # noqa: E731
        # The first report of a turn posts the key, as the thread does that reads the terminal.
        scene.inbox.post(Report("1", Lag(0)))
        drain = scene.inbox._drain

        def drain_after_key() -> None:
            if not scene.done:
                loop.call_soon_threadsafe(key)
            drain()

        scene.inbox._drain = drain_after_key
        scene.post("2", "3", "4", "5")
        assert scene.inbox.is_due and scene.inbox.waiting() == 5
        await scene.until(lambda: not scene.inbox.is_due)
        assert scene.done == ["1", "2", "key", "3", "4", "5"]
        assert scene.inbox.waiting() == 0
        scene.post("6")
        await scene.until(lambda: not scene.inbox.is_due)
        assert scene.done[-1] == "6"

    play(scene)


def test_what_comes_before_the_begin_waits() -> None:
    """It is handled with the first report after it."""

    async def scene(scene: Scene) -> None:
        scene.post("1")
        assert not scene.inbox.is_due
        scene.inbox.begin()
        scene.post("2")
        await scene.until(lambda: not scene.inbox.is_due)
        assert scene.done == ["1", "2"]

    play(scene)


def test_an_error_is_handed_on() -> None:
    """The rest is not handled: the program ends."""

    async def scene(scene: Scene) -> None:
        scene.inbox.begin()
        scene.post("1", "bad", "2")
        await scene.until(lambda: bool(scene.failed))
        assert str(scene.failed[0]) == "boom" and scene.done == ["1"]

    play(scene)


def test_after_the_end_reports_are_dropped() -> None:
    """A link may still report when the loop has ended."""
    inbox = Inbox(lambda: None, lambda error: None)

    async def begin() -> None:
        inbox.begin()

    asyncio.run(begin())
    inbox.post(Report("late", Lag(0)))
    assert inbox.waiting() == 1
