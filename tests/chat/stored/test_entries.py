from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.stored.entries import (
    Kind,
    Part,
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
def test_message_ids_go_up_even_if_the_clock_is_set_back(times: list[int]) -> None:
    """Each message id is greater than the one before and at least that of its time, even if the clock is set back."""
    last = 0
    for time_ms in times:
        message_id = next_message_id(last, time_ms)
        assert message_id > last or (message_id, last) == (0, 0)
        assert message_id >= first_message_id(time_ms)
        assert time_ms_of(message_id) >= time_ms
        last = message_id


def test_a_message_id_tells_the_time() -> None:
    """If the clock is not set back, a message id tells its time, and a thousand ids fit into one millisecond."""
    message_id = first_message_id(1_900_000_000_000)
    for _ in range(1000):
        message_id = next_message_id(message_id, 1_900_000_000_000)
        assert time_ms_of(message_id) == 1_900_000_000_000


@given(st.integers(1, 2**63 - 1))
def test_msgids_and_message_ids(message_id: int) -> None:
    """A msgid turns back into its message id."""
    assert message_id_of(msgid_of(message_id)) == message_id


@pytest.mark.parametrize(
    "msgid", ["", "0", "01", "-1", "+1", "xyz", "A1", "1_0", " 1", "1\n", "٣", "8" + "0" * 15, "1" * 17]
)
def test_what_is_no_msgid(msgid: str) -> None:
    """A text that the server never sends as a msgid has no message id."""
    assert message_id_of(msgid) is None


@given(st.lists(st.builds(Part, LINES, st.booleans()), min_size=1, max_size=8))
def test_lines_of_a_message_come_back(parts: list[Part]) -> None:
    """The lines of a multiline message survive being stored as one text. The first line never continues another."""
    kept = join_parts(parts)
    assert split_parts(kept) == [parts[0]._replace(concat=False), *parts[1:]]


@given(LINES)
def test_one_line_is_not_several(line: str) -> None:
    """The text of a plain message is not taken for a multiline message."""
    assert split_parts(line) is None


def test_conversation_of_two() -> None:
    """Two accounts have one conversation, named in either order. An account's notes to itself are one too."""
    assert direct(3, 2) == direct(2, 3) == (2, 3)
    assert direct(2, 2) == (2, 2)


def test_events_are_all_but_what_is_said() -> None:
    """Only messages and notices are no events: clients without event-playback read them."""
    assert [kind for kind in Kind if not kind.is_event] == [Kind.PRIVMSG, Kind.NOTICE]
