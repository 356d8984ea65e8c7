"""The kinds of value."""

# ruff: noqa: PT011 - a kind's ValueError has no text of its own: who reads the value says what is allowed

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.config import KEYS
from chatroom.errors import ConfigError
from chatroom.settings.kinds import Choice, FilePath, Number, Text, Whole, Words, YesOrNo

TOML = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize("value", [1, 0, "true", None, [True]])
def test_only_a_boolean_is_yes_or_no(value: object) -> None:
    """TOML has booleans, so numbers and words are refused."""
    with pytest.raises(ValueError):
        YesOrNo().read(value)


@pytest.mark.parametrize("text, meant", [("true", True), ("YES", True), ("on", True), ("1", True), ("Off", False)])
def test_words_for_yes_and_no(text: str, meant: bool) -> None:
    """The usual words are accepted from the environment, in upper or lower case."""
    assert YesOrNo().read_text(text) is meant


def test_a_choice_reads_the_boolean_that_it_was() -> None:
    """Files and variables from before stay valid; what is written is the word."""
    kind = Choice(("open", "invite", "closed"), true="open", false="closed")
    assert [kind.read(value) for value in (True, False, "invite")] == ["open", "closed", "invite"]
    assert [kind.read_text(text) for text in ("yes", "OFF", "Invite", " open ")] == ["open", "closed", "invite", "open"]
    assert kind.allowed == '"open", "invite" or "closed"; true is open, false is closed'
    for value in ("maybe", "Invite", 1, None, ["open"]):
        with pytest.raises(ValueError):
            kind.read(value)
    with pytest.raises(ValueError):
        kind.read_text("maybe")


@pytest.mark.parametrize("value", [True, 0, 11, 5.0, "5", None])
def test_a_whole_number_keeps_its_bounds(value: object) -> None:
    """Booleans, fractions, texts and numbers out of bounds are refused."""
    with pytest.raises(ValueError):
        Whole(1, 10).read(value)


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "", "ten", "-1"])
def test_a_number_is_finite_and_within_bounds(text: str) -> None:
    """Not-a-number and infinity are out of all bounds."""
    with pytest.raises(ValueError):
        Number(0.1, 10).read_text(text)


def test_a_number_is_written_as_people_write_it() -> None:
    """A whole number is written without a fraction."""
    kind = Number(0.1, 1000)
    assert [kind.write(kind.read(value)) for value in (10, 2.5)] == [10, 2.5]
    assert kind.allowed == "a number from 0.1 to 1000"


@pytest.mark.parametrize("value", ["two words", "", "x" * 9, "nul\0", 5])
def test_a_text_matches_whole_and_fits(value: object) -> None:
    """A text is refused if only a part of it matches, if it is too long, or if it has a NUL."""
    with pytest.raises(ValueError):
        Text("one word", r"\S+", 8).read(value)


@pytest.mark.parametrize("value", [["#a", "#a"], ["a"], [["#a"]], "#a", [1], [{}]])
def test_words_are_checked_each_and_once(value: object) -> None:
    """A list has valid words only and no duplicates."""
    with pytest.raises(ValueError):
        Words("channels", lambda word: word.startswith("#")).read(value)


@pytest.mark.parametrize("text", ["#a,#b", "#a #b", " #a , #b ", '["#a", "#b"]'])
def test_words_from_plain_text(text: str) -> None:
    """Commas, spaces and TOML's syntax give the same list."""
    assert Words("channels", lambda word: word.startswith("#")).read_text(text) == ("#a", "#b")
    assert Words("channels", bool).read_text("") == ()


def test_a_path_knows_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is the home directory. The name of a directory is not accepted for a file."""
    monkeypatch.setenv("HOME", "/home/alice")
    assert FilePath().read("~/chat.db") == Path("/home/alice/chat.db")
    for value in ("", "there/", "nul\0", 7, "~nobody-of-that-name/x"):
        with pytest.raises(ValueError):
            FilePath().read(value)


@settings(max_examples=300)
@given(value=TOML, text=st.text())
def test_any_value_is_taken_or_refused(value: object, text: str) -> None:
    """Any value of the file or the environment is refused by the errors of a kind, or can be written again.

    Each example is tried on all keys: to think it up takes longer than that.
    """
    for key in KEYS:
        readers: list[tuple[Callable[[Any], object], object]] = [(key.kind.read, value), (key.kind.read_text, text)]
        for read, example in readers:
            try:
                taken = read(example)
            except (ValueError, ConfigError):
                continue
            assert key.kind.read(key.kind.write(taken)) == taken, key.path
