from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, verbs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.events import Event
from chatroom.chat.stored.entries import Part
from chatroom.irc import caps
from chatroom.irc.limits import MULTILINE_BYTES, MULTILINE_LINES
from chatroom.irc.message import Message, parse

CAPS = "batch draft/multiline message-tags"
SENDER = "batch draft/multiline message-tags echo-message labeled-response"


@pytest.fixture
def alice(here: Here) -> Client:
    """A sender in the lobby with multiline, labels and echoes."""
    return here.connect("alice", caps=SENDER)


def parsed(lines: list[str]) -> list[Message]:
    """Lines as messages."""
    return [parse(line) for line in lines]


def say(client: Client, *lines: str, target: str = "#lobby", opening: str = "BATCH +1", verb: str = "PRIVMSG") -> None:
    """Send a multiline message. A line that begins with ``^`` continues the line before it."""
    client.say(f"{opening} draft/multiline {target}")
    for line in lines:
        tags = "batch=1;draft/multiline-concat" if line.startswith("^") else "batch=1"
        client.say(f"@{tags} {verb} {target} :{line.removeprefix('^')}")
    client.say("BATCH -1")


def test_the_capability_has_both_limits_as_its_value(here: Here) -> None:
    """CAP LS 302 lists max-bytes and max-lines."""
    sent = " ".join(here.open().ask("CAP LS 302"))
    assert f"draft/multiline=max-bytes={MULTILINE_BYTES},max-lines={MULTILINE_LINES}" in sent.split()


@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE"])
def test_readers_with_multiline_read_one_batch(here: Here, alice: Client, verb: str) -> None:
    """The opening line has the msgid and client-only tags. Blank lines and concatenation arrive as they were sent."""
    bob = here.connect("bob", caps=CAPS)
    bob.read()
    say(alice, "hello", "", "how is ", "^everyone?", opening="@+a=b BATCH +1", verb=verb)
    begin, *lines, end = parsed(bob.read())
    reference = begin.params[0].removeprefix("+")
    assert (begin.verb, begin.params[1:]) == ("BATCH", ["draft/multiline", "#lobby"])
    assert (end.verb, end.params, end.tags) == ("BATCH", [f"-{reference}"], None)
    assert begin.source == alice.prefix
    assert set(begin.tags or {}) == {"msgid", "+a"}
    assert [line.params for line in lines] == [["#lobby", text] for text in ("hello", "", "how is ", "everyone?")]
    assert {line.verb for line in lines} == {verb}
    assert [line.tags for line in lines] == [{"batch": reference}] * 3 + [
        {"batch": reference, "draft/multiline-concat": ""}
    ]


def test_readers_without_multiline_read_lines_that_are_not_blank(here: Here, alice: Client) -> None:
    """The first line has the msgid; each line has the time and the client-only tags."""
    bob, carl = here.connect("bob", caps="message-tags server-time"), here.connect("carl")
    here.forget_unread()
    say(alice, "", "one", "", "two ", "^three", opening="@+a=b BATCH +1")
    lines = parsed(bob.read())
    assert [line.params for line in lines] == [["#lobby", "one"], ["#lobby", "two "], ["#lobby", "three"]]
    assert set(lines[0].tags or {}) == {"msgid", "+a", "time"}
    assert [set(line.tags or {}) for line in lines[1:]] == [{"time", "+a"}] * 2
    assert carl.read() == [f":{alice.prefix} PRIVMSG #lobby :{text}" for text in ("one", "two ", "three")]


def test_very_long_client_tags_are_on_the_first_line_only(here: Here, alice: Client) -> None:
    """A hundred copies of 4,000 bytes would overflow the send queue of each reader."""
    bob = here.connect("bob", caps="message-tags")
    here.forget_unread()
    say(alice, "one", "two", opening=f"@+a={'b' * 600} BATCH +1")
    assert ["+a" in (line.tags or {}) for line in parsed(bob.read())] == [True, False]


def test_multiline_needs_the_batch_capability(here: Here, alice: Client) -> None:
    """A client with draft/multiline but without batch reads plain lines, and cannot send batches."""
    bob = here.connect("bob", caps="draft/multiline")
    bob.read()
    say(alice, "one", "two")
    assert verbs(bob.read()) == ["PRIVMSG", "PRIVMSG"]
    assert bob.ask("BATCH +1 draft/multiline #lobby") == [f":{SERVER} 421 bob BATCH :Unknown command"]
    bob.say("@batch=1 PRIVMSG #lobby :as ever")
    assert parse(alice.read()[-1]).params == ["#lobby", "as ever"]


