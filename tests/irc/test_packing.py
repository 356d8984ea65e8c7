from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatroom.irc.packing import pack_words

WORDS = st.lists(st.text(st.characters(exclude_characters=" ,", exclude_categories=["Cs"]), min_size=1, max_size=12))


def test_words_fill_lines_to_the_last_byte() -> None:
    """A text has up to the limit of bytes, with the separators between the words."""
    assert pack_words(["abc", "def"], " ", 7) == ["abc def"]
    assert pack_words(["abc", "def"], " ", 6) == ["abc", "def"]
    assert pack_words(["ä", "ö"], ",", 5) == ["ä,ö"]
    assert pack_words(["ä", "ö"], ",", 4) == ["ä", "ö"]
    assert pack_words(["abcdef", "g"], " ", 3) == ["abcdef", "g"]
    assert pack_words([], " ", 9) == []


@given(WORDS, st.integers(1, 40))
def test_no_word_is_lost_and_no_line_is_too_long(words: list[str], most_bytes: int) -> None:
    """The texts have all words in order. Only a text of one word is longer than the limit."""
    lines = pack_words(words, ",", most_bytes)
    assert [word for line in lines for word in line.split(",")] == words
    assert all(len(line.encode()) <= most_bytes or "," not in line for line in lines)
    for before, after in pairwise(lines):
        assert len(before.encode()) + 1 + len(after.split(",")[0].encode()) > most_bytes
