"""A command loads what it needs and no more: its start is most of what it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from chatroom.ctl.main import cli

_RUN = """
import sys
from chatroom.ctl.main import cli
try:
    cli.main(sys.argv[1:], prog_name="chatroomctl")
finally:
    print(*sys.modules, file=sys.stderr)
"""


def load(*arguments: str, code: int = 0) -> set[str]:
    """Run a command, and return the names of the modules that it has loaded."""
    done = subprocess.run([sys.executable, "-c", _RUN, *arguments], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def completions(name: str) -> dict[str, str | None]:
    """Return the names that begin with this one, with their help, as a shell shows them."""
    with click.Context(cli, info_name="chatroomctl") as context:
        return {item.value: item.help for item in cli.shell_complete(context, name)}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["-h"], []])
def test_the_version_and_the_help_load_no_command(arguments: list[str]) -> None:
    """Neither a command is loaded, nor the settings, nor what talks to a database or checks passwords."""
    loaded = load(*arguments, code=0 if arguments else 2)
    assert {"sqlite3", "bcrypt", "OpenSSL", "json", "wcwidth", "scramp"}.isdisjoint(loaded)
    ours = {name for name in loaded if name.startswith("chatroom.")}
    assert ours == {"chatroom.ctl", "chatroom.ctl.main", "chatroom.ctl.invocation", "chatroom.ctl.streams"} | {
        "chatroom.errors"
    }


def test_a_ban_loads_the_stores_that_it_writes_to(tmp_path: Path) -> None:
    """With --database, adding a ban reads no configuration. It needs no password, no history and no channels."""
    database = str(tmp_path / "chat.db")
    load("--database", database, "db", "migrate")
    loaded = load("--database", database, "ban", "add", "mallory", "--yes")
    assert {"sqlite3", "chatroom.storage.sql.ban_store"} <= loaded
    assert {"bcrypt", "OpenSSL", "scramp", "wcwidth", "json", "chatroom.config", "chatroom.server"}.isdisjoint(loaded)
    assert not {name for name in loaded if name.startswith(("chatroom.storage.sqlite.history", "chatroom.commands"))}


@pytest.mark.parametrize(
    "arguments", [["user", "list"], ["history", "stats"], ["channel", "list"], ["db", "status"], ["check", "--quick"]]
)
def test_a_file_needs_nothing_of_a_server(arguments: list[str], tmp_path: Path) -> None:
    """Neither the packages for PostgreSQL and Redis are loaded, which may not be there, nor what we have for them."""
    database = str(tmp_path / "chat.db")
    load("--database", database, "db", "migrate")
    loaded = load("--database", database, *arguments, code=int(arguments[0] == "check"))
    of_servers = ("psycopg", "redis", "chatroom.storage.postgresql", "chatroom.chat.cluster", "chatroom.server.cluster")
    assert not {name for name in loaded if name.startswith(of_servers)}


def test_a_daemon_loads_what_its_settings_ask_for() -> None:
    """Without TLS, web clients, hooks, metrics and other nodes it needs neither of their libraries."""
    run = "import sys, chatroom.server.daemon_life; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    libraries = {"ssl", "OpenSSL", "http.client", "email", "websockets", "prometheus_client", "redis", "psycopg"}
    assert libraries.isdisjoint(done.stdout.split())


def test_the_list_of_commands_says_what_their_own_help_says() -> None:
    """The table has each command's first sentence, so that the help need not load all of them."""
    with click.Context(cli, info_name="chatroomctl") as context:
        names = cli.list_commands(context)
        commands = [cli.get_command(context, name) for name in names]
    summaries = [command.get_short_help_str(1000) for command in commands if command is not None]
    assert completions("") == dict(zip(names, summaries, strict=True))
    shown = " ".join(click.Context(cli).get_help().split())
    assert [summary for summary in summaries if summary not in shown] == []


def test_completion_of_a_part_of_a_name() -> None:
    """A shell is offered the commands and the options that begin with what was typed."""
    assert list(completions("he")) == ["help"]
    assert list(completions("--ver")) == ["--version"]
