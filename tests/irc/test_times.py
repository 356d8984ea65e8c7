from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.irc.times import format_time, parse_time

_YEAR_9999_MS = 253_402_300_799_999


@given(st.integers(0, _YEAR_9999_MS))
def test_a_moment_comes_back_as_it_was_written(time_ms: int) -> None:
    """Every time that can be formatted parses to the same millisecond."""
    assert parse_time(format_time(time_ms)) == time_ms


def test_the_shape_is_that_of_server_time() -> None:
    """A formatted time has date, time and milliseconds in UTC."""
    assert format_time(1_546_612_406_123) == "2019-01-04T14:33:26.123Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "1546612406123",
        "2019-01-04T14:33:26Z",
        "2019-01-04T14:33:26.123",
        "2019-01-04 14:33:26.123Z",
        "2019-13-04T14:33:26.123Z",
        "2019-02-30T14:33:26.123Z",
        "2019-01-04T24:33:26.123Z",
        "0000-01-04T14:33:26.123Z",
        "２019-01-04T14:33:26.123Z",
        "2019-01-04T14:33:26.123Z\n",
    ],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    """A text of another form, or with a day or an hour that does not exist, is no time."""
    assert parse_time(text) is None


def test_before_1970_is_1970() -> None:
    """A time before 1970 parses to 0."""
    assert parse_time("1969-12-31T23:59:59.999Z") == parse_time("0001-01-01T00:00:00.000Z") == 0
