"""The pages of the documentation, and what a test can try of each: blocks, code in sentences, links, anchors."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

CHECKOUT = Path(__file__).parents[2]
PAGES = [
    *sorted(CHECKOUT.glob("*.md")),
    *sorted((CHECKOUT / "docs").glob("**/*.md")),
    *sorted((CHECKOUT / "bench").glob("*.md")),
]
"""Every page that a reader is led to."""
_READER = MarkdownIt().enable("table")


class Block(NamedTuple):
    """A block of code."""

    page: Path
    line: int
    """The number of its first line, for messages."""
    language: str
    """The first word behind the fence; empty if it has none, or if the block is only indented."""
    name: str
    """What follows that word: whose terminal it is, or which file."""
    text: str

    @property
    def where(self) -> str:
        """The place, as an editor opens it."""
        return f"{name_of(self.page)}:{self.line}"

    def calls(self) -> list[str]:
        """Return the commands of a block of shell: without remarks, each on one line."""
        joined = re.sub(r"\\\n *", "", self.text)
        return [call for line in joined.splitlines() if (call := without_remark(line).strip())]


def name_of(page: Path) -> str:
    """Return the path of a page in the checkout."""
    return page.relative_to(CHECKOUT).as_posix()


def without_remark(line: str) -> str:
    """Return a line of shell without the comment at its end. A ``#`` in quotes or in a word is no comment."""
    found = re.match(r"""((?:[^#'"\s]|'[^']*'|"[^"]*"|(?<=\S)#|\s+(?!#))*)(?:(?:^|\s+)#.*)?$""", line)
    assert found is not None, line
    return found[1]


def read_blocks(page: Path) -> Iterator[Block]:
    """Yield all blocks of code of a page."""
    for token in _tokens(page):
        if token.type in ("fence", "code_block"):
            language, _, name = token.info.strip().partition(" ")
            assert token.map is not None
            yield Block(page, token.map[0] + 1, language, name, token.content)


def read_code(page: Path) -> Iterator[tuple[str, str]]:
    """Yield what stands between backquotes in sentences and tables, each with its place."""
    for token in _inline_tokens(page):
        for child in token.children or ():
            if child.type == "code_inline":
                yield f"{name_of(page)}:{(token.map or [0])[0] + 1}", " ".join(child.content.split())


def read_links(page: Path) -> Iterator[str]:
    """Yield where the links and pictures of a page lead."""
    for token in _inline_tokens(page):
        for child in token.children or ():
            if child.type in ("link_open", "image"):
                yield str(child.attrs["href" if child.type == "link_open" else "src"])


def read_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges and our site make them."""
    anchors: set[str] = set()
    for opening, heading in pairwise(_tokens(page)):
        if opening.type == "heading_open":
            shown = "".join(child.content for child in heading.children or ())
            made = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
            taken = sum(1 for one in anchors if re.fullmatch(rf"{re.escape(made)}(-\d+)?", one))
            anchors.add(f"{made}-{taken}" if taken else made)
    return anchors


def _inline_tokens(page: Path) -> Iterator[Token]:
    return (token for token in _tokens(page) if token.type == "inline")


# Every process of a test run reads all pages several times.
@functools.cache
def _tokens(page: Path) -> list[Token]:
    return _READER.parse(page.read_text(encoding="utf-8"))
