"""``chatroomctl upgrade``, against a control socket of the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from harness.control_server import ControlServer

Run = Callable[..., Result]
Answer = Callable[..., None]
DONE = {"pid": 77, "carried": 12, "closed": 0, "seconds": 0.512, "standstill_s": 0.104}


@pytest.fixture
def answer(database: Path) -> Iterator[Answer]:
    """Have a daemon answer with these lines; then it closes the connection."""
    servers = []

    def start(*lines: str) -> None:
        servers.append(ControlServer(database, {"UPGRADE": list(lines)}))

    yield start
    for server in servers:
        server.close()


def test_the_stages_and_the_result(run: Run, database: Path, answer: Answer) -> None:
    """Stages go to stderr as they come, the result to stdout."""
    answer(":srv NOTE UPGRADE STAGE :starting the new daemon", f":srv NOTE UPGRADE DONE :{json.dumps(DONE)}")
    result = run("--database", database, "upgrade")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == ["starting the new daemon ..."]
    assert result.stdout.splitlines() == [
        "The new daemon is process 77, after 0.5 s; the chat stood still for 0.10 s.",
        "It has 12 connections; nobody has to connect again.",
    ]


def test_who_has_to_connect_again_is_counted(run: Run, database: Path, answer: Answer) -> None:
    """And the result is JSON for programs."""
    closed = {**DONE, "closed": 3}
    answer(f":srv NOTE UPGRADE DONE :{json.dumps(closed)}")
    shown = run("--database", database, "upgrade").stdout.splitlines()[1]
    assert shown == "It has 12 connections; 3 with TLS or a command under way have to connect again."
    assert json.loads(run("--database", database, "upgrade", "--json").stdout) == closed


@pytest.mark.parametrize(
    "line, told",
    [
        (":srv FAIL UPGRADE NOT_UPGRADED :the port is taken", "the daemon goes on as it was: the port is taken"),
        (":srv 421 * UPGRADE :Unknown command", "the daemon goes on as it was: Unknown command"),
    ],
)
def test_a_daemon_that_goes_on_says_why(run: Run, database: Path, answer: Answer, line: str, told: str) -> None:
    """The exit code is 1. The second daemon is one from before this command."""
    answer(line)
    result = run("--database", database, "upgrade")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [f"chatroomctl: not upgraded, {told}"]


def test_a_daemon_that_dies_on_the_way(run: Run, database: Path) -> None:
    """The end of the connection without a result is an error."""
    server = ControlServer(database, {"UPGRADE": None})
    try:
        result = run("--database", database, "upgrade")
    finally:
        server.close()
    assert result.exit_code == 1
    assert "the daemon ended before the new one was ready" in result.stderr


def test_without_a_daemon(run: Run, database: Path) -> None:
    """There is nothing to upgrade."""
    result = run("--database", database, "upgrade")
    assert result.exit_code == 1
    assert "no daemon serves" in result.stderr
