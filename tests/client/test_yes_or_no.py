"""Answers to questions of yes or no."""

from __future__ import annotations

import pytest

from chatroom.client.yes_or_no import read_answer, which_answers


@pytest.mark.parametrize(
    "typed, meant",
    [("y", "y"), (" YES ", "y"), ("n", "n"), ("No", "n"), ("", ""), ("  ", ""), ("r", None), ("yeah", None)],
)
def test_only_yes_and_no_are_answers(typed: str, meant: str | None) -> None:
    """In any case, and with blanks around them."""
    assert read_answer(typed) == meant


def test_a_question_may_have_more_answers() -> None:
    """The sentence names them."""
    assert read_answer("Never", "never") == "never"
    assert which_answers() == "Answer y or n."
    assert which_answers("never") == "Answer y, n or never."
