"""Every command and every option has a help text with an example."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from chatroom.ctl.main import cli


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield the command and all its subcommands, each with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*path, name))


COMMANDS = list(commands(cli))
IDS = [" ".join(path) or "chatroomctl" for path, _ in COMMANDS]


@pytest.mark.parametrize("path, command", COMMANDS, ids=IDS)
def test_every_command_has_help_with_an_example(path: tuple[str, ...], command: click.Command) -> None:
    """``--help`` has a sentence and a line that can be typed unchanged."""
    result = CliRunner().invoke(cli, [*path, "--help"], prog_name="chatroomctl")
    assert result.exit_code == 0
    assert command.help
    assert command.get_short_help_str(200).endswith(".")
    examples = result.stdout.partition("Example")[2].splitlines()
    assert any("chatroomctl" in line and " ".join(path) in line for line in examples)


@pytest.mark.parametrize("path, command", COMMANDS, ids=IDS)
def test_every_option_has_help_with_an_example(path: tuple[str, ...], command: click.Command) -> None:
    """Each option, except click's own, says what it does and shows how it is written."""
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in ("help", "version"):
            assert option.help, option.name
            assert "Example: " in option.help, option.name
            assert option.help.rpartition("Example: ")[2].startswith(tuple(option.opts)), option.name


@pytest.mark.parametrize("path, command", COMMANDS, ids=IDS)
def test_every_argument_stands_in_the_help(path: tuple[str, ...], command: click.Command) -> None:
    """The help text explains each argument, by its name or by an example."""
    for argument in command.params:
        if isinstance(argument, click.Argument):
            shown = argument.make_metavar(click.Context(command)).strip("[].")
            assert command.help
            assert shown in command.help or "Example" in command.help


READ_ONLY = {
    *("serve", "status", "who", "kick", "announce", "reload", "upgrade", "lockdown", "log level"),
    *("user list", "user show", "user cert list", "user pending", "ban list", "ban check", "ban export", "audit list"),
    *("filter list", "filter test", "filter mutes", "invite list", "hook list", "hook test"),
    *("config init", "config path", "config show", "config get", "config set", "config unset", "config check"),
    *("db status", "db backup", "db check", "tls show", "export"),
    "db copy",  # it names the database that it fills, which is empty
    *("history search", "history list", "history export", "history stats"),
    *("check", "channel list", "channel show", "login-delay list", "cluster status", "cluster forget"),
    "completion",
    "help",
    "version",
}
"""The commands that do not change the database of the settings from outside of the daemon."""


@pytest.mark.parametrize("path, command", COMMANDS, ids=IDS)
def test_every_command_that_changes_the_database_may_ask(path: tuple[str, ...], command: click.Command) -> None:
    """It asks if a daemon of this user serves another database, so it has ``--yes``; the other commands do not ask."""
    if not isinstance(command, click.Group):
        has_yes = any("--yes" in option.opts for option in command.params)
        assert has_yes is (" ".join(path) not in READ_ONLY)


SILENT = {"serve", "completion", "help", "version", "config path", "config check", "ban export", "history export"}
"""The commands whose output is a text of its own, or nothing to read for a program."""


@pytest.mark.parametrize("path, command", COMMANDS, ids=IDS)
def test_every_command_has_json(path: tuple[str, ...], command: click.Command) -> None:
    """Those that show something and those that change something. The latter name the keys in their help."""
    if isinstance(command, click.Group):
        return
    options = [option for option in command.params if "--json" in option.opts]
    assert len(options) == (0 if " ".join(path) in SILENT else 1)
    for option in options:
        assert isinstance(option, click.Option)
        if not option.expose_value:
            assert "with the keys" in (option.help or "")


def test_h_is_help() -> None:
    """``-h`` works for every command."""
    assert CliRunner().invoke(cli, ["ban", "add", "-h"]).exit_code == 0
