"""What the user selects in a log with the mouse, and the text that is copied. Pure."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.client.fullscreen.cells import fitting
from chatroom.client.fullscreen.entry_words import LINK
from chatroom.client.fullscreen.log_view import Row
from chatroom.client.fullscreen.pinning import as_written
from chatroom.client.fullscreen.shown_log import Item, ShownLog, ShownRow
from chatroom.client.places.log_entry import Entry


class Spot(NamedTuple):
    """A character in a log."""

    entry: Entry
    """The first of its item."""
    line: int
    char: int


def spot_at(log: ShownLog, row: Row, column: int) -> Spot | None:
    """Return the character at a column of a row; None between entries. Left of the text is its first one."""
    item = log[row.item]
    shown = log.rows(row.item)[row.row]
    if shown.line < 0:
        return None
    text = _text(item, shown.line)
    char = fitting(text, shown.start, column - shown.indent) if column > shown.indent else shown.start
    return Spot(item.first, shown.line, min(char, shown.end))


def selected_part(log: ShownLog, row: Row, ends: tuple[Spot, Spot]) -> tuple[int, int] | None:
    """Return which characters of a row's line are selected; None for none."""
    shown: ShownRow = log.rows(row.item)[row.row]
    if shown.line < 0:
        return None
    (first_index, first_line, first_char), (last_index, last_line, last_char) = _ordered(log, ends)
    here = row.item, shown.line
    if not (first_index, first_line) <= here <= (last_index, last_line):
        return None
    start = max(shown.start, first_char) if here == (first_index, first_line) else shown.start
    end = min(shown.end, last_char + 1) if here == (last_index, last_line) else shown.end
    return (start, end) if start < end else None


def copied_text(log: ShownLog, ends: tuple[Spot, Spot]) -> str:
    """Return the selected text. A part of one message is only that; several are whole, with time and author."""
    (index, line, char), (last_index, last_line, last_char) = _ordered(log, ends)
    if index == last_index:
        log.rows(index)  # makes the words
        item = log[index]
        if line == last_line:
            return as_written(_text(item, line)[char : last_char + 1])
        between = [_text(item, number) for number in range(line + 1, last_line)]
        return as_written("\n".join([_text(item, line)[char:], *between, _text(item, last_line)[: last_char + 1]]))
    return "\n".join(whole_text(log, number) for number in range(index, last_index + 1))


def whole_text(log: ShownLog, index: int) -> str:
    """Return an item with its time and author."""
    log.rows(index)  # makes the words
    words = log[index].words
    if words is None:
        return ""
    stamp = f"{words.at.astimezone():%H:%M} " if words.at is not None else ""
    return as_written(stamp + words.text)


def link_at(log: ShownLog, spot: Spot) -> str:
    """Return the link at a spot; empty if there is none."""
    index = log.index_of(spot.entry)
    if index is None:
        return ""
    text = as_written(_text(log[index], spot.line))
    return next((link.group() for link in LINK.finditer(text) if link.start() <= spot.char < link.end()), "")


def _text(item: Item, line: int) -> str:
    lines = item.words.lines if item.words is not None else []
    return "".join(part for _, part in lines[line]) if line < len(lines) else ""


def _ordered(log: ShownLog, ends: tuple[Spot, Spot]) -> list[tuple[int, int, int]]:
    return sorted((log.index_of(spot.entry) or 0, spot.line, spot.char) for spot in ends)
