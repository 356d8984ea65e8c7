"""How the replies to a labelled command are sent: the label is on exactly one logical message."""

from __future__ import annotations

import pytest
from harness.delivery_parts import make_outbox, make_session

from chatroom.chat.delivery.outbox import Outbox
from chatroom.chat.delivery.replies import send_labelled
from chatroom.chat.events import Event
from chatroom.chat.people.labelled_reply import Batch, LabelledReply, Reply
from chatroom.chat.stored.entries import Part
from chatroom.irc import caps
from chatroom.irc.message import Message, parse

SERVER = "srv"


@pytest.fixture
def outbox() -> Outbox:
    """The outbox of a tick."""
    return make_outbox()


def send(outbox: Outbox, *replies: Reply, label: str = "x", variant: int = caps.BATCH) -> list[Message]:
    """Send the replies to a labelled command; the lines that the session reads."""
    session = make_session("bob", variant=variant)
    labelled = LabelledReply(label)
    labelled.replies.extend(replies)
    send_labelled(outbox, session, labelled, SERVER)
    ((reader, data),) = outbox.drain()
    assert reader is session
    return [parse(line) for line in data.decode().split("\r\n")[:-1]]


def test_a_command_without_replies_is_acknowledged(outbox: Outbox) -> None:
    """By an ACK with the label, whose special characters are escaped."""
    (line,) = send(outbox, label="a b;c")
    assert (line.source, line.verb, line.params, line.tags) == (SERVER, "ACK", [], {"label": "a b;c"})


def test_a_single_reply_carries_the_label(outbox: Outbox) -> None:
    """A line or an event; there is no batch around it."""
    (line,) = send(outbox, ":srv PONG srv :y")
    assert (line.verb, line.tags) == ("PONG", {"label": "x"})
    (line,) = send(outbox, outbox.event("u!u@h", "TOPIC #a :tea"), variant=caps.BATCH | caps.MESSAGE_TAGS)
    assert line.verb == "TOPIC" and set(line.tags or {}) == {"label", "msgid"}


def test_several_replies_become_a_batch_with_the_label(outbox: Outbox) -> None:
    """The label is on the line that opens the batch, and the batch's reference on all lines in it."""
    first, one, two, last = send(outbox, ":srv 311 bob a", outbox.event("u!u@h", "PRIVMSG #a :hi"))
    reference = first.params[0].removeprefix("+")
    assert (first.verb, first.params[1:], first.tags) == ("BATCH", ["labeled-response"], {"label": "x"})
    assert [(line.verb, line.tags) for line in (one, two)] == [
        ("311", {"batch": reference}),
        ("PRIVMSG", {"batch": reference}),
    ]
    assert (last.verb, last.params, last.tags) == ("BATCH", [f"-{reference}"], None)


def test_a_batch_that_is_the_only_reply_carries_the_label_itself(outbox: Outbox) -> None:
    """There is no second batch around it."""
    batch = Batch(outbox.reference(), "chathistory #a")
    batch.replies += [":u!u@h PRIVMSG #a :one", ":u!u@h PRIVMSG #a :two"]
    first, *inner, last = send(outbox, batch)
    assert (first.params, first.tags) == ([f"+{batch.reference}", "chathistory", "#a"], {"label": "x"})
    assert [line.tags for line in inner] == [{"batch": batch.reference}] * 2
    assert (last.params, last.tags) == ([f"-{batch.reference}"], None)


def test_a_batch_among_several_replies_is_nested(outbox: Outbox) -> None:
    """The lines that open and close it carry the reference of the outer batch, its own lines only the inner one."""
    batch = Batch(outbox.reference(), "chathistory #a")
    batch.replies.append(":u!u@h PRIVMSG #a :one")
    first, reply, opening, inner, closing, last = send(outbox, ":srv 311 bob a", batch)
    outer = first.params[0].removeprefix("+")
    assert outer != batch.reference
    assert [line.tags for line in (reply, opening, inner, closing)] == [
        {"batch": outer},
        {"batch": outer},
        {"batch": batch.reference},
        {"batch": outer},
    ]
    assert closing.params == [f"-{batch.reference}"] and last.params == [f"-{outer}"]


def test_an_event_that_the_session_cannot_read_is_no_reply(outbox: Outbox) -> None:
    """Alone it leaves an ACK; beside a line it makes no batch."""
    away = Event("u!u@h", "AWAY :gone", needs=caps.AWAY_NOTIFY)
    outbox.number(away)
    assert [line.verb for line in send(outbox, away)] == ["ACK"]
    assert [line.verb for line in send(outbox, away, ":srv 305 bob :back")] == ["305"]
    assert len(send(outbox, away, ":srv 305 bob :back", variant=caps.BATCH | caps.AWAY_NOTIFY)) == 4


def test_the_label_is_on_the_first_line_of_a_multiline_message(outbox: Outbox) -> None:
    """Of its batch for a session that knows multiline, else of a batch of several replies."""
    for variant, kind in ((caps.BATCH | caps.MULTILINE, "draft/multiline"), (caps.BATCH, "labeled-response")):
        event = outbox.event("u!u@h", "")
        event.set_parts("PRIVMSG bob", [Part("one", False), Part("two", False)])
        lines = send(outbox, event, variant=variant)
        assert lines[0].params[1] == kind
        assert ["label" in (line.tags or {}) for line in lines] == [True, False, False, False]


def test_references_of_batches_are_all_different(outbox: Outbox) -> None:
    """Also between two labelled commands, and between ticks."""
    references = {send(outbox, ":srv 1", ":srv 2")[0].params[0] for _ in range(3)} | {"+" + outbox.reference()}
    assert len(references) == 4
