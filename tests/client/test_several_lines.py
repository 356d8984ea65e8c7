"""Messages of several lines, sent as one and read as one."""

from __future__ import annotations

import pytest
from harness.client_stage import Stage
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.chat_events import Said, Unsaid
from chatroom.client.rendering import render
from chatroom.client.several_lines import Limits, MultilineReader, batches, read_limits
from chatroom.client.text import cut
from chatroom.irc.message import Message, parse

CAPS = "batch echo-message labeled-response"
OFFER = "draft/multiline=max-bytes=100,max-lines=4"


def here() -> Stage:
    """A session on a server with short multiline messages."""
    stage = Stage()
    stage.welcome("#lobby", caps=f"{CAPS} {OFFER}", acked=f"{CAPS} draft/multiline")
    return stage


def take(*lines: str) -> list[Message]:
    """What comes out for these lines."""
    reader = MultilineReader()
    found = [reader.take(parse(line)) for line in lines]
    return [message for message in found if message is not None]


def test_several_lines_are_one_message() -> None:
    """A text of several lines is one batch with one label; blank lines inside it stay."""
    stage = here()
    stage.session.enter("\none\n\nthree\n")
    assert stage.link.lines[-5:] == [
        "@label=1 BATCH +say draft/multiline #lobby",
        "@batch=say PRIVMSG #lobby :one",
        "@batch=say PRIVMSG #lobby :",
        "@batch=say PRIVMSG #lobby :three",
        "BATCH -say",
    ]
    echo = [
        "@label=1 :alice!a@h BATCH +7 draft/multiline #lobby",
        "@batch=7 :alice!a@h PRIVMSG #lobby :one",
        "@batch=7 :alice!a@h PRIVMSG #lobby :",
        "@batch=7 :alice!a@h PRIVMSG #lobby :three",
        ":srv BATCH -7",
    ]
    (said,) = stage.hear(*echo)
    assert said == Said("#lobby", "alice", "one\n\nthree", mine=True)
    assert [line.text for line in render(said)] == ["<alice> one", "<alice> ", "<alice> three"]
    assert stage.session.speech.under_way == []


def test_a_long_line_is_one_message_too() -> None:
    """A line that is too long for IRC is sent in pieces that continue each other; one that fits, as ever."""
    stage = Stage()
    stage.welcome("#lobby", caps=f"{CAPS} draft/multiline", acked=f"{CAPS} draft/multiline")
    stage.session.enter("short")
    assert stage.link.lines[-1] == "@label=1 PRIVMSG #lobby :short"
    stage.confirm()
    stage.session.enter("word " * 150 + "end")
    first, second, end = stage.link.lines[-3:]
    assert first.startswith("@batch=say PRIVMSG #lobby :word ")
    assert second.startswith("@batch=say;draft/multiline-concat PRIVMSG #lobby :word ")
    assert first.partition(" :")[2] + second.partition(" :")[2] == "word " * 150 + "end"
    assert end == "BATCH -say"


def test_the_limits_of_the_server_are_kept() -> None:
    """A text beyond the limits becomes several messages, and the later ones wait for the first."""
    stage = here()
    stage.session.enter("\n".join(f"line {number}" for number in range(10)))
    stage.confirm()
    opened = [line for line in stage.link.lines if " BATCH +" in line]
    assert opened == [f"@label={number} BATCH +say draft/multiline #lobby" for number in (1, 2, 3)]


def test_ctrl_c_drops_what_has_not_begun() -> None:
    """``stop`` drops the messages that wait, and says how many they are."""
    stage = here()
    stage.session.enter("\n".join(f"line {number}" for number in range(12)))
    (info,) = stage.session.stop()
    assert "was not sent" in str(info) or "were not sent" in str(info)
    assert stage.session.stop() == []
    lost = [event for event in stage.lose() if isinstance(event, Unsaid)]
    assert lost[0].perhaps
    assert [line.text for line in render(lost[0])] == ["Perhaps not sent to #lobby: line 0 … (4 lines)"]


def test_a_batch_becomes_one_message() -> None:
    """Lines are joined by line feeds, continued ones without; the tags are those of the opening line."""
    (message,) = take(
        "@time=x :srv BATCH +1 draft/multiline #lobby",
        "@batch=1 :bob!b@h PRIVMSG #lobby :one",
        "@batch=1;draft/multiline-concat :bob!b@h PRIVMSG #lobby : and a half",
        "@batch=1 :bob!b@h PRIVMSG #lobby :two",
        "BATCH -1",
    )
    assert message == Message("PRIVMSG", ["#lobby", "one and a half\ntwo"], "bob!b@h", {"time": "x"})


@pytest.mark.parametrize(
    "line",
    [
        "BATCH",
        "BATCH +",
        "BATCH +1",
        "BATCH -1",
        "BATCH +1 chathistory #a",
        "@batch=1 :b!b@h PRIVMSG #a :hi",
        "PING :x",
    ],
)
def test_everything_else_passes(line: str) -> None:
    """Other batches and messages come out as they are."""
    assert take(line) == [parse(line)]


def test_an_empty_or_endless_batch_is_harmless() -> None:
    """A batch without lines is nothing, and one with too many is cut."""
    assert take("BATCH +1 draft/multiline #a", "BATCH -1") == []
    lines = ["@batch=1 :b!b@h PRIVMSG #a :x"] * 5000
    (message,) = take("BATCH +1 draft/multiline #a", *lines, "BATCH -1")
    assert len(message.params[1]) < 5000
    assert len(take(*(f"BATCH +{number} draft/multiline #a" for number in range(100)))) == 84


def test_odd_limits_are_small_ones() -> None:
    """What a server leaves out or writes wrongly is assumed to be small."""
    assert read_limits("max-bytes=4096,max-lines=100") == Limits(4096, 100)
    assert read_limits("") == read_limits("max-bytes=-1,max-lines=x,other") == Limits(2048, 24)


@given(st.lists(st.text(), min_size=1), st.integers(64, 400), st.integers(500, 5000), st.integers(10, 100))
def test_no_batch_is_too_long(lines: list[str], room: int, most_bytes: int, most_lines: int) -> None:
    """Each message keeps the limits, and nothing is lost."""
    cut_lines = [cut(line, room)[:10] for line in lines]
    found = batches(cut_lines, Limits(most_bytes, most_lines))
    assert [piece for message in found for piece, _ in message] == [piece for pieces in cut_lines for piece in pieces]
    for message in found:
        is_one_line = not any(not continues for _, continues in message[1:])
        assert is_one_line or len(message) <= most_lines
        assert is_one_line or sum(len(piece.encode()) + 1 for piece, _ in message) <= most_bytes + len(message)


@given(st.text(), st.integers(4, 100))
def test_pieces_make_the_same_text(text: str, room: int) -> None:
    """The pieces of a line are short enough and lose nothing."""
    text = text.encode(errors="replace").decode()
    pieces = cut(text, room)
    assert "".join(pieces) == text
    assert all(len(piece.encode()) <= room for piece in pieces)
