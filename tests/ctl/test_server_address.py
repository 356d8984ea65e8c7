"""``chatroomctl`` with a database on a server: which one, and that its password does not show."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
URL = "postgresql://chat@h.invalid/chat"
SECRET = "postgresql://chat:hush@h.invalid/chat"


@pytest.fixture
def file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration file that only this user may read, named by the environment."""
    file = home / "chatroom.toml"
    file.touch(0o600)
    monkeypatch.setenv("CHATROOM_CONFIG", str(file))
    return file


def test_a_password_on_the_command_line_is_refused(run: Run, file: Path) -> None:
    """As every user of the machine could read it there. The message does not repeat it."""
    for arguments in (("--database", SECRET, "ban", "list"), ("config", "set", "database.url", SECRET)):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "password" in result.stderr and "hush" not in result.output + result.stderr
    assert file.read_text() == ""


def test_a_password_from_standard_input_is_stored_and_not_shown(run: Run, file: Path) -> None:
    """The file has it, and no command shows it."""
    result = run("config", "set", "database.url", "--stdin", input=SECRET)
    assert result.exit_code == 0
    assert tomllib.loads(file.read_text()) == {"database": {"url": SECRET}}
    shown = [result, run("config", "show"), run("config", "get", "database.url"), run("config", "check")]
    assert shown[2].stdout == "postgresql://chat:********@h.invalid/chat\n"
    for one in shown:
        assert "hush" not in one.output + one.stderr


def test_a_warning_if_others_may_read_it(run: Run, file: Path) -> None:
    """With the way out."""
    file.chmod(0o644)
    result = run("config", "set", "database.url", "--stdin", input=SECRET)
    assert "every user of this machine can read database.url" in result.stderr
    assert "every user" not in run("config", "set", "database.url", URL).stderr


def test_what_no_server_does_says_so(run: Run, file: Path) -> None:
    """In one line that names the database."""
    assert run("config", "set", "database.url", URL).exit_code == 0
    result = run("db", "vacuum")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"chatroomctl: {URL}: the server does this by itself")
    assert run("--database", "postgresql://h.invalid/other", "db", "vacuum").stderr.count(URL) == 0


def test_a_url_of_something_else_is_no_path(run: Run, home: Path) -> None:
    """No file is made whose name begins with a scheme."""
    result = run("--database", "mysql://chat:hush@h/chat", "db", "migrate", "--yes")
    assert result.exit_code == 2
    assert "must begin with postgresql://" in result.stderr and "hush" not in result.stderr
    assert list(home.iterdir()) == []


def test_with_a_url_the_configuration_is_not_read(run: Run, file: Path) -> None:
    """As with a path: a command works beside a configuration that is broken, or of another server."""
    file.write_text("broken")
    assert f"{URL}: the server does this" in run("--database", URL, "db", "vacuum").stderr
