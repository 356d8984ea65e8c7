from __future__ import annotations

import pytest

from chatroom.chat.delivery.playback import fit, to_event
from chatroom.chat.stored.entries import Entry, EntryFlag, Kind, Part, first_message_id, join_parts
from chatroom.irc import caps
from chatroom.irc.message import parse

TIME_MS = 1_903_867_200_007
ID = first_message_id(TIME_MS)
SOURCE = "una!u@h"


def make_entry(kind: Kind, text: str, *, target: str = "#a", account: str = "una", message_id: int = ID) -> Entry:
    """An entry of ``SOURCE``."""
    return Entry(message_id, TIME_MS, "#a", kind, SOURCE, 1 if account else None, account, target, text)


@pytest.mark.parametrize(
    "kind, text, line",
    [
        (Kind.PRIVMSG, "hello you", "PRIVMSG #a :hello you"),
        (Kind.NOTICE, ":-)", "NOTICE #a ::-)"),
        (Kind.TOPIC, "", "TOPIC #a :"),
        (Kind.JOIN, "Una U", "JOIN #a"),
        (Kind.PART, "", "PART #a"),
        (Kind.PART, "so long", "PART #a :so long"),
        (Kind.QUIT, "", "QUIT :"),
        (Kind.KICK, "bob", "KICK #a bob"),
        (Kind.KICK, "bob out of here", "KICK #a bob :out of here"),
        (Kind.MODE, "+ov bob carl", "MODE #a +ov bob carl"),
        (Kind.NICK, "una2", "NICK una2"),
    ],
)
def test_an_entry_becomes_the_line_it_was(kind: Kind, text: str, line: str) -> None:
    """What the text holds depends on the kind."""
    assert to_event(make_entry(kind, text)).render(0) == f":{SOURCE} {line}\r\n".encode()


def test_an_event_of_the_history_has_the_tags_it_had() -> None:
    """Time, msgid, account, bot and the client-only tags, and not those of the time it is shown."""
    entry = make_entry(Kind.PRIVMSG, "hi")._replace(client_tags="+x=1", flags=EntryFlag.BOT)
    event = to_event(entry)
    event.seq = 99
    message = parse(event.render(caps.SERVER_TIME | caps.ACCOUNT_TAG | caps.MESSAGE_TAGS).decode().rstrip("\r\n"))
    assert message.tags == {
        "time": "2030-05-01T12:00:00.007Z",
        "account": "una",
        "msgid": entry.msgid,
        "bot": "",
        "+x": "1",
    }


def test_a_guests_event_has_no_account() -> None:
    """Neither as a tag nor in an extended JOIN."""
    event = to_event(make_entry(Kind.JOIN, "Una U", account=""))
    assert event.render(caps.ACCOUNT_TAG) == f":{SOURCE} JOIN #a\r\n".encode()
    assert event.render(caps.EXTENDED_JOIN) == f":{SOURCE} JOIN #a * :Una U\r\n".encode()


def test_a_join_has_its_extended_form() -> None:
    """With the account and the realname of that moment."""
    event = to_event(make_entry(Kind.JOIN, "Una U"))
    assert event.render(caps.EXTENDED_JOIN) == f":{SOURCE} JOIN #a una :Una U\r\n".encode()


@pytest.mark.parametrize("kind, cap", [(Kind.TAGMSG, caps.MESSAGE_TAGS), (Kind.REDACT, caps.MESSAGE_REDACTION)])
def test_an_entry_that_needs_a_capability_is_shown_to_no_session_without(kind: Kind, cap: int) -> None:
    """As when it was said."""
    event = to_event(make_entry(kind, "abc why" if kind is Kind.REDACT else ""))
    assert event.render(0) == b""
    shown = event.render(cap).decode()
    assert shown.endswith("REDACT #a abc :why\r\n" if kind is Kind.REDACT else "TAGMSG #a\r\n")


def test_a_multiline_message_has_its_lines() -> None:
    """Without multiline they are separate lines, and a continued line is one of them."""
    text = join_parts([Part("one", False), Part("and a half", True), Part("two", False)])
    event = to_event(make_entry(Kind.PRIVMSG, text))
    assert event.parts == [Part("one", False), Part("and a half", True), Part("two", False)]
    assert [line.rpartition(b":")[2] for line in event.render(0).split(b"\r\n")[:-1]] == [b"one", b"and a half", b"two"]


@pytest.fixture
def entries() -> list[Entry]:
    """Ten entries of the same size."""
    return [make_entry(Kind.PRIVMSG, "x" * 40, message_id=ID + number) for number in range(10)]


def test_an_answer_takes_as_many_entries_as_it_has_bytes_for(entries: list[Entry]) -> None:
    """From the oldest on, or the newest ones; an entry counts 160 bytes beside its text."""
    assert fit(entries, 2_000, newest=False) == entries
    assert fit(entries, 1_999, newest=False) == entries[:9]
    assert fit(entries, 600, newest=False) == entries[:3]
    assert fit(entries, 600, newest=True) == entries[-3:]


@pytest.mark.parametrize("newest", [True, False])
def test_an_answer_has_at_least_one_entry(entries: list[Entry], newest: bool) -> None:
    """Else a client that asks for the next ones would never get further."""
    assert fit(entries, 1, newest=newest) == (entries[-1:] if newest else entries[:1])
    assert fit([], 1, newest=newest) == []


def test_text_counts_in_bytes_and_a_multiline_message_for_each_line(entries: list[Entry]) -> None:
    """Each of its lines is sent with its own source and tags."""
    long = make_entry(Kind.PRIVMSG, "é" * 300)
    assert len(fit([long, *entries[:1]], 900, newest=False)) == 1
    lines = make_entry(Kind.PRIVMSG, join_parts([Part("x", False)] * 5))
    assert len(fit([lines, *entries[:1]], 1_000, newest=False)) == 1
    assert len(fit([lines, *entries[:1]], 1_300, newest=False)) == 2
    tagged = lines._replace(client_tags="+x=" + "1" * 100)
    assert len(fit([tagged, *entries[:1]], 1_300, newest=False)) == 1


@pytest.mark.parametrize("newest", [True, False])
def test_an_answer_does_not_end_within_a_millisecond(entries: list[Entry], newest: bool) -> None:
    """A client that goes on from the time of the last entry would miss the others of it."""
    shared = [entry._replace(time_ms=position // 4) for position, entry in enumerate(entries)]
    assert fit(shared, 1_400, newest=newest) == (shared[-6:] if newest else shared[:4])
    one = [entry._replace(time_ms=1) for entry in entries]
    assert fit(one, 600, newest=newest) == (one[-3:] if newest else one[:3])
