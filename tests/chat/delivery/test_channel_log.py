from __future__ import annotations

import pytest
from harness.delivery_parts import make_outbox, make_session

from chatroom.chat.delivery.channel_log import ChannelLog, find_shared, merge_alike
from chatroom.chat.delivery.outbox import Outbox
from chatroom.chat.events import Event
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.session import Session
from chatroom.irc import caps


@pytest.fixture
def channel() -> Channel:
    """A channel without members."""
    return Channel("#a", 0)


@pytest.fixture
def log(channel: Channel) -> ChannelLog:
    """The log of a tick that has said nothing yet."""
    return ChannelLog(channel.sessions)


@pytest.fixture
def outbox() -> Outbox:
    """An outbox that numbers events."""
    return make_outbox()


def say(log: ChannelLog, outbox: Outbox, text: str, skip: Session | None = None) -> Event:
    """Append a message as the outbox does."""
    event = outbox.event("x!y@z", f"PRIVMSG #a :{text}")
    log.lines.append((event.seq, event, skip))
    if skip is not None:
        log.skipped[skip] = event.seq
    return event


def test_a_session_reads_the_lines_after_its_settled_number(log: ChannelLog, outbox: Outbox, channel: Channel) -> None:
    """Lines that it was given before are not given again."""
    session = make_session("bob", channel)
    first, second = say(log, outbox, "one"), say(log, outbox, "two")
    assert [seq for seq, _ in log.unread(session)] == [first.seq, second.seq]
    session.settled_seq = first.seq
    assert log.unread(session) == [(second.seq, b":x!y@z PRIVMSG #a :two\r\n")]
    session.settled_seq = second.seq
    assert log.unread(session) == []


def test_a_session_does_not_read_the_lines_that_skip_it(log: ChannelLog, outbox: Outbox, channel: Channel) -> None:
    """A speaker reads the lines of others between its own."""
    session = make_session("bob", channel)
    for text, skip in (("mine", session), ("theirs", None), ("mine too", session), ("last", None)):
        say(log, outbox, text, skip)
    assert [line.rpartition(b":")[2] for _, line in log.unread(session)] == [b"theirs\r\n", b"last\r\n"]


def test_lines_are_rendered_for_the_variant_of_the_session(log: ChannelLog, outbox: Outbox, channel: Channel) -> None:
    """Sessions of one variant get the same bytes objects, also for lines that came between two questions."""
    plain, tagged = make_session("bob", channel), make_session("carl", channel, variant=caps.MESSAGE_TAGS)
    say(log, outbox, "one")
    (_, before), (_, with_tags) = log.unread(plain)[0], log.unread(tagged)[0]
    assert not before.startswith(b"@") and with_tags.startswith(b"@msgid=")
    say(log, outbox, "two")
    again = log.unread(make_session("dora", channel))
    assert len(again) == 2 and again[0][1] is before


@pytest.mark.parametrize(
    "said, runs",
    [
        ("s", [("s", "0")]),
        ("-", [("-", "0")]),
        ("sss", [("s", "012")]),
        ("s-s", [("s", "0"), ("-", "1"), ("s", "2")]),
        ("sst--s", [("s", "01"), ("t", "2"), ("-", "34"), ("s", "5")]),
    ],
)
def test_runs_are_cut_where_the_skipped_session_changes(
    log: ChannelLog, outbox: Outbox, channel: Channel, said: str, runs: list[tuple[str, str]]
) -> None:
    """Joined they are the whole log. ``said`` has a letter for each line: the session that it skips, or none."""
    sessions: dict[str, Session | None] = {"s": make_session("s", channel), "t": make_session("t", channel), "-": None}
    for number, letter in enumerate(said):
        say(log, outbox, str(number), sessions[letter])
    expected = [
        (sessions[letter], "".join(f":x!y@z PRIVMSG #a :{number}\r\n" for number in numbers).encode())
        for letter, numbers in runs
    ]
    assert log.runs(0) == expected


def test_a_withdrawn_line_is_read_by_no_session(log: ChannelLog, outbox: Outbox, channel: Channel) -> None:
    """Neither by one that has not asked yet, nor by one that the line was rendered for."""
    session = make_session("bob", channel)
    lost, said = say(log, outbox, "lost"), say(log, outbox, "said")
    assert len(log.unread(session)) == 2
    log.withdraw({lost.seq})
    assert [seq for seq, _ in log.unread(session)] == [said.seq]
    assert log.runs(0) == [(None, said.render(0))]


def test_sessions_of_several_logs_are_found_with_their_logs(channel: Channel) -> None:
    """A session of one log, or of none, is not among them."""
    other, third = Channel("#b", 0), Channel("#c", 0)
    logs = [ChannelLog(channel.sessions), ChannelLog(other.sessions), ChannelLog(third.sessions)]
    make_session("alice", channel)
    make_session("bob")
    both, every = make_session("carl", other, channel), make_session("dora", third, channel, other)
    assert find_shared(logs) == {both: logs[:2], every: logs}
    assert find_shared(logs[:1]) == {}


def test_channels_without_common_members_share_no_session(channel: Channel) -> None:
    """What the count alone tells."""
    other = Channel("#b", 0)
    make_session("alice", channel)
    make_session("bob", other)
    assert find_shared([ChannelLog(channel.sessions), ChannelLog(other.sessions)]) == {}


def test_logs_that_say_the_same_become_one(channel: Channel, outbox: Outbox) -> None:
    """With the sessions of all its channels, each once. A log with a further line, or another speaker, stays alone."""
    other, third, fourth = Channel("#b", 0), Channel("#c", 0), Channel("#d", 0)
    alice, bob = make_session("alice", channel, other), make_session("bob", channel, third)
    logs = [ChannelLog(each.sessions) for each in (channel, other, third, fourth)]
    event, further = outbox.event("u!u@h", "NICK v"), outbox.event("u!u@h", "PRIVMSG #c :x")
    for log in logs:
        log.lines.append((event.seq, event, None))
    logs[2].lines.append((further.seq, further, None))
    logs[3].lines[0] = (event.seq, event, bob)
    merged, *rest = merge_alike(logs)
    assert rest == logs[2:]
    assert merged.sessions == {alice, bob}
    assert merged.lines == logs[0].lines
    assert channel.sessions == {alice, bob} and other.sessions == {alice}
    assert list(merge_alike(logs[1:])) == logs[1:]
    long = [ChannelLog(each.sessions) for each in (channel, other)]
    for log in long:
        log.lines += [(event.seq, event, None)] * 9
    assert list(merge_alike(long)) == long
