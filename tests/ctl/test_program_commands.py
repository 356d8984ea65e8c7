"""``help``, ``version``, ``completion``, and other names of subcommands."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from harness.daemon import script
from harness.shell import Shell
from harness.terminal import Terminal

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
    """The script calls the program in the way that click answers; each of the two has its own."""
    assert f"_CHATROOMCTL_COMPLETE={name}_complete" in shell.done("completion", name)
    assert f"_CHATROOM_COMPLETE={name}_complete" in shell.done("completion", name, "chatroom")


def test_completion_in_bash(tmp_path: Path) -> None:
    """In a real bash, Tab completes subcommands, options, values, settings and saved servers of both programs."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    settings = tmp_path / ".config" / "chatroom" / "client.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[servers.teahouse]\naddress = "ircs://chat.example.org"\n')
    (tmp_path / "saved-copy.db").touch()
    programs = Path(script("chatroomctl")).parent
    environment = {
        "HOME": str(tmp_path),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "PS1": "\\# $ ",  # with the number of the command, so that an old prompt is not taken for a new one
    }
    terminal = Terminal("--norc", "--noprofile", "-i", program="/bin/bash", env=environment)
    try:
        terminal.resize(120, 30)
        terminal.see_last("1 $")
        terminal.enter("cd; source <(chatroomctl completion bash); source <(chatroomctl completion bash chatroom)")
        terminal.see_last("2 $")
        for typed, completed in {
            "chatroomctl ban exp": "chatroomctl ban export",
            "chatroomctl ban add mallory --rea": "chatroomctl ban add mallory --reason",
            "chatroomctl user set-role bob mod": "chatroomctl user set-role bob moderator",
            "chatroomctl config set limits.burst": "chatroomctl config set limits.burst_lines",
            "chatroomctl db restore saved-": "chatroomctl db restore saved-copy.db",
            "chatroom --finger": "chatroom --fingerprint",
            "chatroom tea": "chatroom teahouse",
            "chatroom --ca saved-": "chatroom --ca saved-copy.db",
        }.items():
            terminal.type(f"{typed}\t")
            terminal.see_last(f"2 $ {completed}")
            terminal.type("\x15")  # empties the line
            terminal.see_last("2 $")
    finally:
        terminal.close()
