from __future__ import annotations

import pytest
from harness.world import SERVER, Here, params_of

from chatroom.commands.command_table import COMMANDS, When
from chatroom.irc.message import parse

SHOWN = [verb for verb, command in COMMANDS.items() if command.when is not When.CONTROL]


def texts(lines: list[str]) -> list[str]:
    """The texts of the 705 lines."""
    return [parse(line).params[-1] for line in lines if parse(line).verb == "705"]


@pytest.mark.parametrize("verb", ["HELP", "HELPOP"])
def test_help_names_the_subject_as_it_was_asked(here: Here, verb: str) -> None:
    """The answer is 704, 705 lines and 706, or 524. The subject is ``*`` if there is none, or if it has a space."""
    alice = here.connect("alice")
    sent = [parse(line) for line in alice.ask(f"{verb} MoniTor")]
    assert sent[0].verb == "704" and sent[1].params[-1] == "" and sent[-1].verb == "706"
    assert {message.params[1] for message in sent} == {"MoniTor"}
    assert {parse(line).params[1] for line in alice.ask(verb)} == {"*"}
    assert alice.ask(f"{verb} nothing") == [f":{SERVER} 524 alice nothing :Help not found"]
    assert params_of(alice.ask(f"{verb} :two words"), "524")[1] == "*"


def test_help_shows_whole_sentences_on_a_line(here: Here) -> None:
    """The summary of a verb is one 705 line, and no line is cut; each line of its details has its own."""
    alice = here.connect("alice")
    for verb in SHOWN:
        command = COMMANDS[verb]
        shown = texts(alice.ask(f"HELP {verb}"))
        assert shown[:2] == ["", command.summary]
        assert shown[2 : 2 + len(command.details)] == command.details


def test_help_names_the_role_that_a_verb_needs(here: Here) -> None:
    """The last line says so; a verb for every user has no such line."""
    alice = here.connect("alice")
    assert texts(alice.ask("HELP REHASH"))[-1] == "For admins."
    assert texts(alice.ask("HELP KILL"))[-1] == "For moderators and admins."
    assert texts(alice.ask("HELP NICK"))[1:] == [COMMANDS["NICK"].summary]
