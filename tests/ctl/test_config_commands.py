"""``chatroomctl config``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
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
def file(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file with only comments, in the working directory, named by the environment."""
    monkeypatch.setenv("CHATROOM_CONFIG", "chatroom.toml")
    assert run("config", "init", "chatroom.toml").exit_code == 0
    return home / "chatroom.toml"


@pytest.fixture
def no_system_file(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Keep the system's configuration file out: only the home directory can have one."""
    monkeypatch.setattr(paths, "config_directories", lambda: (home / ".config" / "chatroom", home / "etc"))


@pytest.mark.usefixtures("no_system_file")
def test_init_makes_the_file_that_is_found(run: Run, home: Path) -> None:
    """Without PATH the file is written to the user's directory, and every command finds it there."""
    result = run("config", "init")
    made = home / ".config" / "chatroom" / "chatroom.toml"
    assert (result.exit_code, made.read_text()) == (0, template())
    assert run("config", "path").stdout == f"{made}\n"


@pytest.mark.usefixtures("no_system_file")
def test_a_file_elsewhere_is_read_only_if_named(run: Run, home: Path) -> None:
    """Whoever owns a directory does not choose the server: "config init PATH" says how to use that file."""
    said = run("config", "init", "chatroom.toml").stdout
    assert f"chatroomctl --config {home}/chatroom.toml" in said
    (home / "chatroom.toml").write_text('[database]\npath = "other.db"\n')
    assert "there is no configuration file" in run("config", "path").stderr
    assert "other.db" not in run("ban", "list").stderr
    assert "other.db" in run("--config", "chatroom.toml", "ban", "list").stderr


def test_init_does_not_overwrite(run: Run, file: Path) -> None:
    """A file that exists is not changed."""
    file.write_text("# mine\n")
    result = run("config", "init", file)
    assert (result.exit_code, result.stderr) == (
        1,
        f"chatroomctl: {file} exists already; name another path or remove it\n",
    )
    assert file.read_text() == "# mine\n"


def test_init_makes_the_file_that_config_names(run: Run, home: Path) -> None:
    """The global --config names the file to write, even if it does not exist yet."""
    assert run("--config", home / "new" / "my.toml", "config", "init").exit_code == 0
    assert (home / "new" / "my.toml").exists()


@pytest.mark.usefixtures("no_system_file")
@pytest.mark.parametrize("command", [["path"], ["set", "limits.burst_lines", "7"], ["unset", "limits.burst_lines"]])
def test_without_a_file_it_is_said_how_to_make_one(run: Run, command: list[str]) -> None:
    """A command that needs the file says which paths were tried and how to write one."""
    result = run("config", *command)
    assert result.exit_code == 1
    assert '"chatroomctl config init" writes one' in result.stderr


def test_set_get_and_unset(run: Run, file: Path) -> None:
    """The next command reads a value that was set. After unset it is gone."""
    result = run("config", "set", "channels.autojoin", "#a,#b")
    assert result.exit_code == 0
    assert result.stdout.endswith(
        'channels.autojoin = ["#a", "#b"]. A running daemon applies it after "chatroomctl reload".\n'
    )
    assert load(file, {}).channels.autojoin == ("#a", "#b")
    assert run("config", "get", "channels.autojoin").stdout == '["#a", "#b"]\n'
    assert json.loads(run("config", "get", "channels.autojoin", "--json").stdout) == ["#a", "#b"]
    assert run("config", "unset", "channels.autojoin").exit_code == 0
    assert file.read_text() == template()


CLUSTER = {"database.url": "postgresql://chat@db/chat", "cluster.redis": "redis://localhost", "cluster.node": "a"}


def test_settings_that_need_each_other_are_set_in_one_call(run: Run, file: Path) -> None:
    """Each alone is refused, changes nothing, and says how. So it is with their way back."""
    run("config", "set", "database.url", CLUSTER["database.url"])
    for key in ("cluster.redis", "cluster.node"):
        before = file.read_text()
        result = run("config", "set", key, CLUSTER[key])
        assert result.exit_code == 1
        assert "Nothing was changed: one call can change several keys" in result.stderr
        assert file.read_text() == before
    result = run("config", "set", *(word for pair in CLUSTER.items() for word in pair))
    assert (result.exit_code, result.stdout.count("after a restart.\n")) == (0, 3)
    assert load(file, {}).cluster.node == "a"
    assert run("config", "unset", "cluster.node").exit_code == 1
    assert run("config", "unset", *CLUSTER).exit_code == 0
    assert file.read_text() == template()


def test_a_certificate_and_its_key_are_set_in_one_call(run: Run, file: Path) -> None:
    """So is what a listener of TLS has; the document of ``--json`` has lists then."""
    words = ["listen.tls", "true", "listen.certificate", "cert.pem", "listen.key", "key.pem"]
    result = run("config", "set", *words, "--json")
    assert json.loads(result.stdout) == {
        "file": "chatroom.toml",
        "key": words[::2],
        "value": [True, "cert.pem", "key.pem"],
        "applies": ["restart"] * 3,
    }
    assert run("config", "get", "listen.key").stdout.endswith("key.pem\n")


@pytest.mark.parametrize(
    "words",
    [
        ["limits.burst_lines", "7", "server.motd"],
        ["limits.burst_lines", "7", "limits.burst_lines", "8"],
        ["limits.burst_lines", "7", "server.password", "hunter2"],
        ["limits.burst_lines", "7", "server.motd", "--stdin"],
        ["limits.burst_lines", "7", "nonsense", "8"],
        ["cluster.redis", "redis://:hunter2@localhost", "cluster.node", "a"],
    ],
)
def test_several_settings_are_set_all_or_none(run: Run, file: Path, words: list[str]) -> None:
    """A key without its value, given twice, unknown, or with a secret, and nothing is changed."""
    result = run("config", "set", *words)
    assert result.exit_code == 2
    assert "hunter2" not in result.stderr
    assert file.read_text() == template()


def test_a_database_takes_the_place_of_the_other(run: Run, file: Path) -> None:
    """A path and a URL exclude each other: the one that is set last stands, and the answer says so."""
    run("config", "set", "database.path", "x.db")
    result = run("config", "set", "database.url", CLUSTER["database.url"], "database.password_file", "secret")
    assert "database.path is not set any more: database.url stands in its place" in result.stdout
    result = run("config", "set", "database.path", "x.db")
    assert result.stdout.count("is not set any more") == 2
    assert load(file, {}).database.path == Path("x.db").absolute()


def test_no_path_is_shown_beside_the_url_of_a_database(run: Run, file: Path) -> None:
    """The path stands for nothing then. It is not the directory that the command runs in."""
    file.write_text('[database]\nurl = "postgresql://chat@db.example.org/chat"\n')
    assert run("config", "get", "database.path").stdout == "\n"
    assert json.loads(run("config", "get", "database.path", "--json").stdout) == ""


def test_set_says_when_a_restart_is_needed(run: Run, file: Path) -> None:
    """The answer says if a key applies only after a restart."""
    assert run("config", "set", "listen.port", "7000").stdout.endswith("after a restart.\n")
    assert load(file, {}).listen[0].port == 7000


@pytest.mark.parametrize(
    "path, value",
    [("listen.port", "70000"), ("limits.enabled", "maybe"), ("server.name", "nodot"), ("database.path", "")],
)
def test_a_wrong_value_is_not_written(run: Run, file: Path, path: str, value: str) -> None:
    """A wrong value is refused before the file is touched."""
    result = run("config", "set", path, value)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"chatroomctl: {path} must be ")
    assert file.read_text() == template()


