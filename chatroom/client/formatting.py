"""Formatting codes in texts: bold, italic, colours and the like. Pure.

A text with codes is cut into parts, each with the names of its styles. A colour is the style ``ink:INK/PAPER``: six
hexadecimal digits each, or nothing where the text keeps the screen's own colour.

Source: "IRC Formatting" (modern.ircdocs.horse/formatting), with its colours 16 to 98.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

BOLD, ITALIC, UNDERLINE, STRIKE, REVERSE, MONOSPACE = "\x02", "\x1d", "\x1f", "\x1e", "\x16", "\x11"
COLOUR, HEX_COLOUR, PLAIN = "\x03", "\x04", "\x0f"
CODES = BOLD + ITALIC + UNDERLINE + STRIKE + REVERSE + MONOSPACE + COLOUR + HEX_COLOUR + PLAIN

MARKS = {
    BOLD: "B",
    ITALIC: "I",
    UNDERLINE: "U",
    STRIKE: "S",
    REVERSE: "V",
    MONOSPACE: "M",
    COLOUR: "C",
    HEX_COLOUR: "H",
    PLAIN: "O",
}
"""The letter that stands for a code while its text is typed."""

_CODE = re.compile(
    r"\x03(?:([0-9]{1,2})(?:,([0-9]{1,2}))?)?|\x04(?:([0-9A-Fa-f]{6})(?:,([0-9A-Fa-f]{6}))?)?"
    r"|[\x02\x0f\x11\x16\x1d\x1e\x1f]"
)
_TOGGLED = {
    BOLD: "f-bold",
    ITALIC: "f-italic",
    UNDERLINE: "f-underline",
    STRIKE: "f-strike",
    REVERSE: "f-reverse",
    MONOSPACE: "f-mono",
}

_COLOURS = re.findall(
    r"[0-9a-f]{6}",
    "ffffff 000000 00007f 009300 ff0000 7f0000 9c009c fc7f00 ffff00 00fc00 009393 00ffff 0000fc ff00ff 7f7f7f d2d2d2 "
    "470000 472100 474700 324700 004700 00472c 004747 002747 000047 2e0047 470047 47002a "
    "740000 743a00 747400 517400 007400 007449 007474 004074 000074 4b0074 740074 740045 "
    "b50000 b56300 b5b500 7db500 00b500 00b571 00b5b5 0063b5 0000b5 7500b5 b500b5 b5006b "
    "ff0000 ff8c00 ffff00 b2ff00 00ff00 00ffa0 00ffff 008cff 0000ff a500ff ff00ff ff0098 "
    "ff5959 ffb459 ffff71 cfff60 6fff6f 65ffc9 6dffff 59b4ff 5959ff c459ff ff66ff ff59bc "
    "ff9c9c ffd39c ffff9c e2ff9c 9cff9c 9cffdb 9cffff 9cd3ff 9c9cff dc9cff ff9cff ff94d3 "
    "000000 131313 282828 363636 4d4d4d 656565 818181 9f9f9f bcbcbc e2e2e2 ffffff",
)
"""The colours 0 to 98. 99 is the screen's own."""


class Part(NamedTuple):
    """A part of a text that looks the same throughout."""

    style: str
    """Names of styles with blanks between them; empty for plain text."""
    text: str


def bare(text: str) -> str:
    """Return a text without its codes."""
    return _CODE.sub("", text)


def has_codes(text: str) -> bool:
    """True if there is a code in the text."""
    return _CODE.search(text) is not None


def parts_of(text: str) -> list[Part]:
    """Cut one line into parts; together they are its text without codes."""
    if text.isprintable():  # no code is; this test is much faster than the search
        return [Part("", text)] if text else []
    return [Part(style, part) for style, part, is_code in _walk(text) if part and not is_code]


def typed_styles(text: str) -> list[str]:
    """Return for each character of one or more lines how it looks while it is typed: ``code`` for what is a code."""
    styles: list[str] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            styles.append("")  # the line break
        for style, part, is_code in _walk(line):
            styles += ["code" if is_code else style] * len(part)
    return styles


def _walk(line: str) -> Iterator[tuple[str, str, bool]]:
    """Yield all parts of a line, and True for those that are a code."""
    on: dict[str, None] = {}
    ink = paper = ""
    at = 0
    for code in _CODE.finditer(line):
        yield _style(on, ink, paper), line[at : code.start()], False
        yield "", code.group(), True
        at = code.end()
        kind = code.group()[0]
        if kind == PLAIN:
            on, ink, paper = {}, "", ""
        elif kind == COLOUR:
            ink, paper = (_numbered(code[1]), _numbered(code[2]) if code[2] else paper) if code[1] else ("", "")
        elif kind == HEX_COLOUR:
            ink, paper = (code[3].lower(), (code[4] or paper).lower()) if code[3] else ("", "")
        elif on.pop(_TOGGLED[kind], _OFF) is _OFF:
            on[_TOGGLED[kind]] = None
    yield _style(on, ink, paper), line[at:], False


_OFF = object()


def _numbered(number: str) -> str:
    index = int(number)
    return _COLOURS[index] if index < len(_COLOURS) else ""


def _style(on: dict[str, None], ink: str, paper: str) -> str:
    colour = [f"ink:{ink}/{paper}"] if ink or paper else []
    return " ".join([*on, *colour])
