from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.wrapping import columns, wrap


def text(fragments: list[tuple[str, str]]) -> str:
    """The text of the fragments."""
    return "".join(part for _, part in fragments)


@pytest.mark.parametrize(
    "line, wrapped",
    [
        pytest.param("12:00 <bob> hi", "12:00 <bob> hi", id="fits"),
        pytest.param("12:00 <bob> one two three", "12:00 <bob> one\n      two three", id="between words"),
        pytest.param("12:00 http://a.very.long/address x", "12:00 http://a.very.long/address x", id="long word"),
        pytest.param("12:00 日本 日本語語", "12:00 日本\n      日本語語", id="wide"),
    ],
)
def test_wrapping(line: str, wrapped: str) -> None:
    """Lines break between words, and the next row is indented."""
    assert text(wrap([("", line)], 18, 6)) == wrapped


def test_styles_stay_with_their_words() -> None:
    """A word of several fragments is not broken, and each fragment keeps its style."""
    fragments = [("time", "12:00 "), ("", "some words "), ("dim", "<"), ("nick1", "bob"), ("dim", ">")]
    out = wrap(fragments, 20, 6)
    assert text(out) == "12:00 some words\n      <bob>"
    assert out[-3:] == [("dim", "<"), ("nick1", "bob"), ("dim", ">")]


@given(st.lists(st.text("ab \u65e5e\u0301", max_size=30)), st.integers(20, 60))
def test_nothing_is_lost_and_lines_fit(parts: list[str], width: int) -> None:
    """Apart from blanks the text is unchanged, and every line fits unless one of its words is too wide."""
    fragments = [("style", part) for part in parts]
    out = text(wrap(fragments, width, 6))
    assert "".join(out.split()) == "".join("".join(parts).split())
    for line in out.split("\n"):
        assert columns(line) <= width or max(columns(word) for word in re.split(" +", line)) > width - 6
