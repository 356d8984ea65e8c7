from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.text import clean, clean_message, room_for, split
from chatroom.irc.message import Message


@pytest.mark.parametrize(
    "raw, safe",
    [
        pytest.param("plain words", "plain words", id="plain"),
        pytest.param("\x02bold\x02 \x1ditalic\x1d \x1funder\x0f", "bold italic under", id="formatting"),
        pytest.param("\x034,12red on blue\x03 and \x0312blue\x03,", "red on blue and blue,", id="colours"),
        pytest.param("\x04ff0000red\x04", "red", id="hex colours"),
        pytest.param("\x1b[2J\x1b]0;title\x07gone", "[2J]0;titlegone", id="escape sequences"),
        pytest.param("\x9b31mred\x85", "31mred", id="C1 controls"),
        pytest.param("a\tb\u2028c", "a b c", id="blanks"),
        pytest.param("abc\u202etxt.exe", "abctxt.exe", id="direction override"),
        pytest.param(
            "na\u00efve \U0001f469\u200d\U0001f680", "na\u00efve \U0001f469\u200d\U0001f680", id="joined emoji"
        ),
        pytest.param("\x01ACTION waves\x01", "\x01ACTION waves\x01", id="CTCP stays"),
    ],
)
def test_clean(raw: str, safe: str) -> None:
    """Formatting and control characters are removed; letters of all scripts stay."""
    assert clean(raw) == safe


@given(st.text())
def test_nothing_that_drives_a_terminal_gets_through(text: str) -> None:
    """Of all control characters only the CTCP mark is left, and cleaning a second time changes nothing."""
    safe = clean(text)
    assert all(unicodedata.category(char) not in ("Cc", "Cs") or char == "\x01" for char in safe)
    assert clean(safe) == safe


def test_every_part_of_a_message_is_cleaned() -> None:
    """Source, parameters and tags are cleaned."""
    message = Message("PRIVMSG", ["#a\x1b", "hi\x07"], source="bob\x1b[1m!b@h", tags={"time": "now\x07"})
    assert clean_message(message) == Message("PRIVMSG", ["#a", "hi"], source="bob[1m!b@h", tags={"time": "now"})


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(8, 60))
def test_pieces_fit_and_lose_nothing_but_blanks(text: str, room: int) -> None:
    """Each piece fits and has only whole characters, and together they are the text, apart from blanks."""
    pieces = split(text, room)
    assert all(len(piece.encode()) <= room for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_a_short_text_is_one_piece() -> None:
    """A text that fits is unchanged, with its blanks."""
    assert split("  as it is ", 100) == ["  as it is "]


def test_words_stay_whole_where_they_can() -> None:
    """The cut is at a space; a word that is too long is cut at the end of the line."""
    assert split("the quick brown fox", 10) == ["the quick", "brown fox"]
    assert split("abcdefghij klm", 4) == ["abcd", "efgh", "ij", "klm"]


def test_marks_stay_with_their_letters() -> None:
    """A letter stays with its combining marks."""
    assert split("aaae\u0301b", 5) == ["aaa", "e\u0301b"]


def test_room_counts_what_the_server_adds() -> None:
    """A text of that size makes a relayed line of exactly 512 bytes."""
    source = "nick!user@host.example"
    room = room_for("#lobby", len(source))
    assert len(f":{source} PRIVMSG #lobby :{'x' * room}\r\n") == 512
