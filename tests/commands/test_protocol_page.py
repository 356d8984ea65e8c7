"""``docs/protocol.md`` tells what the server speaks: no more, no less."""

from __future__ import annotations

import re
from pathlib import Path

from harness.world import Here

from chatroom.commands.command_table import COMMANDS, When
from chatroom.irc import caps

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def rows(heading: str) -> dict[str, str]:
    """The table below a heading: what stands in backquotes in the first column, and the rest of its row."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.MULTILINE)
    assert len(found) == len(dict(found)), "a row stands there twice"
    return dict(found)


def test_every_verb_is_on_the_page() -> None:
    """Each verb has its row, with its parameters as HELP tells them; control verbs are in a table of their own."""
    for heading, is_control in (("Commands", False), ("The control socket", True)):
        wanted = {
            f"{verb} {command.params}".rstrip(): None
            for verb, command in COMMANDS.items()
            if (command.when is When.CONTROL) == is_control
        }
        assert rows(heading).keys() == wanted.keys()


def test_every_capability_is_on_the_page() -> None:
    """The page lists the capabilities that can be offered."""
    assert rows("Capabilities").keys() == caps.NAMES.keys()


def test_every_isupport_token_is_on_the_page(here: Here) -> None:
    """The page lists the ISUPPORT tokens, without the values that come from the configuration."""
    alice = here.connect("alice")
    alice.say("VERSION")
    tokens = [word for line in alice.read() if " 005 " in line for word in line.split(" :")[0].split()[3:]]
    assert rows("ISUPPORT").keys() == {token.partition("=")[0] for token in tokens}