def test_the_label_is_on_the_opening_line_of_the_echo(here: Here, alice: Client) -> None:
    """The server answers when the message is complete. Its echo has the label once."""
    alice.read()
    alice.say("@label=x BATCH +1 draft/multiline #lobby", "@batch=1 PRIVMSG #lobby :a", "@batch=1 PRIVMSG #lobby :b")
    assert alice.read() == []
    lines = parsed(alice.ask("BATCH -1"))
    assert [line.verb for line in lines] == ["BATCH", "PRIVMSG", "PRIVMSG", "BATCH"]
    assert [(line.tags or {}).get("label") for line in lines] == ["x", None, None, None]


def test_a_labelled_message_is_acknowledged_without_echo(here: Here) -> None:
    """Without echo-message the answer to the whole message is an ACK."""
    bob = here.connect("bob", caps="batch draft/multiline message-tags labeled-response")
    bob.read()
    say(bob, "a", "b", opening="@label=x BATCH +1")
    assert bob.read() == [f"@label=x :{SERVER} ACK"]


def test_an_echo_with_another_answer_is_a_batch_within_the_labelled_batch(here: Here, alice: Client) -> None:
    """A message to an away user is answered with the echo and 301. The edges of the echo refer to the outer batch."""
    here.connect("bob").say("AWAY :gone")
    alice.read()
    say(alice, "a", "b", target="bob", opening="@label=x BATCH +1")
    outer, begin, first, second, end, away, last = parsed(alice.read())
    reference = outer.params[0][1:]
    assert outer.params[1] == "labeled-response"
    assert (begin.tags or {})["batch"] == (end.tags or {})["batch"] == (away.tags or {})["batch"] == reference
    assert (first.tags or {})["batch"] == (second.tags or {})["batch"] == begin.params[0][1:] != reference
    assert last.params == [f"-{reference}"]


def test_direct_messages_and_refusals(here: Here, alice: Client) -> None:
    """A batch may go to a nick. A refusal is the numeric of PRIVMSG, with the label, when the batch is closed."""
    bob = here.connect("bob", caps=CAPS)
    bob.say("JOIN #b")
    here.forget_unread()
    say(alice, "one", "two", target="BOB")
    assert parsed(bob.read())[0].params[1:] == ["draft/multiline", "bob"]
    alice.read()
    say(alice, "one", target="#b", opening="@label=x BATCH +1")
    assert alice.read() == [f"@label=x :{SERVER} 404 alice #b :Cannot send to channel"]
    say(alice, "one", target="#none", verb="NOTICE")
    assert alice.read() == []


