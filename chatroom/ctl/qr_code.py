"""A link as a QR code that a phone reads off the terminal.

Two rows of squares are one line of half blocks. At a terminal they are black on white whatever its colours are, because
not every phone reads a code whose colours are exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator

import segno

_QUIET_ZONE = 2
"""Squares of white around the code. The standard wants four; two are what phones need."""
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_BLACK_ON_WHITE, _PLAIN = "\x1b[30;107m", "\x1b[0m"


def draw(text: str, *, coloured: bool) -> Iterator[str]:
    """Make the lines of the code. ``coloured``: the lines have escape sequences for a terminal."""
    rows = [[bool(square) for square in row] for row in segno.make_qr(text).matrix_iter(border=_QUIET_ZONE)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        line = "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        yield f"{_BLACK_ON_WHITE}{line}{_PLAIN}" if coloured else line.rstrip()
