from __future__ import annotations

import re
import threading
from datetime import timedelta, timezone

import pytest
from harness.daemon import until
from harness.runtime import make_world

from chatroom.config import Settings
from chatroom.server import log_thinning
from chatroom.server import operator_screen as screen_module
from chatroom.server.operator_screen import Screen


class Writes:
    """What a screen writes, and how often. The first write blocks until ``held`` is set."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.begun = threading.Event()
        self.held = threading.Event()

    def write(self, data: bytes) -> None:
        """Stand in for writing to stderr."""
        self.begun.set()
        assert self.held.wait(30)
        self.texts.append(data.decode())


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Writes:
    """Catches what the screen writes."""
    found = Writes()
    monkeypatch.setattr(screen_module, "_write", found.write)
    return found


def test_lines_that_gather_are_one_write(writes: Writes) -> None:
    """While the screen is busy, further lines gather; one write then has them all, in order."""
    screen = Screen()
    screen.start()
    screen.show(["first"])
    assert writes.begun.wait(30)
    for number in range(100):
        screen.show([f"line {number}", f"more {number}"])
    writes.held.set()
    screen.stop(30)
    assert not screen.is_alive()
    assert len(writes.texts) == 2
    shown = [re.sub(r"^\S+ \S+ \S+ ", "", line) for line in writes.texts[1].splitlines()]
    assert shown == [f"{word} {number}" for number in range(100) for word in ("line", "more")]


def test_dropped_lines_are_counted(writes: Writes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped terminal costs lines and no memory. The log says afterwards how many lines were dropped."""
    monkeypatch.setattr(screen_module, "_MOST_WAITING", 3)
    screen = Screen()
    screen.start()
    screen.show(["first"])
    assert writes.begun.wait(30)
    for number in range(5):
        screen.show([f"line {number}", f"more {number}"])
    writes.held.set()
    screen.stop(30)
    assert "(4 lines were not shown)" in writes.texts[1]
    assert "line 2" in writes.texts[1] and "line 3" not in writes.texts[1]


def test_a_line_cannot_break_the_screen(writes: Writes) -> None:
    """Control characters of a name or text are shown as question marks."""
    writes.held.set()
    screen = Screen()
    screen.start()
    screen.show(["red \x1b[31m\nnext"])
    screen.stop(30)
    assert [text.partition("red")[2] for text in writes.texts] == [" ?[31m?next\n"]


def test_a_line_has_its_zone(writes: Writes) -> None:
    """Each line has the time in the zone of the log, and the zone."""
    writes.held.set()
    screen = Screen(timezone(timedelta(hours=5, minutes=30)))
    screen.start()
    screen.show(["first"])
    screen.stop(30)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+05:30 first\n", "".join(writes.texts))


def test_lines_that_repeat_are_counted(writes: Writes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is logged again and again is shown a few times, and at the end of the minute with its number.

    Nobody has to log another line for that. What the daemon says of itself is always shown.
    """
    monkeypatch.setattr(log_thinning, "MINUTE_S", 0.2)
    writes.held.set()
    world = make_world(Settings())
    for _ in range(1010):
        world.log_line("refused 10.0.0.1")
    screen = Screen()
    screen.start()
    screen.show(world.log_lines)
    screen.show(["listening on 127.0.0.1:6667"] * 20)
    until(lambda: "more like it" in "".join(writes.texts), "the number of lines that were held back")
    screen.stop(30)
    text = "".join(writes.texts)
    assert text.count("refused 10.0.0.1\n") == log_thinning.SAME_LINES + 1
    assert "… and 1,000 more like it in the last minute: refused 10.0.0.1" in text
    assert text.count("listening") == 20


def test_what_is_held_back_is_told_at_the_end(writes: Writes) -> None:
    """A daemon that stops within the minute still says how many lines there were."""
    writes.held.set()
    screen = Screen()
    screen.start()
    for _ in range(3):
        screen.show(["a job failed", "Traceback"], log_thinning.Likeness("ValueError", "hub", most_same=1))
    screen.stop(30)
    lines = [re.sub(r"^\S+ \S+ \S+ ", "", line) for line in "".join(writes.texts).splitlines()]
    assert lines == ["a job failed", "Traceback", "… and 2 more like it in the last minute: a job failed"]
