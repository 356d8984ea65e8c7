"""docs/moderating.md names commands, verbs and durations that there are."""

from __future__ import annotations

import re

from harness.doc_pages import CHECKOUT, read_blocks, read_code

import chatroom.commands  # noqa: F401  # enters every verb into the table
from chatroom.chat.admission.ban_policy import WIDE_PREFIX
from chatroom.chat.admission.durations import parse_duration
from chatroom.client.slash_commands import COMMANDS as SLASH
from chatroom.commands.command_table import COMMANDS

PAGE = CHECKOUT / "docs" / "moderating.md"
TEXT = PAGE.read_text()
CODE = [*(code for _, code in read_code(PAGE)), *(line for one in read_blocks(PAGE) for line in one.text.splitlines())]


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
