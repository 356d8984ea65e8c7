"""The man pages and the reference pages say what the code says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from harness.doc_pages import CHECKOUT, name_of
from harness.manual_pages import pages

from chatroom.ctl.main import cli

PAGES = pages()
MAN = sorted(path for path in PAGES if path.parent.name == "man")


@pytest.mark.parametrize("path", sorted(PAGES), ids=name_of)
def test_each_page_is_what_the_code_says(path: Path) -> None:
    """If this fails, run ``make protocol``."""
    assert path.read_text(encoding="utf-8") == PAGES[path]


def leaves(group: click.Group, words: str) -> Iterator[str]:
    """Yield the words of each command that is no group."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from leaves(command, f"{words} {name}")
        else:
            yield f"{words} {name}"


def rendered(name: str) -> str:
    """Return a page as man(1) shows it. There must be no warning."""
    done = subprocess.run(
        ["man", "--warnings", "--encoding=utf8", "--local-file", str(CHECKOUT / "man" / name)],
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "120", "LANG": "C.UTF-8", "MAN_KEEP_FORMATTING": ""},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return re.sub(r".\x08", "", done.stdout)


@pytest.mark.debian("man")
def test_man_shows_the_pages() -> None:
    """Each command and each setting stands in them, with options as a shell can take them."""
    assert len(MAN) == 4
    text = rendered("chatroomctl.1")
    for words in leaves(cli, "chatroomctl"):
        assert f"   {words}\n" in text, words
    assert "--for DURATION" in text
    assert '--for 7d --reason "flooding"' in text
    assert "--fingerprint SHA256" in rendered("chatroom.1")
    assert "burst_lines = " in rendered("chatroom.toml.5")
    assert "[[listen]]" in rendered("chatroom.toml.5")
    assert "password_command = []" in rendered("client.toml.5")


def test_roff_is_escaped() -> None:
    """A line that begins with a dot is no request, and a backslash is one."""
    from harness.manual import Heading, Lines, Manual, Text
    from harness.manual_pages import as_markdown, as_roff

    manual = Manual("x", 1, "y", (Heading(1, "Z"), Text(".so a\\b --c"), Lines(("'d' ~/e",))), ("f(1)",))
    assert "\n\\&.so a\\eb \\-\\-c\n" in as_roff(manual)
    assert "\n\\(aqd\\(aq \\(ti/e\n" in as_roff(manual)
    assert ".so a\\\\b --c" in as_markdown(manual, "X")
