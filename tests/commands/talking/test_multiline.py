from __future__ import annotations

import pytest
from harness.world import SERVER, Client, Here, verbs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.chat.events import Event, Part, Stamp
from chatroom.irc import caps
from chatroom.irc.limits import MULTILINE_BYTES, MULTILINE_LINES
from chatroom.irc.message import Message, parse

CAPS = "batch draft/multiline message-tags"
SENDER = "batch draft/multiline message-tags echo-message labeled-response"


@pytest.fixture
def alice(here: Here) -> Client:
    """A sender in the lobby who knows multiline, labels and echoes."""
    return here.connect("alice", caps=SENDER)


def parsed(lines: list[str]) -> list[Message]:
    """Lines as messages."""
    return [parse(line) for line in lines]


def say(client: Client, *lines: str, target: str = "#lobby", opening: str = "BATCH +1", verb: str = "PRIVMSG") -> None:
    """Send a multiline message; a line beginning with ``^`` goes on where the last one ended."""
    client.say(f"{opening} draft/multiline {target}")
    for line in lines:
        tags = "batch=1;draft/multiline-concat" if line.startswith("^") else "batch=1"
        client.say(f"@{tags} {verb} {target} :{line.removeprefix('^')}")
    client.say("BATCH -1")


def test_the_capability_has_both_limits_as_its_value(here: Here) -> None:
    """CAP LS 302 tells max-bytes and max-lines."""
    sent = " ".join(here.open().ask("CAP LS 302"))
    assert f"draft/multiline=max-bytes={MULTILINE_BYTES},max-lines={MULTILINE_LINES}" in sent.split()


@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE"])
def test_readers_with_multiline_read_one_batch(here: Here, alice: Client, verb: str) -> None:
    """The id and the clients' tags are on the batch's beginning; blank lines and concatenation arrive as sent."""
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
    """The id and the clients' own tags are on the first line only, the time on all."""
    bob, carl = here.connect("bob", caps="message-tags server-time"), here.connect("carl")
    here.forget_unread()
    say(alice, "", "one", "", "two ", "^three", opening="@+a=b BATCH +1")
    lines = parsed(bob.read())
    assert [line.params for line in lines] == [["#lobby", "one"], ["#lobby", "two "], ["#lobby", "three"]]
    assert set(lines[0].tags or {}) == {"msgid", "+a", "time"}
    assert [set(line.tags or {}) for line in lines[1:]] == [{"time"}] * 2
    assert carl.read() == [f":{alice.prefix} PRIVMSG #lobby :{text}" for text in ("one", "two ", "three")]


def test_multiline_without_batch_counts_for_nothing(here: Here, alice: Client) -> None:
    """Who negotiated draft/multiline and not batch reads plain lines, and cannot send batches."""
    bob = here.connect("bob", caps="draft/multiline")
    bob.read()
    say(alice, "one", "two")
    assert verbs(bob.read()) == ["PRIVMSG", "PRIVMSG"]
    assert bob.ask("BATCH +1 draft/multiline #lobby") == [f":{SERVER} 421 bob BATCH :Unknown command"]
    bob.say("@batch=1 PRIVMSG #lobby :as ever")
    assert parse(alice.read()[-1]).params == ["#lobby", "as ever"]


def test_the_label_is_on_the_beginning_of_the_echo_only(here: Here, alice: Client) -> None:
    """Nothing is answered before the message is complete; then its echo carries the label once."""
    alice.read()
    alice.say("@label=x BATCH +1 draft/multiline #lobby", "@batch=1 PRIVMSG #lobby :a", "@batch=1 PRIVMSG #lobby :b")
    assert alice.read() == []
    lines = parsed(alice.ask("BATCH -1"))
    assert [line.verb for line in lines] == ["BATCH", "PRIVMSG", "PRIVMSG", "BATCH"]
    assert [(line.tags or {}).get("label") for line in lines] == ["x", None, None, None]


def test_a_labelled_message_is_acknowledged_without_echo(here: Here) -> None:
    """Without echo-message the answer to the whole is an ACK."""
    bob = here.connect("bob", caps="batch draft/multiline message-tags labeled-response")
    bob.read()
    say(bob, "a", "b", opening="@label=x BATCH +1")
    assert bob.read() == [f"@label=x :{SERVER} ACK"]


def test_a_message_to_oneself_is_a_batch_within_the_labelled_batch(here: Here, alice: Client) -> None:
    """To an away target the answer is several lines: the echo is nested, its beginning and end refer to the outer."""
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
    """A batch goes to a nick too; who may not speak there reads the numerics of PRIVMSG, labelled, at its end."""
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
def test_what_is_no_multiline_message(here: Here, alice: Client, lines: list[str], code: str) -> None:
    """A FAIL of BATCH says why, with the label of the beginning; nobody reads any of it, also not what still comes."""
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
    """As many bytes and lines as the capability says pass; a line feed between two lines counts as one byte."""
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


def test_unknown_kinds_of_batches(here: Here, alice: Client) -> None:
    """Other types, no target, no sign, and an end without a beginning are refused."""
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


def test_what_keeps_alive_may_be_said_meanwhile(here: Here, alice: Client) -> None:
    """PING and PONG within an open batch are answered and harm nothing."""
    alice.read()
    assert alice.ask("BATCH +1 draft/multiline #lobby", "PING x", "PONG y") == [f":{SERVER} PONG {SERVER} :x"]
    assert verbs(alice.ask("@batch=1 PRIVMSG #lobby :x", "BATCH -1")) == ["BATCH", "PRIVMSG", "BATCH"]


def test_a_batch_left_open_is_forgotten(here: Here, alice: Client) -> None:
    """After a minute its next line is answered with TIMEOUT, and the rest of it means nothing."""
    alice.say("BATCH +1 draft/multiline #lobby", "@batch=1 PRIVMSG #lobby :x")
    here.wait(61)
    alice.read()
    assert alice.ask("@batch=1 PRIVMSG #lobby :y")[0].startswith(f":{SERVER} FAIL BATCH TIMEOUT 1 :")
    assert alice.ask("@batch=1 PRIVMSG #lobby :z", "BATCH -1") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])), st.booleans()))
)
def test_nothing_of_a_text_is_lost_however_long_our_source_makes_its_lines(lines: list[tuple[str, bool]]) -> None:
    """Put together as a reader does, a batch holds exactly what was said, in lines that fit."""
    event = Event("n" * 32 + "!" + "u" * 18 + "@" + "h" * 63, "")
    event.stamp = Stamp(0, "t-")
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
