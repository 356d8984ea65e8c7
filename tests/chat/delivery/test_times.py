"""The times and message ids that the outbox gives to events."""

from __future__ import annotations

from harness.delivery_parts import TIME_MS

from chatroom.chat.delivery.conversation_times import ConversationTimes
from chatroom.chat.delivery.outbox import Outbox
from chatroom.chat.events import Event
from chatroom.chat.stored.entries import MOST_AHEAD_MS, first_message_id


def times(outbox: Outbox, conversation: object, count: int) -> list[int]:
    """The times of so many new events in a conversation, behind the start of the test, in milliseconds."""
    events = [outbox.event("s", "x", conversation=conversation) for _ in range(count)]
    assert all(event.seq >= first_message_id(event.time_ms) for event in events)
    assert [event.seq for event in events] == sorted({event.seq for event in events})
    return [event.time_ms - TIME_MS for event in events]


def test_each_event_of_a_conversation_is_later_than_the_one_before() -> None:
    """By a millisecond. Other conversations, and events of none, have the time of the tick."""
    outbox = Outbox(TIME_MS, 0)
    assert times(outbox, "#a", 3) == [0, 1, 2]
    assert times(outbox, (1, 2), 2) == [0, 1]
    assert times(outbox, None, 2) == [0, 0]
    outbox.begin_tick(TIME_MS + 1)
    assert times(outbox, "#a", 1) == [3]
    assert times(outbox, "#b", 1) == [1]
    outbox.begin_tick(TIME_MS + 10)
    assert times(outbox, "#a", 2) == [10, 11]


def test_times_are_a_second_ahead_of_the_clock_at_most() -> None:
    """What is said beyond that shares a millisecond, and the clock makes room again."""
    outbox = Outbox(TIME_MS, 0)
    assert times(outbox, "#a", MOST_AHEAD_MS + 3)[-3:] == [MOST_AHEAD_MS] * 3
    outbox.begin_tick(TIME_MS + 2)
    assert times(outbox, "#a", 3) == [MOST_AHEAD_MS + 1, MOST_AHEAD_MS + 2, MOST_AHEAD_MS + 2]


def test_a_clock_that_is_set_back_is_followed() -> None:
    """Times are right at once; message ids go up all the same."""
    outbox = Outbox(TIME_MS, 0)
    times(outbox, "#a", 5)
    before = outbox.seq
    outbox.begin_tick(TIME_MS - 3_600_000)
    assert times(outbox, "#a", 2) == [-3_600_000, -3_600_000 + 1]
    assert outbox.seq == before + 2


def test_an_event_in_several_conversations_is_the_latest_in_each() -> None:
    """It is said once, so it has one time."""
    outbox = Outbox(TIME_MS, 0)
    times(outbox, "#a", 4)
    event = Event("s", "QUIT")
    outbox.number(event, ["#a", "#b"])
    assert event.time_ms == TIME_MS + 4
    assert times(outbox, "#a", 1) == times(outbox, "#b", 1) == [5]


def test_what_is_shown_again_keeps_its_time_and_its_message_id() -> None:
    """The outbox gives it a new place among the lines of the tick only."""
    outbox = Outbox(TIME_MS, 0)
    event = Event("s", "x")
    event.message_id, event.time_ms = 77, 5
    outbox.number(event)
    assert (event.msgid, event.time_ms) == ("4d", 5) and event.seq == outbox.seq


def test_message_ids_are_never_used_again() -> None:
    """Each run begins above the one before, and far above if the clock is behind: some ids were never stored."""
    outbox = Outbox(TIME_MS, 0)
    times(outbox, "#a", 3)
    assert Outbox(TIME_MS + 1000, outbox.seq).seq == first_message_id(TIME_MS + 1000)
    assert Outbox(TIME_MS - 1000, outbox.seq).seq >= outbox.seq + first_message_id(3_600_000)


def test_a_run_goes_on_from_the_times_of_the_one_before() -> None:
    """A conversation may have been ahead of the clock when the daemon was killed."""
    outbox = Outbox(TIME_MS, 0)
    times(outbox, "#a", 500)
    again = Outbox(TIME_MS + 100, outbox.seq)
    assert times(again, "#a", 1) == [500]
    again.begin_tick(TIME_MS + 600)
    assert times(again, "#b", 1) == [600]


def test_another_daemon_that_was_ahead_is_gone_on_from() -> None:
    """In each conversation, also one that has had an event here in this millisecond."""
    times = ConversationTimes(1000, 0)
    assert (times.take("#a"), times.take("#b"), times.take("#b")) == (1000, 1000, 1001)
    times.go_on(1001)
    assert (times.take("#a"), times.take("#b"), times.take("#c")) == (1002, 1002, 1002)
    times.go_on(1001)
    assert times.take("#a") == 1003
