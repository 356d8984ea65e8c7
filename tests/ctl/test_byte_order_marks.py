"""A UTF-8 byte order mark at the beginning of what is read, as programs on Windows write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.shell import Shell

from chatroom.config import load

MARK = "\ufeff"


@pytest.fixture
def shell(database: Path) -> Shell:
    """Run ``chatroomctl`` on an empty database."""
    return Shell(database)


def test_in_the_configuration_file(shell: Shell, home: Path) -> None:
    """The file is read, checked, and changed without losing its settings."""
    file = home / "chatroom.toml"
    file.write_text(f'{MARK}[server]\nname = "chat.example.org"\n', encoding="utf-8")
    assert load(file, {}).server.name == "chat.example.org"
    assert "valid" in shell.done("--config", str(file), "config", "check")
    shell.done("--config", str(file), "config", "set", "limits.burst_lines", "100")
    settings = load(file, {})
    assert (settings.server.name, settings.limits.burst_lines) == ("chat.example.org", 100)


def test_in_a_password(shell: Shell) -> None:
    """The mark is not a part of the password."""
    assert "the password is empty" in shell.refused("user", "create", "bob", "--password-stdin", stdin=f"{MARK}\n")
    shell.create("bob", password=f"{MARK}correct horse")


def test_the_longest_password_may_have_one(shell: Shell) -> None:
    """The mark takes nothing from the longest password, and one byte more is still refused."""
    shell.create("bob", password=MARK + "x" * 1024)
    stdin = MARK + "x" * 1025
    assert "longer than 1024" in shell.refused("user", "create", "eve", "--password-stdin", stdin=stdin)


@pytest.mark.parametrize("first", ["", "\n"])
def test_in_an_import(shell: Shell, tmp_path: Path, first: str) -> None:
    """The first line of an imported file counts, whether it is empty or not."""
    bans, history = tmp_path / "bans.txt", tmp_path / "history.jsonl"
    bans.write_text(f"{MARK}{first}mallory\n", encoding="utf-8")
    assert "Added 1 of 1" in shell.done("ban", "import", str(bans))
    line = {"at": "2020-01-01T00:00:00Z", "channel": "#a", "kind": "PRIVMSG", "source": "a!b@c", "text": "x"}
    history.write_text(f"{MARK}{first}{json.dumps(line)}\n", encoding="utf-8")
    assert "Added 1 entries" in shell.done("history", "import", str(history))
