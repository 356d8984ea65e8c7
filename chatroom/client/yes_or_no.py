"""Answers to questions of yes or no. What is neither is asked again: it was perhaps meant for the chat."""

from __future__ import annotations

_WORDS = {"yes": "y", "no": "n"}


def read_answer(text: str, *more: str) -> str | None:
    """Return what the user has answered: ``y``, ``n``, one of ``more``, or an empty text if nothing was typed.

    None if it is no answer.
    """
    word = text.strip().lower()
    word = _WORDS.get(word, word)
    return word if word in ("", "y", "n", *more) else None


def which_answers(*more: str) -> str:
    """Return the sentence that says what can be answered."""
    *others, last = "y", "n", *more
    return f"Answer {', '.join(others)} or {last}."
