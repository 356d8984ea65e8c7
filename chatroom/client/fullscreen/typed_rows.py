"""How the text that is being typed stands in rows. Pure."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.client.fullscreen.cells import columns_of, drawn_char

_MASK = "*"


class TypedRows(NamedTuple):
    """The rows, and where the cursor is."""

    rows: list[str]
    cursor_row: int
    cursor_index: int
    """The index in the row of the character under the cursor; the length of the row at its end."""


def typed_rows(text: str, cursor: int, first: int, width: int, *, secret: bool = False) -> TypedRows:
    """Break a text into rows of ``width`` columns; the first has ``first`` less. ``secret``: show stars."""
    rows: list[str] = [""]
    used = first
    cursor_row = cursor_index = 0
    for index, char in enumerate(text):
        shown = _MASK if secret else drawn_char(char)
        size = sum(max(columns_of(one), 0) for one in shown)
        if char != "\n" and used + size > width and rows[-1]:
            rows.append("")
            used = 0
        if index == cursor:
            cursor_row, cursor_index = len(rows) - 1, len(rows[-1])
        if char == "\n":
            rows.append("")
            used = 0
            continue
        rows[-1] += shown
        used += size
    if cursor >= len(text):
        if used >= width:
            rows.append("")
        cursor_row, cursor_index = len(rows) - 1, len(rows[-1])
    return TypedRows(rows, cursor_row, cursor_index)
