"""What the daemon tells of a channel over its control socket, read by ``chatroomctl channel``."""

from __future__ import annotations

from datetime import UTC, datetime

from chatroom.ctl.channel_reports import Mask, from_answers, from_summary
from chatroom.irc.message import Message

AT = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECONDS = str(int(AT.timestamp()))
SUMMARY = ["#Tea", "3", "stored", "+nst", "alice", SECONDS, "at four"]


def note(kind: str, *words: str) -> Message:
    """One line of the answer."""
    return Message("NOTE", ["CHANNEL", kind, *words])


def test_a_summary_is_a_line_of_the_table() -> None:
    """An asterisk stands for what the channel does not have."""
    report = from_summary(SUMMARY)
    assert (report.name, report.member_count, report.stored, report.modes) == ("#Tea", 3, True, "+nst")
    assert (report.founder, report.created_at, report.topic) == ("alice", AT, "at four")
    bare = from_summary(["#bare", "0", "open", "*", "*", SECONDS, ""])
    assert (bare.stored, bare.modes, bare.founder) == (False, "", None)


def test_all_details_come_behind_the_summary() -> None:
    """Each kind of line fills its part of the report."""
    report = from_answers(
        [
            note("summary", *SUMMARY),
            note("key", "k"),
            note("limit", "9"),
            note("forward", "#overflow"),
            note("join-throttle", "5:10"),
            note("nick-throttle", "3:60"),
            note("slow-mode", "30"),
            note("used", SECONDS, "-"),
            note("topic", SECONDS, "alice!a@h"),
            note("member", "@alice"),
            note("member", "bob"),
            note("mask", "b", "*!*@spam.example", "*", SECONDS, "*", "spam"),
            note("mask", "e", "*!*@ok.example", "alice!a@h", SECONDS, SECONDS, ""),
            note("access", "founder", "alice"),
            note("metadata", "url", "https://tea.example"),
        ]
    )
    assert report is not None
    assert (report.key, report.limit, report.forward, report.slow_mode_s) == ("k", 9, "#overflow", 30)
    assert (report.join_throttle, report.nick_throttle, report.used_at) == ("5:10", "3:60", AT)
    assert (report.topic_at, report.topic_by, report.members) == (AT, "alice!a@h", ["@alice", "bob"])
    assert report.masks == [
        Mask("b", "*!*@spam.example", "", AT, None, "spam"),
        Mask("e", "*!*@ok.example", "alice!a@h", AT, AT, ""),
    ]
    assert (report.access, report.metadata) == ({"alice": "founder"}, {"url": "https://tea.example"})


def test_what_a_later_version_tells_is_left_out() -> None:
    """So are other notes, a detail with other words than expected, and details without a summary."""
    lines = [
        Message("NOTE", ["OTHER", "key", "k"]),
        Message("372", ["CHANNEL", "key", "k"]),
        note("key", "early"),
        note("summary", "#Tea"),
        note("summary", *SUMMARY),
        note("shape", "round"),
        note("topic", "alone"),
    ]
    report = from_answers(lines)
    assert report is not None
    assert (report.key, report.topic_by) == (None, "")
    assert from_answers([note("key", "k")]) is None
