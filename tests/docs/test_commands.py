"""Every command in a block of the documentation is run, in the order of its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness.daemon import Place
from harness.doc_calls import OURS, find_words, split_calls
from harness.doc_pages import CHECKOUT, PAGES, Block, name_of, read_blocks
from harness.doc_scenes import SCENES, everyday
from harness.doc_shell import STAND_INS, DocShell

FOR_REFERENCE = {"docs/commands.md", "docs/client-options.md"}
"""Pages with the examples of ``--help``, each for a situation of its own."""
FOR_DEVELOPERS = {"CONTRIBUTING.md", "bench/README.md"}
"""Pages of make, pytest and the bench, which the tests cannot run inside of themselves."""


def shell_blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that are typed into a shell."""
    return [block for block in read_blocks(page) if block.language == "sh"]


NEEDED = {"docs/postgresql.md": ["postgres"], "docs/nodes.md": ["postgres", "redis-server"]}
"""Programs of Debian that a page needs."""
RUN = [page for page in PAGES if shell_blocks(page) and name_of(page) not in FOR_DEVELOPERS | FOR_REFERENCE]
_PARAMETERS = [
    pytest.param(page, id=name_of(page), marks=pytest.mark.debian(*NEEDED.get(name_of(page), []))) for page in RUN
]


@pytest.mark.parametrize("page", _PARAMETERS)
def test_the_commands_of_a_page_succeed(page: Path) -> None:
    """Ours run as the page has them; others run, or have a stand-in for the reason that is given."""
    with Place.make() as place:
        shell = DocShell(place)
        with shell.cleanup:
            SCENES.get(name_of(page), everyday)(shell)
            for block in shell_blocks(page):
                for call in block.calls():
                    if call.startswith("make "):
                        check_make(call)
                    else:
                        shell.run(call)
            shell.stop()


@pytest.mark.parametrize("page", [page for page in PAGES if name_of(page) in FOR_DEVELOPERS], ids=name_of)
def test_what_developers_type_is_there(page: Path) -> None:
    """Targets of the Makefile, tests, and programs of the bench with their options."""
    calls = [call for block in shell_blocks(page) for call in block.calls()]
    assert len(calls) > 5
    for call in calls:
        (words,) = split_calls(call)
        if words[0] == "make":
            check_make(call)
        else:
            files = [word for word in words[1:] if "/" in word and not word.startswith("..")]
            assert files, call
            assert [file for file in files if not list(CHECKOUT.glob(re.sub(r"\{.*\}", "*", file)))] == [], call


@pytest.mark.parametrize("name", sorted(FOR_REFERENCE))
def test_the_examples_of_help_are_understood(name: str) -> None:
    """Each calls one of our programs, with options that there are."""
    calls = [call for block in shell_blocks(CHECKOUT / name) for call in block.calls()]
    assert calls
    for call in calls:
        inner = re.findall(r"\$\((.*?)\)", call)
        ours = [words for part in (call, *inner) for words in split_calls(part) if words[0] in OURS]
        assert ours, call
        for words in ours:
            find_words(words)


def check_make(call: str) -> None:
    """Fail if the Makefile has not the target of a call."""
    target = call.split()[1]
    assert re.search(rf"^{target}:", (CHECKOUT / "Makefile").read_text(), re.MULTILINE), call


def test_all_scenes_are_used() -> None:
    """A scene is for a page with commands."""
    assert set(SCENES) <= {name_of(page) for page in RUN}


def test_each_stand_in_is_needed() -> None:
    """A program that no page names any more is not excused."""
    words = {word for page in RUN for block in shell_blocks(page) for word in re.split(r"[\s|&;(/]+", block.text)}
    assert [name for name in STAND_INS if name not in words] == []


def test_a_wrong_command_would_be_found() -> None:
    """So that the tests above can fail: a word, an option, and a program that is neither ours nor excused."""
    with Place.make() as place:
        shell = DocShell(place)
        for call in (
            "chatroomctl ban lisst",
            "chatroomctl ban add x --fro 7d",
            "echo x | chatroomctl frobnicate",
        ):
            with pytest.raises(pytest.fail.Exception):
                shell.run(call)
        with pytest.raises(pytest.fail.Exception, match="REAL or STAND_INS"):
            shell.run("chatroomcontrol ban list")
