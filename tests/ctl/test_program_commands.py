"""``help``, ``version``, ``completion``, and other names of subcommands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness.daemon import script
from harness.shell import Shell

from chatroom import __version__


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell whose database has the account alice and a ban of mallory."""
    shell = Shell(tmp_path / "chat.db")
    shell.create("alice", "admin")
    shell.done("ban", "add", "mallory")
    return shell


@pytest.mark.parametrize("words", [(), ("ban",), ("ban", "add"), ("db", "restore"), ("version",), ("user", "rm")])
def test_help_is_that_of_the_option(shell: Shell, words: tuple[str, ...]) -> None:
    """``help ban add`` prints what ``ban add --help`` prints, also for a short name."""
    assert shell.done("help", *words) == shell.done(*words, "--help")


@pytest.mark.parametrize("words", [("nothing",), ("ban", "nothing"), ("ban", "add", "more")])
def test_help_of_no_command(shell: Shell, words: tuple[str, ...]) -> None:
    """It says that there is no such command."""
    assert f"No such command '{' '.join(words)}'" in shell.misused("help", *words)


def test_version(shell: Shell) -> None:
    """``version`` prints what ``--version`` prints."""
    assert shell.done("version") == shell.done("--version") == f"chatroomctl {__version__}\n"


def test_short_names(shell: Shell) -> None:
    """``ls`` lists; ``rm``, ``del``, ``delete`` and ``remove`` are the same."""
    assert shell.done("user", "ls") == shell.done("user", "list")
    assert shell.done("ban", "ls") == shell.done("ban", "list")
    assert shell.done("audit", "ls") == shell.done("audit", "list")
    shell.done("ban", "rm", "mallory")
    for number, name in enumerate(("rm", "del", "remove", "delete")):
        shell.create(f"user{number}")
        assert "Deleted" in shell.done("user", name, f"user{number}", "--yes")
    for name in ("del", "delete", "remove"):
        shell.done("ban", "add", "mallory")
        assert "Lifted" in shell.done("ban", name, "mallory")
    assert "No such command 'rm'" in shell.misused("db", "rm")
    assert "chatroomctl user list" in shell.done("user", "ls", "--help")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_script(shell: Shell, name: str) -> None:
    """The script calls the program in the way that click answers."""
    said = shell.run("completion", name)
    assert said.exit_code == 0
    assert f"_CHATROOMCTL_COMPLETE={name}_complete" in said.stdout


def test_completion_in_bash(tmp_path: Path) -> None:
    """A real bash completes subcommands and options after it has read the script."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    program = script("chatroomctl")
    text = (
        f'PATH="{Path(program).parent}:{Path(sys.executable).parent}:$PATH"; source <(chatroomctl completion bash);'
        "COMP_WORDS=(chatroomctl db re); COMP_CWORD=2; _chatroomctl_completion chatroomctl re db;"
        'echo "${COMPREPLY[@]}"'
    )
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", text], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "restore\n", done.stderr
