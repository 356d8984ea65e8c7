from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from wcwidth import wcwidth

from chatroom.client.fullscreen.cells import columns, drawable, fit
from chatroom.client.fullscreen.row_breaks import NARROWEST, break_rows, cut

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "a b\x1b\x07\x9b\u202e\u200d\ufe0f\u0301\u0300\u4e2d\U0001f468\U0001f3fd\U0001f1e9\U0001f1ea\u1161"
        ),
    ),
    max_size=120,
)


@given(HOSTILE)
def test_drawn_text_has_no_control_and_one_width(text: str) -> None:
    """No text that others send keeps an escape, and all who measure it agree about its columns."""
    drawn = drawable(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in drawn)
    assert columns(drawn) == cell_len(drawn) == sum(wcwidth(char) for char in drawn)
    assert drawable(drawn) == drawn


@given(HOSTILE, st.integers(1, 60))
def test_no_row_is_wider_than_the_log(text: str, width: int) -> None:
    """Rows hold the whole text but blanks, in order, and none is wider than the log."""
    drawn = drawable(text)
    parts = break_rows(drawn, width)
    assert all(columns(drawn[start:end]) <= max(width, NARROWEST) for start, end in parts)
    assert "".join(drawn[start:end] for start, end in parts).replace(" ", "") == drawn.replace(" ", "")
    assert columns(fit(drawn, width)) == width


@given(HOSTILE)
def test_marks_do_not_heap_up(text: str) -> None:
    """However many marks a message puts on a letter, a few are drawn, and none without a letter before it."""
    drawn = drawable("x" + text + "\u0301" * 50)
    marks = 0
    for char in drawn:
        marks = marks + 1 if wcwidth(char) == 0 else 0
        assert marks <= 4


def test_words_stay_whole() -> None:
    """Rows break at blanks; a word that is longer than a row is broken where the row ends."""
    text = "one two  three fourfivesixseveneight nine"
    assert [text[a:b] for a, b in break_rows(text, 10)] == ["one two", "three", "fourfivesi", "xseveneigh", "t nine"]


def test_a_flag_and_a_family_are_drawn_as_their_parts() -> None:
    """What terminals draw at different widths is drawn as what they agree about."""
    assert drawable("\U0001f1e9\U0001f1ea \U0001f468\u200d\U0001f469 \u2764\ufe0f") == "DE \U0001f468\U0001f469 \u2764"


def test_a_cut_keeps_the_styles() -> None:
    """A part of several fragments has the styles of its characters."""
    assert cut([("a", "one"), ("b", "two"), ("c", "three")], 2, 8) == [("a", "e"), ("b", "two"), ("c", "th")]
