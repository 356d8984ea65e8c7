"""``chatroomctl config``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from click.testing import CliRunner, Result

from chatroom import paths
from chatroom.config import KEYS, load
from chatroom.config.template import template
from chatroom.ctl.main import cli

Run = Callable[..., Result]


@pytest.fixture
def file(home: Path, run: Run) -> Path:
    """A commented file in the working directory."""
    assert run("config", "init", "chatroom.toml").exit_code == 0
    return home / "chatroom.toml"


@pytest.fixture
def no_system_file(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Only the test's own home has a place for a configuration."""
    monkeypatch.setattr(paths, "config_directories", lambda: (home / ".config" / "chatroom", home / "etc"))


@pytest.mark.usefixtures("no_system_file")
def test_init_makes_the_file_that_is_found(run: Run, home: Path) -> None:
    """Without a path it is the user's own, which every command then uses."""
    result = run("config", "init")
    made = home / ".config" / "chatroom" / "chatroom.toml"
    assert (result.exit_code, made.read_text()) == (0, template())
    assert run("config", "path").stdout == f"{made}\n"


def test_init_does_not_overwrite(run: Run, file: Path) -> None:
    """A file that is there is left alone."""
    file.write_text("# mine\n")
    result = run("config", "init", file)
    assert (result.exit_code, result.stderr) == (1, f"chatroomctl: {file}: there is a file already\n")
    assert file.read_text() == "# mine\n"


def test_init_makes_the_file_that_config_names(run: Run, home: Path) -> None:
    """The global option says where, also for a file that is not there yet."""
    assert run("--config", home / "new" / "my.toml", "config", "init").exit_code == 0
    assert (home / "new" / "my.toml").exists()


@pytest.mark.usefixtures("no_system_file")
@pytest.mark.parametrize("command", [["path"], ["set", "limits.burst_lines", "7"], ["unset", "limits.burst_lines"]])
def test_without_a_file_it_is_said_how_to_make_one(run: Run, command: list[str]) -> None:
    """What needs a file says where it looked and how to make one."""
    result = run("config", *command)
    assert result.exit_code == 1
    assert '"chatroomctl config init" makes one' in result.stderr


def test_set_get_and_unset(run: Run, file: Path) -> None:
    """A value that was set is read back by the next command, and is gone when it was unset."""
    result = run("config", "set", "channels.autojoin", "#a,#b")
    assert result.exit_code == 0
    assert result.stdout.endswith(
        'channels.autojoin = ["#a", "#b"]. A running daemon takes it up at "chatroomctl reload".\n'
    )
    assert load(file, {}).channels.autojoin == ("#a", "#b")
    assert run("config", "get", "channels.autojoin").stdout == '["#a", "#b"]\n'
    assert json.loads(run("config", "get", "channels.autojoin", "--json").stdout) == ["#a", "#b"]
    assert run("config", "unset", "channels.autojoin").exit_code == 0
    assert file.read_text() == template()


def test_set_says_when_a_restart_is_needed(run: Run, file: Path) -> None:
    """Keys that only a start reads say so."""
    assert run("config", "set", "listen.port", "7000").stdout.endswith("when it is restarted.\n")
    assert load(file, {}).listen[0].port == 7000


@pytest.mark.parametrize(
    "path, value",
    [("listen.port", "70000"), ("limits.enabled", "maybe"), ("server.name", "nodot"), ("database.path", "")],
)
def test_a_wrong_value_is_not_written(run: Run, file: Path, path: str, value: str) -> None:
    """Validation comes first: the file stays as it was."""
    result = run("config", "set", path, value)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"chatroomctl: {path} must be ")
    assert file.read_text() == template()


def test_a_wrong_file_is_not_made_worse(run: Run, file: Path) -> None:
    """A key that is wrong can be set right; while another one is wrong, nothing is written."""
    file.write_text('[limits]\nburst_lines = "many"\n')
    result = run("config", "set", "limits.login_tries", "5")
    assert result.exit_code == 1
    assert "limits.burst_lines must be" in result.stderr
    assert run("config", "set", "limits.burst_lines", "5").exit_code == 0
    assert load(file, {}).limits.burst_lines == 5


