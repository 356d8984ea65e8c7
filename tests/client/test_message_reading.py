"""Messages as events: ids, replies, reactions, typing, deletions, and pages of old ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatroom.client.chat_events import (
    Event,
    Joined,
    Kicked,
    Left,
    MarkerMoved,
    ModeChanged,
    Reacted,
    Redacted,
    Renamed,
    Said,
    TopicChanged,
    Typing,
)
from chatroom.client.chat_state import State
from chatroom.client.message_reading import read_old
from chatroom.irc.message import parse


def here() -> State:
    """alice in no channel."""
    state = State()
    state.reset("alice", set())
    return state


@pytest.mark.parametrize(
    "line, events",
    [
        ("@msgid=m1 :bob!b@h PRIVMSG #tea :hi", [Said("#tea", "bob", "hi", id="m1")]),
        ("@msgid=m2;+draft/reply=m1 :bob!b@h PRIVMSG #tea :yes", [Said("#tea", "bob", "yes", id="m2", reply_to="m1")]),
        ("@msgid=m2;+reply=m1 :bob!b@h PRIVMSG alice :yes", [Said("bob", "bob", "yes", id="m2", reply_to="m1")]),
        (
            "@msgid=m2;+draft/reply=m1;+draft/react=lol :bob!b@h PRIVMSG #tea :lol",
            [Said("#tea", "bob", "lol", id="m2", reply_to="m1"), Reacted("#tea", "m1", "bob", "lol")],
        ),
        ("@+draft/reply=m1;+draft/react=+1 :bob!b@h TAGMSG #tea", [Reacted("#tea", "m1", "bob", "+1")]),
        ("@+reply=m1;+react=+1 :alice!a@h TAGMSG bob", [Reacted("bob", "m1", "alice", "+1", mine=True)]),
        ("@+draft/reply=m1;+draft/unreact=+1 :bob!b@h TAGMSG #tea", [Reacted("#tea", "m1", "bob", "+1", added=False)]),
        ("@+draft/react=+1 :bob!b@h TAGMSG #tea", []),
        ("@+draft/reply=m1;+draft/react=\\s :bob!b@h TAGMSG #tea", []),
        (
            f"@+draft/reply=m1;+draft/react={'x' * 90} :bob!b@h TAGMSG #tea",
            [Reacted("#tea", "m1", "bob", "x" * 40)],
        ),
        ("@+typing=active :bob!b@h TAGMSG #tea", [Typing("#tea", "bob", "active")]),
        ("@+typing=done :bob!b@h TAGMSG alice", [Typing("bob", "bob", "done")]),
        ("@+typing=active :alice!a@h TAGMSG #tea", []),
        ("@+typing=singing :bob!b@h TAGMSG #tea", []),
        (":bob!b@h TAGMSG", []),
        (":bob!b@h REDACT #tea m1 :spam", [Redacted("#tea", "m1", "bob", "spam")]),
        (":alice!a@h REDACT bob m1", [Redacted("bob", "m1", "alice", mine=True)]),
        (":bob!b@h REDACT #tea", []),
        (
            ":srv MARKREAD #tea timestamp=2030-01-01T12:00:00.000Z",
            [MarkerMoved("#tea", datetime(2030, 1, 1, 12, tzinfo=UTC))],
        ),
        (":srv MARKREAD #tea *", []),
        (":srv MARKREAD", []),
    ],
)
def test_a_line_as_events(line: str, events: list[Event]) -> None:
    """Each of these lines is these events."""
    assert here().feed(parse(line)) == events


@pytest.mark.parametrize(
    "line, events",
    [
        ("@msgid=m1 :bob!b@h NOTICE #tea :hi", [Said("#tea", "bob", "hi", "notice", id="m1")]),
        ("@+typing=active :bob!b@h TAGMSG #tea", []),
        ("@+draft/reply=m1;+draft/react=+1 :bob!b@h TAGMSG #tea", [Reacted("#tea", "m1", "bob", "+1")]),
        (":bob!b@h REDACT #tea m1", [Redacted("#tea", "m1", "bob")]),
        (":bob!b@h JOIN #tea bob :Bob", [Joined("bob", "#tea")]),
        (":bob!b@h PART #tea :bye", [Left("bob", ("#tea",), "bye")]),
        (":alice!a@h QUIT :bye", [Left("alice", ("#tea",), "bye", mine=True)]),
        (":bob!b@h KICK #tea carol :out", [Kicked("carol", "#tea", "bob", "out")]),
        (":bob!b@h NICK rob", [Renamed("bob", "rob", channels=("#tea",))]),
        (":bob!b@h TOPIC #tea :green", [TopicChanged("#tea", "green", "bob")]),
        (":bob!b@h MODE #tea +o carol", [ModeChanged("#tea", "bob", "+o", ("carol",))]),
        (":bob!b@h WALLOPS :x", []),
    ],
)
def test_old_events_change_nothing(line: str, events: list[Event]) -> None:
    """A page of old events says what happened, and nobody joins or leaves by it."""
    state = here()
    state.feed(parse(":alice!a@h JOIN #tea"))
    before = dict(state.channels["#tea"].members)
    assert read_old(parse(line), state, "#tea") == events
    assert state.channels["#tea"].members == before
