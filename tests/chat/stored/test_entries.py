from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.events import Part
from chatroom.chat.stored.entries import (
    Kind,
    direct,
    first_message_id,
    join_parts,
    message_id_of,
    msgid_of,
    next_message_id,
    split_parts,
    time_ms_of,
)

LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=20)


@given(st.lists(st.integers(0, 2**42), min_size=1, max_size=50))
def test_numbers_go_up_whatever_the_clock_does(times: list[int]) -> None:
    """Each number is more than the one before and at least what its time asks for, also where a clock is set back."""
    last = 0
    for time_ms in times:
        number = next_message_id(last, time_ms)
        assert number > last or (number, last) == (0, 0)
        assert number >= first_message_id(time_ms)
        assert time_ms_of(number) >= time_ms
        last = number


def test_number_tells_the_time() -> None:
    """While no clock is set back, the moment can be read from the number, and a thousand fit into each."""
    number = first_message_id(1_900_000_000_000)
    for _ in range(1000):
        number = next_message_id(number, 1_900_000_000_000)
        assert time_ms_of(number) == 1_900_000_000_000


@given(st.integers(1, 2**63 - 1))
def test_ids_and_numbers(number: int) -> None:
    """An id is a number written in another way."""
    assert message_id_of(msgid_of(number)) == number


@pytest.mark.parametrize(
    "msgid", ["", "0", "01", "-1", "+1", "xyz", "A1", "1_0", " 1", "1\n", "٣", "8" + "0" * 15, "1" * 17]
)
def test_what_is_no_id(msgid: str) -> None:
    """What nobody ever got as an id stands for no number."""
    assert message_id_of(msgid) is None


@given(st.lists(st.builds(Part, LINES, st.booleans()), min_size=1, max_size=8))
def test_lines_of_a_message_come_back(parts: list[Part]) -> None:
    """A message of several lines is kept as one text and comes back line by line; its first line begins one."""
    kept = join_parts(parts)
    assert split_parts(kept) == [parts[0]._replace(concat=False), *parts[1:]]


@given(LINES)
def test_one_line_is_not_several(line: str) -> None:
    """A text as it comes in one line is no message of several."""
    assert split_parts(line) is None


def test_conversation_of_two() -> None:
    """Two accounts have one conversation, whoever speaks; somebody's notes to themselves are one, too."""
    assert direct(3, 2) == direct(2, 3) == (2, 3)
    assert direct(2, 2) == (2, 2)


def test_events_are_all_but_what_is_said() -> None:
    """Clients without event-playback are told of messages and notices alone."""
    assert [kind for kind in Kind if not kind.is_event] == [Kind.PRIVMSG, Kind.NOTICE]
