from __future__ import annotations

from pathlib import Path

import click
import pytest

from chatroom.client.main import command


def complete(*words: str, config: Path | None = None) -> dict[str, str]:
    """Return what the last word may become, with the kind of each: ``plain``, or that the shell looks for a file."""
    from click.shell_completion import ShellComplete

    before = [*([] if config is None else ["--config", str(config)]), *words[:-1]]
    found = ShellComplete(command, {}, "chatroom", "_CHATROOM_COMPLETE").get_completions(before, words[-1])
    return {item.value: item.type for item in found}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings with two saved servers."""
    path = tmp_path / "client.toml"
    path.write_text('[servers.home]\naddress = "home.lan"\n[servers.work]\naddress = "ircs://chat.example.org"\n')
    return path


def test_saved_servers_are_completed(config: Path) -> None:
    """Those of the settings that the command line names."""
    assert complete("", config=config) == {"home": "plain", "work": "plain"}
    assert complete("--nick", "alice", "w", config=config) == {"work": "plain"}


def test_without_settings_nothing_is_completed(tmp_path: Path) -> None:
    """A file that is missing or wrong is no error while one types."""
    assert complete("", config=tmp_path / "none.toml") == {}
    (tmp_path / "wrong.toml").write_text("[servers")
    assert complete("", config=tmp_path / "wrong.toml") == {}


@pytest.mark.parametrize("option", ["--ca", "--certificate", "--key", "--config"])
def test_files_are_completed_by_the_shell(option: str) -> None:
    """The program says only that a file is wanted."""
    assert complete(option, "/etc/ss") == {"/etc/ss": "file"}
    assert isinstance(command, click.Command)
