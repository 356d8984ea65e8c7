"""docs/moderating.md names commands, verbs and durations that there are."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import chatroom.commands  # noqa: F401  # enters every verb into the table
from chatroom.chat.admission.ban_policy import WIDE_PREFIX
from chatroom.chat.admission.durations import parse_duration
from chatroom.client.slash_commands import COMMANDS as SLASH
from chatroom.commands.command_table import COMMANDS
from chatroom.ctl.main import cli

TEXT = (Path(__file__).parents[1] / "docs" / "moderating.md").read_text()
CODE = [*re.findall(r"`([^`]+)`", TEXT), *re.findall(r"^ {4}(.+)$", TEXT, re.MULTILINE)]


@pytest.mark.parametrize("call", sorted({code for code in CODE if code.startswith("chatroomctl ")}))
def test_every_shell_command_is_there(call: str) -> None:
    """Its words lead to a command, whose options there are."""
    command: click.Command = cli
    for word in call.split()[1:]:
        if isinstance(command, click.Group):
            below = command.get_command(click.Context(command), word)
            assert below is not None, word
            command = below
        elif word.startswith("--"):
            assert any(word in option.opts for option in command.params), word
    assert not isinstance(command, click.Group)


def test_every_verb_is_there() -> None:
    """What is typed behind /quote, or stands alone in capitals."""
    verbs = {found[1] for code in CODE if (found := re.match(r"(?:/quote )?([A-Z]{4,})\b", code))}
    assert {"UBAN", "FILTER", "LOCKDOWN", "REQUEST"} <= verbs
    assert verbs - {"MASK", "FORCE", "NAME"} <= set(COMMANDS)


def test_every_slash_command_is_there() -> None:
    """The terminal client has it, by that name or another."""
    known = {name for command in SLASH for name in (command.name, *command.aliases)}
    used = {found[1] for code in CODE if (found := re.match(r"/([a-z-]+)", code))}
    assert {"ban", "kick", "unban"} <= used
    assert used <= known


def test_the_durations_and_the_wide_networks_are_those_of_the_code() -> None:
    """The page lists the units, and says which networks need FORCE."""
    listed = re.search(r"\*\*Time\*\*: (.+?)\. `m`", TEXT, re.DOTALL)
    assert listed is not None
    durations = re.findall(r"`(\w+)`", listed[1])
    assert len(durations) == 8
    assert all(parse_duration(duration) > 0 for duration in durations)
    assert f"wider than /{WIDE_PREFIX[4]} (IPv6: /{WIDE_PREFIX[6]})" in TEXT
