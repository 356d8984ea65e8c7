from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.folded_text import ascii_likes, fold_case, fold_text


@pytest.mark.parametrize(
    "text",
    [
        "Cheap Pills",
        "CHEAP  pills ",
        "\x02c\x02h\x0304e\x03ap pills",
        "\x01ACTION cheap pills\x01",
        "ch\u200be\u00adap\u00a0pills",
        "сhеар рills",
        "ｃｈｅａｐ　ｐｉｌｌｓ",
        "𝐜𝐡𝐞𝐚𝐩 𝓹𝓲𝓵𝓵𝓼",
        "ᴄʜᴇᴀᴘ ᴘɪʟʟs",
        "🅒🅗🅔🅐🅟 🅿🅸🅻🅻🆂",
        "🇨🇭🇪🇦🇵 🄿🄸🄻🄻🅂",
        "cheap\npills",
        "cheap \U000e0041pills\ufe0f",
    ],
)
def test_what_reads_the_same_is_the_same(text: str) -> None:
    """Case, formats, invisible characters, kinds of spaces and look-alikes make no difference."""
    assert fold_text(text) == "cheap pills"


def test_other_letters_stay() -> None:
    """Accents are kept, and so are the letters of a script that look like no others."""
    assert fold_text("Crème Brûlée") == "crème brûlée"
    assert fold_text("日本語") == "日本語"
    assert fold_text("ΣΊΣΥΦΟΣ") == fold_text("σίσυφος")
    assert fold_text("１２ ｍ") == "12 m"
    assert fold_case("ПРИВЕТ  Мир") == "привет мир"


def test_look_alikes_are_single_characters_of_ascii() -> None:
    """So a ``?`` of a pattern stands for one character before and after."""
    for code, like in ascii_likes().items():
        assert code >= 0x80
        assert like is None or (len(like) == 1 and like.isascii() and like.isprintable()), hex(code)
    assert not any(unicodedata.category(chr(code)).startswith("M") for code, like in ascii_likes().items() if like)


@given(st.text(), st.text())
def test_folding_a_part_folds_the_whole_alike(one: str, other: str) -> None:
    """Each character is folded by itself, so a pattern is found in every text that has it."""
    visible = [part for part in (one, other) if part.isprintable()]
    if len(visible) == 2:
        assert fold_text(one) in fold_text(one + other)
        assert fold_text(f"{one}x{other}".replace(" ", "")) == fold_text(
            f"{fold_text(one)}x{fold_text(other)}".replace(" ", "")
        )