def test_a_wrong_file_is_not_made_worse(run: Run, file: Path) -> None:
    """A wrong key can be corrected. While another key is wrong, nothing is written."""
    file.write_text('[limits]\nburst_lines = "many"\n')
    result = run("config", "set", "limits.login_tries", "5")
    assert result.exit_code == 1
    assert "limits.burst_lines must be" in result.stderr
    assert run("config", "set", "limits.burst_lines", "5").exit_code == 0
    assert load(file, {}).limits.burst_lines == 5


def test_set_tells_when_the_environment_wins(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting a key that the environment overrides gives a warning."""
    monkeypatch.setenv("CHATROOM_LIMITS__BURST_LINES", "9")
    result = run("config", "set", "limits.burst_lines", "7")
    assert result.exit_code == 0
    assert "CHATROOM_LIMITS__BURST_LINES is set" in result.stderr
    assert load(file, {}).limits.burst_lines == 7


@pytest.mark.parametrize("path", ["server.password", "webirc.password"])
def test_a_secret_is_no_argument(run: Run, file: Path, path: str) -> None:
    """A password as an argument is refused with a way out: every user of the machine can read arguments."""
    result = run("config", "set", path, "hunter2")
    assert result.exit_code == 2
    assert "--stdin" in result.stderr
    assert "hunter2" not in result.stderr
    assert file.read_text() == template()
    result = run("config", "set", path)
    assert (result.exit_code, result.stderr) == (
        1,
        f"chatroomctl: there is no terminal to ask for {path}; use --stdin\n",
    )


@pytest.mark.parametrize("path", ["server.password", "webirc.password"])
def test_a_secret_comes_by_standard_input(run: Run, file: Path, path: str) -> None:
    """``--stdin`` reads the password without its line end, and the answer masks it."""
    result = run("config", "set", path, "--stdin", input="hunter2\n")
    assert result.exit_code == 0
    assert "hunter2" not in result.stdout + result.stderr
    assert run("config", "get", path).stdout == "hunter2\n"


def test_a_secret_is_asked_for_twice_without_echo(file: Path) -> None:
    """At a terminal the password is typed unseen. If the two inputs differ, it is asked for again."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "chatroom.ctl", "--config", str(file), "config", "set", "server.password"],
        encoding="utf-8",
        timeout=20,
    )
    for prompt, typed in (
        ("server.password: ", "hunter2"),
        ("Repeat server.password: ", "hunter3"),
        ("server.password: ", "hunter2"),
        ("Repeat server.password: ", "hunter2"),
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
    """``--stdin`` works for every setting. It cannot be combined with VALUE, and one of them is required."""
    assert run("config", "set", "server.motd", "--stdin", input="two\nlines\n").exit_code == 0
    assert load(file, {}).server.motd == "two\nlines"
    assert run("config", "set", "server.motd").exit_code == 2
    assert run("config", "set", "server.motd", "x", "--stdin", input="y").exit_code == 2
    result = CliRunner().invoke(cli, ["config", "set", "server.motd", "--stdin"], input=b"\xff")
    assert (result.exit_code, result.stderr) == (1, "chatroomctl: server.motd is not UTF-8\n")


def test_a_path_is_kept_as_it_was_written(run: Run, file: Path) -> None:
    """Relative paths and ``~`` are stored unchanged."""
    run("config", "set", "database.path", "data/chat.db")
    assert 'path = "data/chat.db"' in file.read_text().splitlines()


def test_show_tells_every_key_and_where_it_was_set(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All keys are listed with their origin. Passwords are masked."""
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
    """The document has the file, the settings and all listen tables. Passwords are masked."""
    file.write_text('[server]\npassword = "hunter2"\n[[listen]]\nport = 1\n[[listen]]\nport = 2\n')
    result = run("config", "show", "--json")
    document = json.loads(result.stdout)
    assert "hunter2" not in result.stdout
    assert document["file"] == "chatroom.toml"
    assert [table["port"] for table in document["listen"]] == [1, 2]
    assert document["settings"]["limits.burst_lines"] == {"value": 40, "from": "default", "applies": "reload"}


def test_check(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A valid file gives exit code 0. An error in the file or in a variable gives one line and exit code 1."""
    assert run("config", "check").stdout == "chatroom.toml: valid.\n"
    monkeypatch.setenv("CHATROOM_LIMITS__BURST_LINES", "9")
    assert run("config", "check").stdout == "chatroom.toml: valid; the environment sets 1 of the settings.\n"
    monkeypatch.setenv("CHATROOM_LIMITS__BURST_LINES", "few")
    assert run("config", "check").exit_code == 1
    file.write_text("[nonsense]\n")
    monkeypatch.delenv("CHATROOM_LIMITS__BURST_LINES")
    result = run("config", "check")
    assert (result.exit_code, result.stderr) == (1, "chatroomctl: chatroom.toml: unknown section [nonsense]\n")


def test_check_lists_all_errors(run: Run, file: Path) -> None:
    """Each error is one line; every other command says the first one, and how to see the others."""
    file.write_text("[server]\nnaem = 1\nio_threads = 0\n[limits]\nburst_lines = -1\n")
    result = run("config", "check")
    assert (result.exit_code, result.stdout) == (1, "")
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    for line, word in zip(lines, ("did you mean server.name?", "server.io_threads", "limits.burst_lines"), strict=True):
        assert line.startswith("chatroomctl: chatroom.toml: ")
        assert word in line
    [line] = run("config", "show").stderr.splitlines()
    assert "(and 2 more" in line


@pytest.mark.parametrize(
    "given, meant",
    [
        (["config", "get", "limits.burst_line"], "limits.burst_lines"),
        (["config", "set", "sever.name", "x"], "server.name"),
        (["config", "unset", "burst_lines"], "limits.burst_lines"),
        (["config", "get", "lisen"], "listen"),
        (["bna", "list"], "ban"),
        (["statsu"], "status"),
        (["config", "chekc"], "check"),
    ],
)
def test_what_was_meant(run: Run, file: Path, given: list[str], meant: str) -> None:
    """A misspelt command, subcommand or key is answered with the one that is like it."""
    result = run(*given)
    assert result.exit_code == 2
    assert re.search(rf"[Dd]id you mean '?{re.escape(meant)}'?\?", result.stderr)


def test_a_section_is_shown(run: Run, file: Path) -> None:
    """All [[listen]] tables are shown, as TOML or JSON; a key of theirs has a value for each. Passwords are masked."""
    file.write_text('[server]\npassword = "hunter2"\n[[listen]]\nport = 1\n[[listen]]\nkind = "websocket"\nport = 2\n')
    shown = run("config", "get", "listen").stdout
    assert [table["port"] for table in tomllib.loads(shown)["listen"]] == [1, 2]
    assert [table["kind"] for table in json.loads(run("config", "get", "listen", "--json").stdout)] == [
        "irc",
        "websocket",
    ]
    assert run("config", "get", "listen.port").stdout == "1\n2\n"
    assert json.loads(run("config", "get", "listen.port", "--json").stdout) == [1, 2]
    server = run("config", "get", "server")
    assert "hunter2" not in server.stdout
    assert tomllib.loads(server.stdout)["server"]["io_threads"] == 1


def test_a_password_in_a_file_that_all_can_read(run: Run, file: Path) -> None:
    """Setting it warns, and so does the check. A file that only its owner can read is not warned of."""
    file.chmod(0o644)
    result = run("config", "set", "server.password", "--stdin", input="hunter2\n")
    assert result.exit_code == 0
    assert "every user of this machine can read server.password" in result.stderr
    assert "every user of this machine can read server.password" in run("config", "check").stderr
    file.chmod(0o600)
    assert run("config", "set", "server.password", "--stdin", input="hunter3\n").stderr == ""
    assert run("config", "check").stderr == ""


def test_from_a_shell(file: Path) -> None:
    """In processes of their own, set and then get work from another directory."""
    command = [sys.executable, "-m", "chatroom.ctl", "--config", str(file), "config"]
    done = subprocess.run([*command, "set", "server.motd", "two\nlines"], capture_output=True, text=True, check=True)
    assert "server.motd" in done.stdout
    done = subprocess.run([*command, "get", "server.motd"], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "two\nlines\n"


def test_a_listener_open_to_a_network_without_tls(run: Run, file: Path) -> None:
    """The check warns of it, with the way out, and the file is valid all the same."""
    file.write_text('[[listen]]\nhost = "0.0.0.0"\nport = 7000\n')
    result = run("config", "check")
    assert result.exit_code == 0
    assert "0.0.0.0 port 7000 is open to a network without TLS" in result.stderr
    file.write_text("[[listen]]\nport = 7000\n")
    assert run("config", "check").stderr == ""
