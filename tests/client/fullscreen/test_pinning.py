"""Characters of which terminals disagree how wide they are."""

from __future__ import annotations

import re
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.fullscreen.cells import columns, drawable, drawn_char, fit
from chatroom.client.fullscreen.pinning import as_written, pinned

HINDI = "नमस्ते दुनिया, यह हिंदी है"
_PARTS = re.compile("\x1b7|\x1b8|\x1b\\[(\\d+)([XC])|(.)", re.DOTALL)


def column_behind(data: str, mark_width: int, twin_width: int) -> int:
    """Where a terminal's cursor is behind ``data``, if it takes marks and the trigrams for so wide."""
    at = saved = 0
    for match in _PARTS.finditer(data):
        number, verb, char = match.groups()
        if match[0] == "\x1b7":
            saved = at
        elif match[0] == "\x1b8":
            at = saved
        elif verb == "C":
            at += int(number)
        elif char is not None:
            at += mark_width if category(char) == "Mc" else twin_width if char in "☰㉈𝍠" else columns(char)
    return at


@pytest.mark.parametrize("mark_width", [0, 1, 2])
@pytest.mark.parametrize("twin_width", [1, 2])
@given(text=st.text(st.sampled_from("aकािीாো☰㉈𝍠漢\u0301 "), max_size=30))
def test_what_follows_stands_where_it_was_counted(text: str, mark_width: int, twin_width: int) -> None:
    """In every kind of terminal a row is as long as it was counted, and ends in its last column."""
    row = fit(drawable(text), 20) + "|"
    assert columns(row) == 21
    assert column_behind(pinned(row), mark_width, twin_width) == 21


def test_what_is_written_and_copied_is_what_was_said() -> None:
    """The characters that are drawn instead stay inside the program."""
    drawn = drawable(HINDI)
    assert drawn != HINDI
    assert as_written(drawn) == HINDI
    assert re.sub("\x1b7|\x1b8|\x1b\\[\\d+[XC]", "", pinned(drawn)) == HINDI
    assert "".join(map(drawn_char, HINDI)) == drawn
    assert pinned("\x1b[1mplain ─\x1b[0m") == "\x1b[1mplain ─\x1b[0m"


def test_invisible_letters_are_not_drawn() -> None:
    """Terminals disagree about their width, and nobody misses them."""
    assert drawable("a\u115fb\u1160c\u3164d\uffa0") == "abcd"
