"""Text as cells of a terminal: what is drawn takes as many columns as was counted.

Terminals disagree about how wide some characters are, and then a row of the screen is shifted. Text is therefore drawn
without what they disagree about: an emoji that is joined of several is drawn as its parts, a flag as its letters. For
what it cannot be without, see ``pinning``.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import get_character_cell_size
from wcwidth import wcwidth

from chatroom.client.fullscreen.pinning import stand_in
from chatroom.client.text import printable

_MOST_MARKS = 4
"""How many marks a character may have: some scripts need three. Many are drawn into the rows above and below."""
_NO_BASE = "\u25cc"
"""The dotted circle, which Unicode has for a mark without a character."""

_UNKNOWN = "\ufffd"
_CONTROLS = ("Cc", "Cf", "Cs")


class _Drawn(dict[int, str | int]):
    """What is drawn for a character, for ``str.translate``."""

    def __missing__(self, code: int) -> str | int:
        return stand_in(code) or code


# The zero-width joiner and non-joiner, variation selectors, skin tones, fillers, and the tags of flags.
_DRAWN = _Drawn({
    **dict.fromkeys([0x200C, 0x200D, *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400)], ""),
    **dict.fromkeys([0x115F, 0x1160, 0x3164, 0xFFA0], ""),
    **dict.fromkeys([*range(0xE0000, 0xE01F0)], ""),
    # Two regional indicators make a flag.
    **{0x1F1E6 + number: chr(ord("A") + number) for number in range(26)},
})  # fmt: skip


def drawable(text: str) -> str:
    """Return the text as it may be drawn in one row. It has no control characters, and no line breaks."""
    if text.isascii() and text.isprintable():
        return text
    return _without_heaps(printable(text).translate(_DRAWN))


def _without_heaps(text: str) -> str:
    """Return the text with a few marks on each character, and none without a character."""
    kept: list[str] = []
    marks = 0
    for char in text:
        size = columns_of(char)
        if size < 0:
            if unicodedata.category(char) in _CONTROLS:
                continue
            char, size = _UNKNOWN, 1
        if size > 0:
            marks = 0
        else:
            marks += 1
            if marks > _MOST_MARKS:
                continue
            if not kept:
                kept.append(_NO_BASE)
        kept.append(char)
    return "".join(kept)


@lru_cache(4096)
def columns_of(char: str) -> int:
    """Return how many columns a character takes: 0, 1 or 2; -1 if it cannot be drawn, or is too new to be known."""
    size = wcwidth(char)
    if unicodedata.category(char) in _CONTROLS or size != get_character_cell_size(char):
        return -1
    return size


def columns(text: str) -> int:
    """Return how many columns a drawable text takes."""
    return len(text) if text.isascii() else sum(columns_of(char) for char in text)


def shorten(text: str, width: int) -> str:
    """Return a drawable text in ``width`` columns at most, cut with an ellipsis."""
    return text if columns(text) <= width else fit(text, max(width, 0)).rstrip()


def fit(text: str, width: int) -> str:
    """Return a drawable text in exactly ``width`` columns: padded, or cut with an ellipsis."""
    size = columns(text)
    if size <= width:
        return text + " " * (width - size)
    kept = text[: fitting(text, 0, width - 1)] + "…" if width > 0 else ""
    return kept + " " * (width - columns(kept))


def fitting(text: str, start: int, room: int) -> int:
    """Return the end of the longest part of a drawable text from ``start`` on that takes at most ``room`` columns.

    A character and its marks stay together.
    """
    if text.isascii():
        return min(len(text), start + max(room, 0))
    used = 0
    for index in range(start, len(text)):
        used += columns_of(text[index])
        if used > room:
            return index
    return len(text)


def drawn_char(char: str) -> str:
    """Return how one character of a text that is being typed is drawn; empty for one that cannot be."""
    if char.isascii() and char.isprintable():
        return char
    if char == "\t":
        return " "
    return "".join(one for one in char.translate(_DRAWN) if columns_of(one) >= 0)
