from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from harness.daemon import until
from harness.runtime import make_world

from chatroom.chat.log_levels import LogLevels
from chatroom.chat.log_line import Level, LogLine, LogWarning
from chatroom.chat.stored.records import Actor
from chatroom.chat.unstored_channels import save_later
from chatroom.config import Settings
from chatroom.server import log_output, log_thinning, operator_screen
from chatroom.server.log_output import LogOutput
from chatroom.server.operator_screen import Screen


class Writes:
    """What a screen writes, and how often. The first write blocks until ``held`` is set."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.begun = threading.Event()
        self.held = threading.Event()

    def write(self, descriptor: int, data: bytes) -> None:
        """Stand in for writing to stderr."""
        self.begun.set()
        assert self.held.wait(30)
        self.texts.append(data.decode())


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Writes:
    """Catches what the screen writes."""
    found = Writes()
    monkeypatch.setattr(log_output, "_write", found.write)
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
    monkeypatch.setattr(operator_screen, "_MOST_WAITING", 3)
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


def shown_lines(
    output: Path, groups: Sequence[Sequence[str]], levels: LogLevels | None = None
) -> list[dict[str, object]]:
    """Return what a screen with JSON writes of groups of lines."""
    screen = Screen(None, levels, LogOutput(output), as_json=True)
    screen.output.open()
    screen.start()
    for lines in groups:
        screen.show(lines)
    screen.stop(30)
    screen.output.close()
    return [json.loads(line) for line in output.read_text().splitlines()]


def test_json_has_one_event_a_line(tmp_path: Path) -> None:
    """Each has its time in UTC, its level, the area of the code that logged it, and the message as it was."""
    world = make_world(Settings())
    world.log_line("a \u2028 b\x1b")
    world.log_line("careful", LogWarning)
    first, second, third = shown_lines(tmp_path / "log", [world.log_lines, ["stopped"]])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(first.pop("time")))
    assert first == {"level": "info", "area": "server", "message": "a \u2028 b\x1b"}
    assert (second["level"], third["message"], third["level"]) == ("warning", "stopped", "info")


def test_what_was_held_back_is_a_number_in_json(tmp_path: Path) -> None:
    """The message stays as it is, so that programs find it."""
    world = make_world(Settings())
    for _ in range(log_thinning.SAME_LINES + 5):
        world.log_line("refused 10.0.0.1")
    *_, last = shown_lines(tmp_path / "log", [world.log_lines])
    assert (last["message"], last["held_back"]) == ("refused 10.0.0.1", 5)


def test_an_area_can_be_silenced(tmp_path: Path) -> None:
    """Its lines below the level are not written and not counted. The area is that of the caller's folder."""
    world, levels = make_world(Settings()), LogLevels()
    save_later(world, world.make_channel("#old"), Actor("ada", "cli"), "channel.topic", "", "locked")
    line = LogLine("ada is now Ada")
    line.place = save_later.__code__.co_filename, 1, 0
    world.log_lines.append(line)
    levels.change("chat", Level.WARNING)
    shown = shown_lines(tmp_path / "log", [world.log_lines, ["stopped"]], levels)
    assert [(one["area"], one["level"], one["message"]) for one in shown] == [
        ("chat", "warning", "#old could not be stored, and is tried again: locked"),
        ("server", "info", "stopped"),
    ]


def test_what_a_full_disk_refused_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines are lost, and the log says how many when it can be written again."""
    output = LogOutput(tmp_path / "log")
    written: list[bytes] = []

    def write(data: bytes) -> bool:
        written.append(data)
        return len(written) > 1

    monkeypatch.setattr(output, "write", write)
    screen = Screen(None, None, output)
    screen.start()
    screen.show(["one", "two"])
    until(lambda: written, "the first write")
    screen.show(["three"])
    screen.stop(30)
    assert b"(2 lines were not shown)" in written[1] and b"three" in written[1]
