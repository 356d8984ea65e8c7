"""Long lines broken between words, for a terminal that would break them anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wcwidth import wcswidth, wcwidth

from chatroom.client.rendering import Fragment

_PARTS = re.compile(r" +|[^ ]+")


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    width = wcswidth(text)
    return width if width >= 0 else sum(max(wcwidth(char), 0) for char in text)


def wrap(fragments: list[Fragment], width: int, indent: int) -> list[Fragment]:
    """The fragments of one line, with line breaks where it would get wider than ``width``.

    Lines after the first are indented. A word that fits on no line is left whole (an address is to be copied, and the
    terminal breaks it without a break in the text), and a line that fits is left as it is.
    """
    if sum(columns(text) for _, text in fragments) <= width or width <= 2 * indent:
        return fragments
    out: list[Fragment] = []
    begin = used = 0
    for word in _words(fragments):
        size = sum(columns(text) for _, text in word)
        if used > begin and used + size > width and size <= width - indent:
            _drop_blanks(out)
            out.append(("", "\n" + " " * indent))
            begin = used = indent
            if word[0][1].isspace():
                continue
        out += word
        used += size
        if size > width - indent:
            used %= width  # the terminal has broken it
    return out


def _words(fragments: list[Fragment]) -> Iterator[list[Fragment]]:
    """Runs of blanks and words, in turn. A word may go over several fragments (``<`` ``bob`` ``>``)."""
    word: list[Fragment] = []
    for style, text in fragments:
        for part in _PARTS.findall(text):
            if word and (part[0] == " ") != (word[-1][1][0] == " "):
                yield word
                word = []
            word.append((style, part))
    if word:
        yield word


def _drop_blanks(out: list[Fragment]) -> None:
    while out and out[-1][1].isspace():
        out.pop()
