"""The global options, the exit codes, and errors as one line."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from chatroom import __version__
from chatroom.ctl import main
from chatroom.errors import ConfigError

Run = Callable[..., Result]


def command_that_raises(error: BaseException) -> click.Command:
    """Return a subcommand that only raises this error."""

    @click.command()
    def failing() -> None:
        raise error

    return failing


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Replace ``status`` by a command that raises."""

    def put(error: BaseException) -> None:
        monkeypatch.setattr(main.Chatroomctl, "get_command", lambda *args: command_that_raises(error))

    return put


def test_the_version_is_told(run: Run) -> None:
    """``--version`` prints the program and its version."""
    assert run("--version").stdout == f"chatroomctl {__version__}\n"


@pytest.mark.parametrize(
    "error, line",
    [
        (ConfigError("that is wrong"), "chatroomctl: that is wrong\n"),
        (ConfigError("two\nlines \x1b[2J"), "chatroomctl: two\\nlines \\x1b[2J\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "chatroomctl: /x: Permission denied\n"),
        (OSError(errno.ENOSPC, "No space left on device"), "chatroomctl: No space left on device\n"),
    ],
)
def test_what_fails_is_one_line(
    run: Run, failing: Callable[[BaseException], None], error: BaseException, line: str
) -> None:
    """An error that chatroom or the operating system raises is one line on stderr and exit code 1."""
    failing(error)
    result = run("status")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line)


def test_a_bug_is_one_line(run: Run, failing: Callable[[BaseException], None]) -> None:
    """Any other exception is one line too, which says how to get the traceback."""
    failing(KeyError("a bug"))
    result = run("status")
    line = "chatroomctl: unexpected error: KeyError: 'a bug' (CHATROOM_DEBUG=1 shows the traceback)\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line)


@pytest.mark.parametrize("error", [KeyError("a bug"), ConfigError("that is wrong")])
def test_the_traceback_is_there_for_debugging(
    run: Run, failing: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """With CHATROOM_DEBUG=1 the traceback comes before the line."""
    monkeypatch.setenv("CHATROOM_DEBUG", "1")
    failing(error)
    result = run("status")
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback")
    assert result.stderr.splitlines()[-1].startswith("chatroomctl: ")


def test_an_interrupt_ends_quietly(run: Run, failing: Callable[[BaseException], None]) -> None:
    """Ctrl-C gives exit code 130, as shells expect, and no traceback."""
    failing(KeyboardInterrupt())
    result = run("status")
    assert result.exit_code == 130
    assert result.stderr.strip() == "Interrupted."


def test_the_answer_no_is_no_interrupt(run: Run, failing: Callable[[BaseException], None]) -> None:
    """A question that is answered with no gives exit code 1."""
    failing(click.Abort())
    result = run("status")
    assert (result.exit_code, result.stderr) == (1, "Aborted!\n")


@pytest.mark.parametrize("arguments", [["bogus"], ["--bogus"], ["config", "get"], ["config", "get", "no.such"]])
def test_wrong_usage_is_exit_code_2(run: Run, arguments: list[str]) -> None:
    """A usage error is reported on stderr with exit code 2."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: chatroomctl")


def test_a_broken_file_stops_only_those_who_need_it(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Help, "config path" and "config init" work beside a broken file. With --database bans work as well."""
    file = home / "broken.toml"
    file.write_text("[broken")
    monkeypatch.setenv("CHATROOM_CONFIG", str(file))
    assert run("--help").exit_code == 0
    assert run("config", "path").stdout == f"{file}\n"
    assert run("config", "init", "other.toml").exit_code == 0
    assert "there is no database" in run("--database", "none.db", "ban", "list").stderr
    result = run("ban", "list")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"chatroomctl: {file}: not valid TOML")


def test_the_database_comes_from_the_configuration(run: Run, home: Path) -> None:
    """Without --database the configured one is used."""
    (home / "my.toml").write_text('[database]\npath = "configured.db"')
    assert f"{home}/configured.db" in run("--config", "my.toml", "ban", "list").stderr


def test_a_reader_that_goes_away_is_no_failure_to_tell(database: Path) -> None:
    """If the reader of a pipe is gone, there is no traceback."""
    code = "import sys; from chatroom.ctl.main import main; sys.argv = ['chatroomctl', 'config', 'show']; main()"
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert done.stderr == ""


def test_python_m_is_the_same_program() -> None:
    """``python -m chatroom.ctl`` calls itself chatroomctl."""
    done = subprocess.run(
        [sys.executable, "-m", "chatroom.ctl", "config", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: chatroomctl config ")


def test_a_subcommand_is_imported_when_it_is_asked_for() -> None:
    """The imports of one subcommand do not slow down another."""
    code = "import sys; from chatroom.ctl.main import cli; cli.get_command(None, 'config'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "chatroom.ctl.config_commands" in loaded
    assert {"sqlite3", "bcrypt", "chatroom.server", "chatroom.ctl.ban_commands"}.isdisjoint(loaded)
