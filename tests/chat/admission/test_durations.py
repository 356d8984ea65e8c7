"""Durations: parsing, refusing and formatting."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.admission.durations import (
    LONGEST_S,
    format_duration,
    is_meant_as_duration,
    looks_like_duration,
    parse_duration,
)
from chatroom.errors import InvalidValue


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("30s", 30),
        ("15m", 900),
        ("12h", 43_200),
        ("7d", 604_800),
        ("2w", 1_209_600),
        ("1y", 31_536_000),
        ("1Y", 31_536_000),
        ("1mo", 2_592_000),
        ("2MO1d", 5_270_400),
        ("1mo1m", 2_592_060),
        ("1d12h", 129_600),
        (" 1H30M ", 5400),
        ("0d1s", 1),
        ("0000000000000000000001s", 1),
        ("100y", LONGEST_S),
    ],
)
def test_parse(text: str, seconds: int) -> None:
    """All units, sums, upper case and spaces around are accepted."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "0s", "0d0h", "7", "d", "7 d", "-1d", "+1d", "1.5h", "1mon", "7d!", "٣d", "100y1s", "9" * 5000 + "s", "101y"],
)
def test_refuse(text: str) -> None:
    """Any other text, 0, and more than 100 years are refused."""
    with pytest.raises(InvalidValue, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["1M", "90M", "1d5M", "1M30s", "1M1h"])
def test_a_capital_m_is_ambiguous(text: str) -> None:
    """``1M`` is a month to many people and not a minute. It is taken for a duration and refused, never for a reason."""
    assert looks_like_duration(text)
    with pytest.raises(InvalidValue, match="ambiguous duration; write m for minutes or mo for months"):
        parse_duration(text)


@given(st.integers(1, LONGEST_S))
def test_round_trip(seconds: int) -> None:
    """A formatted duration is parsed to the same number of seconds."""
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0s"),
        (90, "1m30s"),
        (129_600, "1d12h"),
        (10 * 86_400, "10d"),
        (14 * 86_400, "2w"),
        (30 * 86_400, "30d"),
        (366 * 86_400, "1y1d"),
    ],
)
def test_format(seconds: int, text: str) -> None:
    """A duration is formatted as a user would write it."""
    assert format_duration(seconds) == text


@given(st.text(max_size=8) | st.from_regex(r"[0-9]{1,3}[a-z]{1,2}", fullmatch=True))
def test_looks_like_duration(text: str) -> None:
    """Only a text that looks like a duration can be parsed as one, and it always can unless it is 0 or too long."""
    if not looks_like_duration(text.strip()):
        with pytest.raises(InvalidValue, match="is not a duration"):
            parse_duration(text)
    elif re.fullmatch(r"[1-9][0-9]{0,2}(mo|[wdhms])", text.strip()):
        assert parse_duration(text) > 0


def test_first_word_of_a_reason_is_not_a_duration() -> None:
    """``/ban NAME 7d spam`` and ``/ban NAME spam`` can be told apart."""
    assert looks_like_duration("7d")
    assert not any(looks_like_duration(word) for word in ("spam", "7days", "7", "d7", "", "7d,"))


@pytest.mark.parametrize(
    "text",
    ["7d", "1d12h", "1M", "7days", "90", "1.5h", "1h30", "2HRS", "1hour30min", "0,5d", "-1h", "+7d", "1hh", "-1", "٣d"],
)
def test_what_people_take_for_a_duration(text: str) -> None:
    """``UBAN ADD NAME 7days`` is refused: as a reason it would make the ban permanent."""
    assert is_meant_as_duration(text)


@pytest.mark.parametrize("text", ["", "spam", "d7", "3rd", "2nd", "4ever", "1st", "h", "404: not found", "1/2"])
def test_what_nobody_takes_for_a_duration(text: str) -> None:
    """It is the first word of a reason."""
    assert not is_meant_as_duration(text)