@pytest.mark.parametrize(
    "lines, code",
    [
        (["@batch=1 PRIVMSG #other :x"], "MULTILINE_INVALID_TARGET #lobby #other"),
        (["@batch=2 PRIVMSG #lobby :x"], "MULTILINE_INVALID"),
        (["PRIVMSG #lobby :x"], "MULTILINE_INVALID"),
        (["@batch=1 TAGMSG #lobby"], "MULTILINE_INVALID"),
        (["@batch=1 PRIVMSG #lobby"], "MULTILINE_INVALID"),
        (["@batch=1 PRIVMSG #lobby :x", "@batch=1 NOTICE #lobby :x"], "MULTILINE_INVALID"),
        (["@batch=1 PRIVMSG #lobby :x", "@batch=1;draft/multiline-concat PRIVMSG #lobby :"], "MULTILINE_INVALID"),
        (["@batch=1 BATCH +2 draft/multiline #lobby"], "MULTILINE_INVALID"),
        (["BATCH +2 draft/multiline #lobby"], "MULTILINE_INVALID"),
        (["BATCH -2"], "MULTILINE_INVALID"),
        (["BATCH -1"], "MULTILINE_INVALID"),
        (["@batch=1 PRIVMSG #lobby :", "@batch=1 PRIVMSG #lobby :", "BATCH -1"], "MULTILINE_INVALID"),
        (["@batch=1 PRIVMSG #lobby :x"] * (MULTILINE_LINES + 1), f"MULTILINE_MAX_LINES {MULTILINE_LINES}"),
        (
            ["@batch=1 PRIVMSG #lobby :" + "x" * 400] * (MULTILINE_BYTES // 400 + 1),
            f"MULTILINE_MAX_BYTES {MULTILINE_BYTES}",
        ),
    ],
)
def test_an_invalid_multiline_message_is_refused(here: Here, alice: Client, lines: list[str], code: str) -> None:
    """FAIL BATCH has the reason and the label of the opening line. No user reads any line of the batch."""
    bob = here.connect("bob")
    here.forget_unread()
    sent = alice.ask("@label=x BATCH +1 draft/multiline #lobby", *lines)
    assert len(sent) == 1
    assert sent[0].startswith(f"@label=x :{SERVER} FAIL BATCH {code} :")
    if "BATCH -1" not in lines:
        assert alice.ask("@batch=1 PRIVMSG #lobby :late", "BATCH -1") == []
    assert bob.read() == []
    say(alice, "better")
    assert bob.read() == [f":{alice.prefix} PRIVMSG #lobby :better"]


def test_limits_are_exact(here: Here, alice: Client) -> None:
    """A message at the limits of the capability passes. A line feed between two lines counts as one byte."""
    bob = here.connect("bob", caps=CAPS)
    bob.read()
    say(alice, *["x"] * MULTILINE_LINES)
    assert len(bob.read()) == MULTILINE_LINES + 2
    whole, rest = divmod(MULTILINE_BYTES, 256)
    assert rest == 0
    lines = ["x" * 255] * (whole - 1)
    say(alice, *lines, "x" * 256)
    assert len(bob.read()) == whole + 2
    alice.read()
    say(alice, *lines, "x" * 257)
    assert alice.read()[0].startswith(f":{SERVER} FAIL BATCH MULTILINE_MAX_BYTES {MULTILINE_BYTES} :")
    say(alice, *lines, "^" + "x" * 257)
    assert len(bob.read()) == whole + 2


def test_a_batch_line_that_makes_no_sense_is_refused(here: Here, alice: Client) -> None:
    """Other types, no target, no sign, no reference, and a batch that is not open."""
    alice.read()
    for line in (
        "BATCH +1 netsplit #lobby",
        "BATCH +1 draft/multiline",
        "BATCH + draft/multiline #a",
        "BATCH 1",
        "BATCH -1",
    ):
        assert alice.ask(line)[0].startswith(f":{SERVER} FAIL BATCH MULTILINE_INVALID :"), line
    assert alice.ask("BATCH") == [f":{SERVER} 461 alice BATCH :Not enough parameters"]


def test_ping_and_pong_are_allowed_in_an_open_batch(here: Here, alice: Client) -> None:
    """PING is answered, and the batch stays open."""
    alice.read()
    assert alice.ask("BATCH +1 draft/multiline #lobby", "PING x", "PONG y") == [f":{SERVER} PONG {SERVER} :x"]
    assert verbs(alice.ask("@batch=1 PRIVMSG #lobby :x", "BATCH -1")) == ["BATCH", "PRIVMSG", "BATCH"]


def test_a_batch_times_out(here: Here, alice: Client) -> None:
    """After a minute the next line of the batch is answered with TIMEOUT, and further lines are ignored."""
    alice.say("BATCH +1 draft/multiline #lobby", "@batch=1 PRIVMSG #lobby :x")
    here.wait(61)
    alice.read()
    assert alice.ask("@batch=1 PRIVMSG #lobby :y")[0].startswith(f":{SERVER} FAIL BATCH TIMEOUT 1 :")
    assert alice.ask("@batch=1 PRIVMSG #lobby :z", "BATCH -1") == []


def test_a_line_behind_a_batch_that_timed_out_is_what_it_says(here: Here, alice: Client) -> None:
    """It is no part of the batch, so it runs, and readers get a PRIVMSG."""
    bob = here.connect("bob")
    alice.say("BATCH +1 draft/multiline #lobby")
    here.wait(61)
    bob.read()
    alice.say("PRIVMSG #lobby :y")
    assert bob.read() == [f":{alice.prefix} PRIVMSG #lobby :y"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])), st.booleans()))
)
def test_no_text_is_lost_when_lines_are_split_for_the_source(lines: list[tuple[str, bool]]) -> None:
    """A reader that joins the lines of the batch gets the text that was sent, and each line fits."""
    event = Event("n" * 32 + "!" + "u" * 18 + "@" + "h" * 63, "")
    event.set_parts("PRIVMSG #" + "c" * 63, [Part(text, concat) for text, concat in lines])
    rendered = event.render(caps.MULTILINE).decode().split("\r\n")[1:-2]
    text = ""
    for number, line in enumerate(rendered):
        assert len(line.partition(" ")[2].encode()) <= 510
        message = parse(line)
        joint = "" if number == 0 or "draft/multiline-concat" in (message.tags or {}) else "\n"
        text += joint + message.params[1]
    said = ""
    for number, (part, concat) in enumerate(lines):
        said += ("" if number == 0 or concat else "\n") + part
    assert text == said
