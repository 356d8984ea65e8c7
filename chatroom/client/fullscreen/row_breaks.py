"""Breaks the text of one entry into rows of the screen."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.client.fullscreen.cells import columns, fitting
from chatroom.client.rendering import Fragment

NARROWEST = 8
"""Rows are never broken for fewer columns than this; a narrower log cuts them."""


class Part(NamedTuple):
    """A part of a text that makes one row."""

    start: int
    end: int


def break_rows(text: str, width: int) -> list[Part]:
    """Return the parts that a drawable text is shown in, each ``width`` columns at most; one part for an empty text.

    Rows are broken at spaces, which are not shown then. A word that is longer than a row is broken where the row ends.
    """
    width = max(width, NARROWEST)
    if columns(text) <= width:
        return [Part(0, len(text))]
    parts: list[Part] = []
    start = 0
    while start < len(text):
        end = fitting(text, start, width)
        if end >= len(text):
            parts.append(Part(start, len(text)))
            break
        space = text.rfind(" ", start + 1, end + 1)
        if space > start and text[start:space].strip():
            parts.append(Part(start, start + len(text[start:space].rstrip(" "))))
            start = space
            while start < len(text) and text[start] == " ":
                start += 1
        else:
            parts.append(Part(start, end))
            start = end
    return parts


def cut(fragments: list[Fragment], start: int, end: int) -> list[Fragment]:
    """Return the fragments of the characters from ``start`` to ``end`` of their whole text."""
    found: list[Fragment] = []
    at = 0
    for style, text in fragments:
        first, last = max(start - at, 0), min(end - at, len(text))
        if first < last:
            found.append((style, text[first:last]))
        at += len(text)
        if at >= end:
            break
    return found