def test_set_tells_when_the_environment_wins(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sets in the file what the environment overrides is told."""
    monkeypatch.setenv("CHATROOM_LIMITS__BURST_LINES", "9")
    result = run("config", "set", "limits.burst_lines", "7")
    assert result.exit_code == 0
    assert "CHATROOM_LIMITS__BURST_LINES is set" in result.stderr
    assert load(file, {}).limits.burst_lines == 7


@pytest.mark.parametrize("path", ["server.password", "webirc.password"])
def test_a_secret_is_no_argument(run: Run, file: Path, path: str) -> None:
    """What stands on the command line every user of the machine can read: it is refused, and how else to do it told."""
    result = run("config", "set", path, "hunter2")
    assert result.exit_code == 2
    assert "--stdin" in result.stderr
    assert "hunter2" not in result.stderr
    assert file.read_text() == template()
    result = run("config", "set", path)
    assert (result.exit_code, result.stderr) == (
        1,
        f"chatroomctl: there is no terminal to ask for {path} at: use --stdin\n",
    )


@pytest.mark.parametrize("path", ["server.password", "webirc.password"])
def test_a_secret_comes_by_standard_input(run: Run, file: Path, path: str) -> None:
    """``--stdin`` reads it without the line's end, and the answer masks it."""
    result = run("config", "set", path, "--stdin", input="hunter2\n")
    assert result.exit_code == 0
    assert "hunter2" not in result.stdout + result.stderr
    assert run("config", "get", path).stdout == "hunter2\n"


def test_a_secret_is_asked_for_twice_without_echo(file: Path) -> None:
    """At a terminal it is typed unseen, and again where the two differ."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "chatroom.ctl", "--config", str(file), "config", "set", "server.password"],
        encoding="utf-8",
        timeout=20,
    )
    for prompt, typed in (
        ("server.password: ", "hunter2"),
        ("The same again: ", "hunter3"),
        ("server.password: ", "hunter2"),
        ("The same again: ", "hunter2"),
    ):
        child.expect_exact(prompt)
        child.waitnoecho()
        child.sendline(typed)
        assert "hunter" not in (child.before or "")
    child.expect(pexpect.EOF)
    assert "hunter" not in (child.before or "")
    child.close()
    assert child.exitstatus == 0
    assert load(file, {}).server.password == "hunter2"


def test_any_value_comes_by_standard_input(run: Run, file: Path) -> None:
    """``--stdin`` is there for every setting, instead of VALUE; one of the two has to be."""
    assert run("config", "set", "server.motd", "--stdin", input="two\nlines\n").exit_code == 0
    assert load(file, {}).server.motd == "two\nlines"
    assert run("config", "set", "server.motd").exit_code == 2
    assert run("config", "set", "server.motd", "x", "--stdin", input="y").exit_code == 2
    result = CliRunner().invoke(cli, ["config", "set", "server.motd", "--stdin"], input=b"\xff")
    assert (result.exit_code, result.stderr) == (1, "chatroomctl: server.motd is not UTF-8\n")


def test_a_path_is_kept_as_it_was_written(run: Run, file: Path) -> None:
    """Relative paths and the tilde go into the file as they are."""
    run("config", "set", "database.path", "data/chat.db")
    assert 'path = "data/chat.db"' in file.read_text().splitlines()


def test_show_tells_every_key_and_where_it_was_set(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All keys are listed with their origin; passwords are masked."""
    run("config", "set", "server.password", "--stdin", input="hunter2\n")
    monkeypatch.setenv("CHATROOM_LIMITS__BURST_LINES", "9")
    result = run("--database", "x.db", "config", "show")
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[1:]}
    assert list(rows) == [key.path for key in KEYS]
    assert "hunter2" not in result.stdout
    assert "chatroom.toml" in rows["server.password"]
    assert "CHATROOM_LIMITS__BURST_LINES" in rows["limits.burst_lines"]
    assert "--database" in rows["database.path"]
    assert run("config", "get", "server.password").stdout == "hunter2\n"


def test_show_as_json(run: Run, file: Path) -> None:
    """One document has the file, the settings and all listen tables; passwords are masked there too."""
    file.write_text('[server]\npassword = "hunter2"\n[[listen]]\nport = 1\n[[listen]]\nport = 2\n')
    result = run("config", "show", "--json")
    document = json.loads(result.stdout)
    assert "hunter2" not in result.stdout
    assert document["file"] == "chatroom.toml"
    assert [table["port"] for table in document["listen"]] == [1, 2]
    assert document["settings"]["limits.burst_lines"] == {"value": 40, "from": "default", "applies": "reload"}


def test_check(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right file is exit code 0, a wrong one or a wrong variable one line and exit code 1."""
    assert run("config", "check").stdout == "chatroom.toml: right.\n"
    monkeypatch.setenv("CHATROOM_LIMITS__BURST_LINES", "9")
    assert run("config", "check").stdout == "chatroom.toml: right; the environment sets 1 of the settings.\n"
    monkeypatch.setenv("CHATROOM_LIMITS__BURST_LINES", "few")
    assert run("config", "check").exit_code == 1
    file.write_text("[nonsense]\n")
    result = run("config", "check")
    assert (result.exit_code, result.stderr) == (1, "chatroomctl: chatroom.toml: unknown section [nonsense]\n")


def test_from_a_shell(file: Path) -> None:
    """As a process of its own: set, then get, from another directory."""
    command = [sys.executable, "-m", "chatroom.ctl", "--config", str(file), "config"]
    done = subprocess.run([*command, "set", "server.motd", "two\nlines"], capture_output=True, text=True, check=True)
    assert "server.motd" in done.stdout
    done = subprocess.run([*command, "get", "server.motd"], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "two\nlines\n"
