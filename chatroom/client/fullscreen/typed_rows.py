"""How the text that is being typed stands in rows. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from chatroom.client.formatting import MARKS, typed_styles
from chatroom.client.fullscreen.cells import columns_of, drawn_char
from chatroom.client.rendering import Fragment

_MASK = "*"


class TypedRows(NamedTuple):
    """The rows, and where the cursor is."""

    rows: list[str]
    styles: list[list[str]]
    """The style of each character of the rows."""
    cursor_row: int
    cursor_index: int
    """The index in the row of the character under the cursor; the length of the row at its end."""

    def fragments(self, row: int) -> list[Fragment]:
        """Return a row with its styles, and with the cursor if that is in it."""
        chars = list(zip(self.styles[row], self.rows[row], strict=True))
        if row == self.cursor_row:
            if self.cursor_index == len(chars):
                chars.append(("", " "))
            style, char = chars[self.cursor_index]
            chars[self.cursor_index] = f"{style} cursor".strip(), char
        return [(style, "".join(char for _, char in run)) for style, run in groupby(chars, key=lambda one: one[0])]


def typed_rows(text: str, cursor: int, first: int, width: int, *, secret: bool = False) -> TypedRows:
    """Break a text into rows of ``width`` columns; the first has ``first`` less. ``secret``: show stars.

    A formatting code is shown as a letter, and what follows it as it will look.
    """
    rows: list[str] = [""]
    styles: list[list[str]] = [[]]
    looks = [""] * len(text) if secret else typed_styles(text)
    used = first
    cursor_row = cursor_index = 0
    for index, char in enumerate(text):
        shown = _MASK if secret else MARKS.get(char) or drawn_char(char)
        size = sum(max(columns_of(one), 0) for one in shown)
        if char != "\n" and used + size > width and rows[-1]:
            rows.append("")
            styles.append([])
            used = 0
        if index == cursor:
            cursor_row, cursor_index = len(rows) - 1, len(rows[-1])
        if char == "\n":
            rows.append("")
            styles.append([])
            used = 0
            continue
        rows[-1] += shown
        styles[-1] += [looks[index]] * len(shown)
        used += size
    if cursor >= len(text):
        if used >= width:
            rows.append("")
            styles.append([])
        cursor_row, cursor_index = len(rows) - 1, len(rows[-1])
    return TypedRows(rows, styles, cursor_row, cursor_index)
