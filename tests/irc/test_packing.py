from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatroom.irc.packing import pack_words, shorten, split_text

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


TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.just(" "), max_size=200)


def test_a_text_is_split_behind_a_space_if_there_is_one() -> None:
    """The space stays, at the end of its piece. A space in the first half is not worth it."""
    assert split_text("one two three", 9) == ["one two ", "three"]
    assert split_text("a bcdefghij", 9) == ["a bcdefgh", "ij"]
    assert split_text("ééé", 5) == ["éé", "é"]
    assert split_text("", 9) == [""]
    assert split_text("123456789", 9) == ["123456789"]


@given(TEXT, st.integers(4, 40))
def test_no_character_of_a_split_text_is_lost(text: str, most_bytes: int) -> None:
    """Joined, the pieces are the text. None of several is empty or too long."""
    pieces = split_text(text, most_bytes)
    assert "".join(pieces) == text
    assert all(0 < len(piece.encode()) <= most_bytes for piece in pieces) or pieces == [""]


@given(TEXT, st.integers(0, 60))
def test_a_shortened_text_has_as_many_characters_as_fit(text: str, limit: int) -> None:
    """No character is cut."""
    short = shorten(text, limit)
    assert text.startswith(short) and len(short.encode()) <= limit
    rest = text[len(short) :]
    assert not rest or len((short + rest[0]).encode()) > limit
