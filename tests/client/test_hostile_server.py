"""Whatever a server sends, the client goes on, and nothing reaches the terminal that could drive it."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from harness.client_stage import Stage
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.client.chat_events import Event
from chatroom.client.chat_state import _HANDLERS
from chatroom.client.line_output import LineOutput
from chatroom.client.link import LineReader, Received
from chatroom.client.numerics_in_words import _COMPOSED, ANSWERS, REFUSALS
from chatroom.client.rendering import render, stamp
from chatroom.irc.message import parse

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u206a\u206f"
CONTROLS = "".join(map(chr, [*range(1, 10), 11, 12, *range(14, 32), *range(0x7F, 0xA0)])) + BIDI

VERBS = sorted({*_HANDLERS, *_COMPOSED, *ANSWERS, *REFUSALS, "324", "999", "SEARCH", "XYZZY"})
TIMES = [
    "0001-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-11-25T10:00:00.000Z",
    "2026-11-25T10:00:00",
    "2026-W01-1",
    "",
    "x",
]
WORDS = st.one_of(
    st.sampled_from(["#lobby", "alice", "bob", "*", "=", "+o-v", "+", "-", "0", "1", "-1", "9" * 20, "9" * 5000]),
    st.sampled_from(
        ["REGISTER", "SEARCH", "UBAN", "NEEDS_FORCE", "SUCCESS", "NEW", "ACK", "DEL", "LS", "PREFIX=(", "\xb2"]
    ),
    st.text(st.characters(exclude_characters=" \r\n\0", exclude_categories=["Cs"]), max_size=12),
)
TEXTS = st.one_of(WORDS, st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30))
SOURCES = st.one_of(st.sampled_from(["", ":srv ", ":alice!a@h ", ":bob!b@h ", ": "]), WORDS.map(":{} ".format))
TAGS = st.one_of(
    st.just(""),
    st.sampled_from(TIMES).map("@time={} ".format),
    st.tuples(st.sampled_from(["time", "batch", "msgid"]), WORDS).map("@{0[0]}={0[1]} ".format),
)
LINES = st.tuples(TAGS, SOURCES, st.sampled_from(VERBS), st.lists(WORDS, max_size=5), st.one_of(st.none(), TEXTS)).map(
    lambda parts: f"{parts[0]}{parts[1]}{' '.join([parts[2], *parts[3]])}{'' if parts[4] is None else f' :{parts[4]}'}"
)


@pytest.fixture(params=["America/New_York", "UTC", "Pacific/Kiritimati"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The local time, west and east of Greenwich."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def shown(events: list[Event]) -> str:
    """All that the two front ends print of events, and what stands in the prompt."""
    out, err = io.StringIO(), io.StringIO()
    output = LineOutput(Stage().session.state, out, err, interactive=True)
    words = []
    for event in events:
        output.write(event, ready=True)
        for line in [*render(event, "alice"), *render(event, "alice", formatted=True)]:
            words += [stamp(line.at, datetime.now().astimezone()), line.conversation, line.text]
    return "".join([out.getvalue(), err.getvalue(), *words]).replace("\n", "")


def safe(text: str) -> bool:
    """Tell if a text has nothing that drives a terminal."""
    return not set(text) & set(CONTROLS)


@pytest.mark.parametrize("at", TIMES)
def test_any_time_stamp(zone: str, at: str) -> None:
    """A message with a time at the end of the calendar is shown like any other."""
    stage = Stage()
    stage.welcome("#lobby")
    assert "hello" in shown(stage.hear(f"@time={at} :bob!b@h PRIVMSG #lobby :hello"))


def test_times_at_the_ends_of_the_calendar_can_be_compared(zone: str) -> None:
    """Joins and messages with such times, in a row and from a search, end nothing."""
    for first in TIMES:
        for second in TIMES:
            stage = Stage()
            stage.welcome(caps="server-time batch")
            events = stage.hear(
                f"@time={first} :alice!a@h JOIN #lobby",
                f"@time={second} :bob!b@h PRIVMSG #lobby :hello",
                f"@time={first} :bob!b@h PRIVMSG #lobby :hello",
                "BATCH +1 soju.im/search",
                f"@batch=1;time={second} :bob!b@h PRIVMSG #lobby :found",
                "BATCH -1",
                f":srv 317 alice bob {'9' * 20} {'9' * 20} :seconds idle",
            )
            assert "found" in shown(events)


@settings(deadline=None)
@given(st.lists(LINES, max_size=8), st.booleans())
def test_any_line_from_the_server(lines: list[str], welcomed: bool) -> None:
    """No line ends the client, during the login or after it, and what is shown has no control character."""
    stage = Stage()
    if welcomed:
        stage.welcome("#lobby", caps="server-time batch soju.im/search")
    events = []
    for line in LineReader().feed("".join(f"{line}\r\n" for line in lines).encode()):
        events += stage.session.handle(Received([parse(line)]))
    assert safe(shown(events))
    question, over = stage.session.question, stage.session.over
    assert safe(f"{question} {over} {stage.session.target}".replace("\n", ""))
    assert all(safe(name) for name in stage.session.state.seen_channels.values())


BAD = f"a{CONTROLS}b"


@pytest.mark.parametrize(
    "line",
    [
        f":bob!b@h PRIVMSG #lobby :{BAD}",
        f":bob!b@h PRIVMSG #lobby :\x01ACTION {BAD}\x01",
        f":bob!b@h NOTICE #{BAD} :{BAD}",
        f":{BAD}!b@h PRIVMSG #lobby :hi",
        f":{BAD} NOTICE alice :{BAD}",
        f":bob!b@h JOIN #{BAD}",
        f":bob!b@h PART #lobby :{BAD}",
        f":bob!b@h QUIT :{BAD}",
        f":bob!b@h KICK #lobby carol :{BAD}",
        f":bob!b@h KICK #lobby alice :{BAD}",
        f":bob!b@h NICK {BAD}",
        f":alice!a@h NICK {BAD}",
        f":bob!b@h TOPIC #lobby :{BAD}",
        f":bob!b@h MODE #lobby +{BAD} {BAD}",
        f":bob!b@h INVITE alice #{BAD}",
        f":bob!b@h WALLOPS :{BAD}",
        f":srv 332 alice #lobby :{BAD}",
        f":srv 372 alice :{BAD}",
        f":srv 322 alice #{BAD} 3 :{BAD}",
        f":srv 352 alice #lobby {BAD} {BAD} srv bob H :0 {BAD}",
        f":srv 353 alice = #elsewhere :{BAD}",
        f":srv 404 alice #lobby :{BAD}",
        f":srv 999 alice {BAD} :{BAD}",
        f":srv {BAD} alice :{BAD}",
        f"FAIL SEARCH X {BAD} :{BAD}",
        f"FAIL UBAN NEEDS_FORCE :{BAD}",
        f"NOTE * X :{BAD}",
        f":srv REGISTER SUCCESS alice :{BAD}",
        f"@batch={BAD};time={BAD} :bob!b@h PRIVMSG #lobby :hi",
        f"ERROR :Closing Link: h ({BAD})",
    ],
)
def test_no_part_of_a_message_drives_the_terminal(line: str) -> None:
    """No control character, C1 and DEL among them, and no change of direction gets out of any part of a message."""
    stage = Stage()
    stage.welcome("#lobby")
    assert safe(shown(stage.hear(line) + stage.lose()))
    before = Stage()
    before.hear(line)
    before.lose()
    assert safe(f"{before.session.over}".replace("\n", ""))


def test_what_the_user_typed_comes_back_clean() -> None:
    """A pasted text with control characters is shown without them: as a message, in an answer and in a refusal."""
    stage = Stage()
    stage.welcome("#lobby")
    for text in (
        BAD,
        f"/{BAD}",
        f"/me {BAD}",
        f"/help {BAD}",
        f"/query {BAD} {BAD}",
        f"/join #{BAD}",
        f"/msg {BAD} {BAD}",
    ):
        for line in text.splitlines():
            assert safe(shown(stage.session.enter(line)))


@pytest.mark.parametrize(
    "text, sent", [("caf\udce9!", "caf\ufffd!"), ("caf\udcc3\udca9!", "caf\xe9!"), ("\ud800", "?")]
)
def test_typed_bytes_that_are_not_utf_8(text: str, sent: str) -> None:
    """A typed text that UTF-8 cannot encode is sent with replaced characters; bytes that make UTF-8 are understood."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter(text)
    assert stage.link.lines[-1] == f"PRIVMSG #lobby :{sent}"
    stage.session.enter("/register")
    stage.session.answer(text)
    assert stage.link.sent[-1] == f"REGISTER * * :{sent}"


def test_a_new_password_without_a_connection() -> None:
    """The user reads that nothing was registered if the connection is lost during the question."""
    stage = Stage()
    stage.welcome("#lobby")
    stage.session.enter("/register")
    stage.lose()
    assert "nothing was registered" in shown(stage.session.answer("secret"))
