"""``docs/protocol.md`` lists the verbs, capabilities and ISUPPORT tokens of the code, and no others."""

from __future__ import annotations

import re

import pytest
from harness.protocol_page import PATH, refreshed
from harness.world import Here

from chatroom.commands.command_table import COMMANDS, When
from chatroom.irc import caps

PAGE = PATH.read_text()


def rows(heading: str) -> dict[str, str]:
    """The table below a heading: the name in backquotes in the first column, and the rest of the row."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.MULTILINE)
    assert len(found) == len(dict(found)), "there are two rows of one name"
    return dict(found)


def test_every_verb_is_on_the_page() -> None:
    """Each verb has a row with its parameters. The verbs of the control socket are in another table."""
    for heading, is_control in (("Commands", False), ("The control socket", True)):
        wanted = {
            f"{verb} {command.params}".rstrip(): None
            for verb, command in COMMANDS.items()
            if (command.when is When.CONTROL) == is_control
        }
        assert rows(heading).keys() == wanted.keys()


def test_the_page_says_about_each_verb_what_help_says() -> None:
    """Parameters and summaries are those of the command table. ``make protocol`` writes them into the page."""
    assert PAGE.splitlines() == refreshed(PAGE).splitlines()


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_summary_is_whole_sentences(verb: str) -> None:
    """It is one line that begins with a capital letter and ends with a full stop, or with a colon if a list follows."""
    command = COMMANDS[verb]
    assert command.summary[0].isupper()
    assert command.summary.endswith((".", ":") if command.details else ".")
    assert "\n" not in command.summary


def test_every_capability_is_on_the_page() -> None:
    """Each capability that the server may offer has a row."""
    # STS is information and no capability that a client can have.
    assert rows("Capabilities").keys() == {*caps.NAMES, "sts"}


def test_every_isupport_token_is_on_the_page(here: Here) -> None:
    """Each ISUPPORT token has a row, whatever its value."""
    alice = here.connect("alice")
    alice.say("VERSION")
    tokens = [word for line in alice.read() if " 005 " in line for word in line.split(" :")[0].split()[3:]]
    assert rows("ISUPPORT").keys() == {token.partition("=")[0] for token in tokens}
