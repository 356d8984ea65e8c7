"""The words after /search as the attributes of a SEARCH."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.search_queries import HELP, question, refusal
from chatroom.irc.message import parse_tags
from chatroom.irc.times import parse_time


def asked(text: str, here: str | None = "#lobby") -> dict[str, str]:
    """The attributes of a question, without the limit that each has."""
    attributes = parse_tags(question(text, here))
    assert attributes.pop("limit") == "50"
    return attributes


@pytest.mark.parametrize(
    "text, attributes",
    [
        ("cake", {"in": "#lobby", "text": "cake"}),
        ("carrot; cake", {"in": "#lobby", "text": "carrot; cake"}),
        ("all cake", {"text": "cake"}),
        ('"all" cake', {"in": "#lobby", "text": '"all" cake'}),
        ("from:ann", {"in": "#lobby", "from": "ann"}),
        ("from:ann in:#tea cake", {"in": "#tea", "from": "ann", "text": "cake"}),
        ("cake from:ann", {"in": "#lobby", "text": "cake from:ann"}),
        ("http://x", {"in": "#lobby", "text": "http://x"}),
    ],
)
def test_options_stand_before_the_words(text: str, attributes: dict[str, str]) -> None:
    """By default the search is in the target; after the first word everything is text."""
    assert asked(text) == attributes


def test_nowhere_is_everywhere() -> None:
    """Without a target the search is in everything that the user may read."""
    assert asked("cake", None) == {"text": "cake"}


def test_days_are_ours() -> None:
    """A day begins at local midnight: ``after`` includes the day, ``before`` excludes it."""
    midnight = datetime(2026, 11, 1).astimezone().timestamp() * 1000
    attributes = asked("after:2026-11-01 before:2026-11-01 cake")
    assert parse_time(attributes["after"]) == midnight
    assert parse_time(attributes["before"]) == midnight - 1
    assert parse_time(asked("after:2026-11-01T18:30 cake")["after"]) == midnight + 18.5 * 3_600_000


@pytest.mark.parametrize(
    "text", ["", "all", "from: cake", "in:", "after:noon cake", "before: cake", "after:2026-13-01"]
)
def test_what_is_no_question_is_told_in_words(text: str) -> None:
    """An empty search, an option without a value and a day that does not exist are refused with a sentence."""
    here = None if text == "all" else "#lobby"
    with pytest.raises(ValueError, match=r"^(Type|\S+ is not a day)"):
        question(text, here)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["", "after:", "before:", "from:", "all "]))
def test_any_text_is_a_question_or_refused(text: str, option: str) -> None:
    """Any text is either one parameter without spaces, with times that can be read, or it is refused."""
    try:
        line = question(option + text, "#lobby")
    except ValueError:
        return
    assert not set(line) & set(" \r\n")
    assert all(parse_time(value) is not None for name, value in parse_tags(line).items() if name in ("after", "before"))


@pytest.mark.parametrize("stamp", ["0001-01-01", "9999-12-31", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_the_ends_of_the_calendar(stamp: str) -> None:
    """The first and the last days of the calendar become times that the server takes."""
    assert parse_time(asked(f"before:{stamp} cake")["before"]) is not None


NOT_THERE = "You cannot search there: it does not exist, or you are not in it."


@pytest.mark.parametrize(
    "params, words",
    [
        (["INVALID_PARAMS", "in", "Invalid parameters"], NOT_THERE),
        (["INVALID_PARAMS", "after", "Invalid parameters"], "The server does not accept this in a search: after."),
        (["INVALID_PARAMS", "a search needs a word"], "A search needs a word."),
        (["INTERNAL_ERROR", "The search could not be run"], "The search did not work on the server; try again later."),
        ([], "SEARCH."),
    ],
)  # fmt: skip
def test_refusals_are_worded(params: list[str], words: str) -> None:
    """Each refusal says what is wrong, and one without a code raises nothing."""
    assert refusal(["SEARCH", *params]) == words


def test_help_fits_the_terminal() -> None:
    """No line is wider than 80 columns."""
    assert max(len(line) for line in HELP.split("\n")) <= 80
