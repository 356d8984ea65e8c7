"""What a channel says to a session in replay: it waits, is read once, and in order."""

from __future__ import annotations

import pytest
from harness.delivery_parts import make_outbox, make_session, texts

from chatroom.chat.delivery.outbox import Outbox
from chatroom.chat.events import Event
from chatroom.chat.people.channel import Channel
from chatroom.chat.people.session import Session
from chatroom.irc import caps


@pytest.fixture
def outbox() -> Outbox:
    """The outbox of a tick."""
    return make_outbox()


@pytest.fixture
def channel() -> Channel:
    """A channel without members."""
    return Channel("#a", 0)


def say(outbox: Outbox, channel: Channel, text: str, skip: Session | None = None) -> Event:
    """Say a message to the channel."""
    event = outbox.event("x!y@z", f"PRIVMSG {channel.name} :{text}")
    outbox.to_channel(channel, event, skip)
    return event


def read(outbox: Outbox) -> dict[Session, list[str]]:
    """End the tick; the texts that each session reads."""
    return {session: texts(data) for session, data in outbox.drain()}


def test_events_wait_until_the_replay_ends(outbox: Outbox, channel: Channel) -> None:
    """What was said before the replay is read at once, what is said meanwhile behind it, over several ticks."""
    bob, carl = make_session("bob", channel), make_session("carl", channel)
    say(outbox, channel, "before")
    outbox.begin_replay(channel, bob)
    say(outbox, channel, "one")
    assert read(outbox) == {bob: ["before"], carl: ["before", "one"]}
    say(outbox, channel, "two")
    assert read(outbox) == {carl: ["two"]}
    outbox.to_session(bob, b":s PRIVMSG #a :missed\r\n")
    outbox.end_replay(channel, bob)
    say(outbox, channel, "live")
    assert read(outbox) == {bob: ["missed", "one", "two", "live"], carl: ["live"]}
    assert outbox.replays.by_channel == {}


def test_a_session_does_not_queue_its_own_messages(outbox: Outbox, channel: Channel) -> None:
    """``skip`` holds in a replay too."""
    bob = make_session("bob", channel)
    queue = outbox.begin_replay(channel, bob)
    say(outbox, channel, "mine", bob)
    theirs = say(outbox, channel, "theirs")
    assert queue == [theirs]


def test_an_event_that_was_told_directly_does_not_wait_too(outbox: Outbox, channel: Channel) -> None:
    """As a user's own NICK, which its sessions read before the channels do."""
    bob = make_session("bob", channel)
    queue = outbox.begin_replay(channel, bob)
    event = outbox.event("bob!b@h", "NICK robert")
    outbox.to_session(bob, event.render(0), event.seq)
    outbox.to_channel(channel, event)
    assert queue == []


def test_an_event_of_several_channels_is_queued_once(outbox: Outbox, channel: Channel) -> None:
    """In the first of the channels in replay; and in none if the session reads one of the others live."""
    other = Channel("#b", 0)
    bob, carl = make_session("bob", channel, other), make_session("carl", channel, other)
    queues = [outbox.begin_replay(place, bob) for place in (channel, other)]
    waiting = outbox.begin_replay(other, carl)
    event = outbox.event("x!y@z", "QUIT :bye")
    for place in (channel, other):
        outbox.to_channel(place, event, None, [channel, other])
    assert queues == [[event], []]
    assert waiting == []
    assert read(outbox) == {carl: ["bye"]}


def test_a_withdrawn_event_does_not_wait_any_more(outbox: Outbox, channel: Channel) -> None:
    """Also if the replay ended in the same tick, which gave the session a copy under another number."""
    bob, carl = make_session("bob", channel), make_session("carl", channel)
    outbox.begin_replay(channel, bob)
    queue = outbox.begin_replay(channel, carl)
    said, lost = say(outbox, channel, "said"), say(outbox, channel, "lost")
    outbox.end_replay(channel, bob)
    outbox.withdraw({lost.seq})
    assert queue == [said]
    assert read(outbox) == {bob: ["said"]}


def test_a_queued_event_is_rendered_for_the_variant_of_its_reader(outbox: Outbox, channel: Channel) -> None:
    """As the session is when the replay ends; an event that it cannot read is left out."""
    bob = make_session("bob", channel)
    outbox.begin_replay(channel, bob)
    say(outbox, channel, "hi")
    away = Event("x!y@z", "AWAY :gone", needs=caps.AWAY_NOTIFY)
    outbox.number(away)
    outbox.to_channel(channel, away)
    bob.variant = caps.MESSAGE_TAGS
    outbox.end_replay(channel, bob)
    (data,) = dict(outbox.drain()).values()
    assert data.startswith(b"@msgid=") and texts(data) == ["hi"]


def test_a_dropped_replay_leaves_nothing_behind(outbox: Outbox, channel: Channel) -> None:
    """A session that left the channel reads nothing of it. To drop a replay that is not open does nothing."""
    bob = make_session("bob", channel)
    outbox.begin_replay(channel, bob)
    say(outbox, channel, "lost")
    outbox.drop_replay(channel, bob)
    outbox.drop_replay(channel, bob)
    assert outbox.replays.by_channel == {} and read(outbox) == {}
    assert bob not in channel.sessions


def test_a_replay_that_was_begun_again_has_a_queue_of_its_own(outbox: Outbox, channel: Channel) -> None:
    """A session that left and joined again is not given what waited for it the first time."""
    bob = make_session("bob", channel)
    first = outbox.begin_replay(channel, bob)
    say(outbox, channel, "old")
    outbox.drop_replay(channel, bob)
    second = outbox.begin_replay(channel, bob)
    assert outbox.replays.find(channel, bob) is second is not first
    assert second == []


def test_a_closing_session_does_not_read_the_channel_again(outbox: Outbox, channel: Channel) -> None:
    """Its replay ends without putting it back among the readers."""
    bob = make_session("bob", channel)
    outbox.begin_replay(channel, bob)
    bob.closing = True
    outbox.end_replay(channel, bob)
    assert channel.sessions == set()
