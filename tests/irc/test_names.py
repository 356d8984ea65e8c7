"""Names: the valid ones, and their comparison."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.irc.limits import CHANNEL_BYTES, NICK_BYTES
from chatroom.irc.names import casefold, is_channel, is_nick


@given(st.text())
def test_casefold_folds_ascii_only(name: str) -> None:
    """Only A to Z fold, each to one letter, and folding twice changes nothing."""
    folded = casefold(name)
    assert casefold(folded) == folded
    assert len(folded) == len(name)
    assert all(
        old == new or (old in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" and new == old.lower())
        for old, new in zip(name, folded, strict=True)
    )


def test_look_alikes_under_casefold() -> None:
    """ß is not ss and the Turkish dotless i is not I, as they would be with str.casefold or upper."""
    assert casefold("STRASSE") == "strasse" != casefold("STRAßE")
    assert casefold("I") != casefold("ı")


@pytest.mark.parametrize("name", ["a", "Mallory", "Zoë", "名前", "[]{}\\|^`_-", "x1", "a-b", "x" * NICK_BYTES])
def test_nicks(name: str) -> None:
    """A nick may have letters and digits of any script, and the usual punctuation."""
    assert is_nick(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1a",
        "-a",
        "١a",
        "a b",
        "a.b",
        "a:b",
        "a/b",
        "a*",
        "a?",
        "a!",
        "a@b",
        "a,b",
        "#a",
        "~a",
        "a\n",
        "e\u0301",
        "\u0301a",
        "x" * (NICK_BYTES + 1),
        "ж" * (NICK_BYTES // 2 + 1),
        "a\u200b",
        "a\u034f",
        "a\ufe0f",
        "a\U000e0100",
        "\u3164",
        "a\u00a0b",
        "\udc80",
        "😀",
    ],
)
def test_not_nicks(name: str) -> None:
    """A nick cannot look like an address, a mask, a channel or a number, and cannot be invisible."""
    assert not is_nick(name)


def test_channels() -> None:
    """A channel is a # and anything visible, except characters that the protocol or a mask needs."""
    assert all(is_channel(name) for name in ("#a", "##", "#Zoë", "#a.b/c", "#" + "x" * (CHANNEL_BYTES - 1)))
    wrong = [
        "",
        "#",
        "a",
        "&a",
        "#a b",
        "#a,b",
        "#a:b",
        "#a\x07",
        "#a*",
        "#a?",
        "#\u200b",
        "#\udc80",
        "#" + "x" * CHANNEL_BYTES,
    ]
    assert not any(is_channel(name) for name in wrong)


@given(st.text())
def test_any_text_is_judged(name: str) -> None:
    """No text raises an error, and no nick is a channel or a host, which has a dot or a colon."""
    assert not (is_nick(name) and (is_channel(name) or "." in name or ":" in name))


def test_each_ascii_character_in_a_nick() -> None:
    """A nick may have letters, digits and ten signs. Digits and the hyphen cannot come first."""
    signs = "-_[]{}\\|^`"
    for char in map(chr, range(128)):
        fits = char.isalnum() or char in signs
        assert is_nick("a" + char) == fits, char
        assert is_nick(char) == (fits and not char.isdigit() and char != "-"), char
        assert is_nick(char + "ü") == is_nick(char), char
