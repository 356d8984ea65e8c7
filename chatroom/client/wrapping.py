"""Breaks long lines between words. The terminal by itself would break them inside of words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wcwidth import wcswidth, wcwidth

from chatroom.client.rendering import Fragment

_PARTS = re.compile(r" +|[^ ]+")


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    width = wcswidth(text)  # -1 if the text has a control character
    return width if width >= 0 else sum(max(wcwidth(char), 0) for char in text)


def shorten(text: str, width: int) -> str:
    """Return the text, or its beginning and an ellipsis, so that it takes at most ``width`` columns."""
    if columns(text) <= width:
        return text
    while text and columns(text) >= width:
        text = text[:-1]
    return text + "…"


def wrap(fragments: list[Fragment], width: int, indent: int) -> list[Fragment]:
    """Return the fragments of one line, with line breaks before it gets wider than ``width`` columns.

    Rows after the first are indented by ``indent`` columns. A line that fits is returned unchanged. A word that is too
    long for a row stays whole and is left to the terminal: a copied address then contains no line break.
    """
    # In a very narrow terminal the indent would take half of each row.
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
            used %= width  # the terminal has broken the word, and its last row is filled this far
    return out


def _words(fragments: list[Fragment]) -> Iterator[list[Fragment]]:
    """Yield words and runs of blanks in turn. A word may have several fragments (``<`` ``bob`` ``>``)."""
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
