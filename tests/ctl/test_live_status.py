"""``chatroomctl status --watch``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from harness.control_server import ControlServer
from harness.terminal import Terminal

from chatroom.ctl import live_status
from chatroom.ctl.live_status import Look, Row, make_rows
from chatroom.errors import NotRunning

Run = Callable[..., Result]

VALUES = {"version": "1.0", "server": "chat.example.org", "uptime_s": "61", "users": "7", "threads": "all 8 run"}
LINES = [f":srv NOTE STATUS {key} :{value}" for key, value in VALUES.items()]


@pytest.fixture
def server(database: Path) -> Iterator[ControlServer]:
    """A daemon that answers the same each time."""
    found = ControlServer(database, {"STATUS": LINES})
    yield found
    found.close()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses. The third one is ended by Ctrl-C."""
    made: list[float] = []

    def sleep(seconds: float) -> None:
        made.append(seconds)
        if len(made) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    return made


def test_a_row_shows_what_changed() -> None:
    """Numbers have their difference, texts have none. The first line has the processor time of the interval."""
    before = Look(10.0, {**VALUES, "cpu_ms": "1000", "users": "9", "bans": "1"})
    rows = make_rows(Look(12.0, {**VALUES, "cpu_ms": "1500", "bans": "1"}), before)
    assert rows[0] == Row("chat.example.org (1.0), up 1m1s, 25 % CPU", "")
    assert rows[1:] == [Row("users", "7", "-2"), Row("threads", "all 8 run"), Row("bans", "1")]


def test_another_daemon_has_no_negative_share() -> None:
    """Its processor time begins anew."""
    before = Look(10.0, {**VALUES, "cpu_ms": "1000"})
    assert "CPU" not in make_rows(Look(12.0, {**VALUES, "cpu_ms": "5"}), before)[0].label


@pytest.mark.parametrize(
    "key, bad, good",
    [
        ("threads", "io-0 has been in one tick for 9 s", "all 8 run; upkeep was started again 1x"),
        ("history", "the disk is full", "not kept"),
        ("disk", "100 MiB free, less than database.warn_free_mb", "9000 MiB free"),
        ("connections", "91", "90"),
    ],
)
def test_what_is_wrong_is_marked(key: str, bad: str, good: str) -> None:
    """An operator sees it at a glance."""
    for value, is_trouble in ((bad, True), (good, False)):
        rows = make_rows(Look(1.0, {"most_connections": "100", key: value}), None)
        assert [row.is_trouble for row in rows if row.label == key] == [is_trouble]


def test_without_a_terminal_one_block_follows_the_other(
    run: Run, database: Path, server: ControlServer, naps: list[float]
) -> None:
    """There is no escape sequence in it. Ctrl-C ends it with 130, as everywhere."""
    result = run("--database", database, "status", "--watch", "--every", "0.5", "--utc")
    assert (result.exit_code, naps) == (130, [0.5] * 3)
    blocks = [block.splitlines() for block in result.stdout.rstrip("\n").split("\n\n")]
    assert len(blocks) == 3 and "\x1b" not in result.stdout
    assert blocks[0][0].endswith("UTC  chat.example.org (1.0), up 1m1s")
    assert [line.split() for line in blocks[0][1:]] == [["users", "7"], ["threads", "all", "8", "run"]]


def test_json_is_one_document_a_line(run: Run, database: Path, server: ControlServer, naps: list[float]) -> None:
    """A program can follow it. If the daemon ends, it reads why, and goes on."""
    looks = iter([dict(VALUES), dict(VALUES)])

    def ask(_: object) -> dict[str, str]:
        for found in looks:
            return found
        raise NotRunning("no daemon serves it")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_status, "ask_status", ask)
        result = run("--database", database, "status", "--watch", "--json")
    first, second, third = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.exit_code, first["users"], second["threads"]) == (130, 7, "all 8 run")
    assert third == {"error": "no daemon serves it"}


def test_without_a_daemon_it_does_not_begin(run: Run, database: Path) -> None:
    """The answer is that of status."""
    result = run("--database", database, "status", "--watch")
    assert result.exit_code == 1
    assert "no daemon serves" in result.stderr


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_shows_one_view(database: Path, server: ControlServer, colour: bool) -> None:
    """What is wrong is red, unless NO_COLOR is set. After Ctrl-C the cursor is back, and the exit code 130."""
    server._answers = {"STATUS": [*LINES, ":srv NOTE STATUS history :the disk is full"]}
    env = {**os.environ, **({} if colour else {"NO_COLOR": "1"})}
    terminal = Terminal("-m", "chatroom.ctl", "--database", str(database), "status", "--watch", env=env)
    try:
        terminal.see("chat.example.org (1.0), up 1m1s")
        terminal.wait(lambda: terminal.raw.count("\x1b[H") > 2, "a second look")
        assert [line.split()[0] for line in terminal.lines[1:]] == ["users", "threads", "history"]
        terminal.type("\x03")
        assert terminal.finish() == 130
    finally:
        terminal.close()
    assert ("\x1b[31m" in terminal.raw) is colour
    assert terminal.raw.rindex("\x1b[?25h") > terminal.raw.rindex("\x1b[?25l")
