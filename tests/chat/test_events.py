from __future__ import annotations

import pytest

from chatroom.chat.events import Event
from chatroom.irc import caps
from chatroom.irc.message import parse

TIME_MS = 1_903_867_200_007


@pytest.fixture
def event() -> Event:
    """A message of an account, with a client-only tag."""
    event = Event("una!u@h", "PRIVMSG #a :hi", account="una", client_tags="+x=1")
    event.seq, event.time_ms = 0x1F, TIME_MS
    return event


@pytest.mark.parametrize(
    "variant, tags",
    [
        (0, None),
        (caps.SERVER_TIME, {"time": "2030-05-01T12:00:00.007Z"}),
        (caps.ACCOUNT_TAG, {"account": "una"}),
        (caps.MESSAGE_TAGS, {"msgid": "1f", "+x": "1"}),
        (
            caps.SERVER_TIME | caps.ACCOUNT_TAG | caps.MESSAGE_TAGS,
            {"time": "2030-05-01T12:00:00.007Z", "account": "una", "msgid": "1f", "+x": "1"},
        ),
        (caps.ECHO_MESSAGE | caps.BATCH, None),
    ],
)
def test_a_reader_is_sent_the_tags_of_their_variant(event: Event, variant: int, tags: dict[str, str] | None) -> None:
    """Each capability adds its own tags, and no other adds any."""
    message = parse(event.render(variant).decode().rstrip("\r\n"))
    assert message.tags == tags
    assert (message.source, message.verb, message.params) == ("una!u@h", "PRIVMSG", ["#a", "hi"])


def test_a_guests_message_has_no_account_tag(event: Event) -> None:
    """A guest's message has no account tag."""
    event.account = None
    assert event.render(caps.ACCOUNT_TAG) == b":una!u@h PRIVMSG #a :hi\r\n"


def test_an_account_name_is_escaped_in_a_tag(event: Event) -> None:
    """A backslash in a name does not end the tag."""
    event.account = "a\\b"
    assert parse(event.render(caps.ACCOUNT_TAG).decode()).tags == {"account": "a\\b"}


def test_a_client_without_the_capability_reads_nothing_or_the_plain_form() -> None:
    """With ``needs`` such a client reads nothing. ``alternative`` is for clients with the capability."""
    event = Event("una!u@h", "JOIN #a")
    event.alternative = caps.EXTENDED_JOIN, "JOIN #a una :Una U"
    assert event.render(0) == b":una!u@h JOIN #a\r\n"
    assert event.render(caps.EXTENDED_JOIN) == b":una!u@h JOIN #a una :Una U\r\n"
    away = Event("una!u@h", "AWAY :x", needs=caps.AWAY_NOTIFY)
    assert away.render(caps.EXTENDED_JOIN) == b""
    assert away.render(caps.AWAY_NOTIFY) == b":una!u@h AWAY :x\r\n"


def test_a_variant_is_rendered_once(event: Event) -> None:
    """The second reader gets the same bytes object. A line with a label has its own bytes."""
    assert event.render(0) is event.render(0)
    assert event.render_with(0, "label=x") == b"@label=x :una!u@h PRIVMSG #a :hi\r\n"
    assert event.render(0) == b":una!u@h PRIVMSG #a :hi\r\n"
