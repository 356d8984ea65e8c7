"""``chatroomctl reload``, against a control socket of the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from harness.control_server import ControlServer

Run = Callable[..., Result]
Answer = Callable[..., None]
READ = ":srv 382 * /etc/chatroom.toml :Rehashing"
DONE = ":srv NOTE REHASH DONE :configuration read again"


@pytest.fixture
def answer(database: Path) -> Iterator[Answer]:
    """Have a daemon answer a reload with these lines."""
    servers = []

    def start(*lines: str) -> None:
        servers.append(ControlServer(database, {"REHASH": list(lines)}))

    yield start
    for server in servers:
        server.close()


def test_what_changed_and_what_waits(run: Run, database: Path, answer: Answer) -> None:
    """Both are listed with the old and the new value, and are JSON for programs."""
    answer(
        READ,
        ":srv NOTE REHASH CHANGED limits.burst_lines :[20, 100]",
        ":srv NOTE REHASH WAITING listen.port :[[6667], [6667, 7000]]",
        DONE,
    )
    assert run("--database", database, "reload").stdout.splitlines() == [
        "The daemon has read /etc/chatroom.toml again.",
        "Changed, and in force now:",
        "  limits.burst_lines: 20 -> 100",
        "Changed, and in force after a restart of the daemon:",
        "  listen.port: [6667] -> [6667, 7000]",
    ]
    assert json.loads(run("--database", database, "reload", "--json").stdout) == {
        "file": "/etc/chatroom.toml",
        "changed": [{"key": "limits.burst_lines", "before": 20, "after": 100}],
        "needs_restart": [{"key": "listen.port", "before": [6667], "after": [6667, 7000]}],
    }


def test_nothing_has_changed(run: Run, database: Path, answer: Answer) -> None:
    """One line says that the daemon has read the file, and the next that nothing is new."""
    answer(READ, DONE)
    assert run("--database", database, "reload").stdout.splitlines()[1:] == ["Nothing has changed."]
    found = json.loads(run("--database", database, "reload", "--json").stdout)
    assert (found["changed"], found["needs_restart"]) == ([], [])


def test_a_password_is_not_shown(run: Run, database: Path, answer: Answer) -> None:
    """The line says that it is another one."""
    answer(READ, ':srv NOTE REHASH CHANGED server.password :["", "********"]', DONE)
    assert "  server.password: another value" in run("--database", database, "reload").stdout.splitlines()


def test_a_long_value_is_shortened_for_people_only(run: Run, database: Path, answer: Answer) -> None:
    """It comes in several lines of IRC, and JSON has all of it."""
    motd = "lorem " * 100
    text = json.dumps(["", motd])
    answer(READ, *(f":srv NOTE REHASH CHANGED server.motd :{text[at : at + 300]}" for at in range(0, len(text), 300)))
    shown = run("--database", database, "reload").stdout.splitlines()[-1]
    assert shown.startswith('  server.motd: "" -> "lorem lorem') and shown.endswith("...") and len(shown) < 100
    (change,) = json.loads(run("--database", database, "reload", "--json").stdout)["changed"]
    assert change["after"] == motd


def test_a_wrong_file_is_refused_with_all_its_errors(run: Run, database: Path, answer: Answer) -> None:
    """Each error is one line on stderr, the last line says that nothing was taken, and the exit code is 1."""
    answer(
        READ,
        ":srv WARN REHASH INVALID_CONFIG 1 :chatroom.toml: a long ",
        ":srv WARN REHASH INVALID_CONFIG 1 :error",
        ":srv WARN REHASH INVALID_CONFIG 2 :chatroom.toml: another",
        ":srv FAIL REHASH INVALID_CONFIG :chatroom.toml: a long error (and 1 more)",
    )
    result = run("--database", database, "reload")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "chatroomctl: chatroom.toml: a long error",
        "chatroomctl: chatroom.toml: another",
        "chatroomctl: nothing of the configuration was taken: a running daemon keeps all its settings",
    ]


def test_any_other_refusal(run: Run, database: Path, answer: Answer) -> None:
    """The daemon's text is the error."""
    answer(":srv FAIL REHASH TEMPORARILY_UNAVAILABLE :Too much waits already")
    result = run("--database", database, "reload")
    assert (result.exit_code, result.stderr) == (1, "chatroomctl: Too much waits already\n")


def test_a_file_that_the_shell_cannot_read_either(run: Run, home: Path) -> None:
    """Without --database the command needs the file itself. It lists the same errors and asks nobody."""
    file = home / "wrong.toml"
    file.write_text("[nonsense]\n[limits]\nburst_lines = true\n")
    result = run("--config", file, "reload")
    assert (result.exit_code, result.stdout) == (1, "")
    one, other, last = result.stderr.splitlines()
    assert "[nonsense]" in one and "limits.burst_lines" in other and "nothing of the configuration was taken" in last
