"""A channel gets another name while something about it waits: an answer, a question to the user, a message."""

from __future__ import annotations

import pytest
from harness.client_stage import Stage

from chatroom.client.chat_events import Info
from chatroom.client.history_pages import PAGE

CAPS = "batch draft/chathistory message-tags server-time echo-message labeled-response draft/message-redaction"
RENAME = ":bob!b@h RENAME #tea #coffee :"


def page(*numbers: int, target: str = "#tea") -> list[str]:
    """The server's answer: messages of these numbers."""
    lines = [
        f"@batch=h;msgid=m{number};time=2030-01-01T11:00:{number:02}.000Z :bob!b@h PRIVMSG {target} :text {number}"
        for number in numbers
    ]
    return [f":srv BATCH +h chathistory {target}", *lines, ":srv BATCH -h"]


def here(*channels: str) -> Stage:
    """alice in these channels; the first page of the first one is still asked for."""
    stage = Stage()
    stage.welcome(*channels, caps=CAPS)
    return stage


def texts(stage: Stage) -> list[str]:
    """What was said in #coffee."""
    place = next(place for place in stage.session.places if place.name == "#coffee")
    return [entry.said.text for entry in place.log.entries if entry.said is not None]


def names(stage: Stage) -> list[str]:
    """The channels that are open."""
    return [place.name for place in stage.session.places if place.kind == "channel"]


def test_a_page_that_is_under_way_goes_into_the_channel() -> None:
    """The answer has the name that was asked for; the next page is asked for by the new one."""
    stage = here("#tea")
    stage.hear(*page(8, 9))
    tea = next(place for place in stage.session.places if place.name == "#tea")
    stage.session.talk.older(tea)
    stage.hear(RENAME, *page(6, 7))
    assert texts(stage) == ["text 6", "text 7", "text 8", "text 9"]
    assert names(stage) == ["#coffee"]
    stage.session.talk.older(tea)
    assert stage.link.sent[-1] == f"CHATHISTORY BEFORE #coffee msgid=m6 {PAGE}"


def test_a_page_that_waits_is_asked_for_by_the_new_name() -> None:
    """It waits behind that of another channel."""
    stage = here("#lobby", "#tea")
    stage.hear(RENAME, *page(target="#lobby"))
    assert stage.link.sent[-1] == "CHATHISTORY LATEST #coffee * 50"
    stage.hear(*page(1, target="#coffee"))
    assert texts(stage) == ["text 1"]


def test_what_was_not_said_waits_in_the_channel() -> None:
    """A message that a lost connection leaves, and the new text of an edit that was not made."""
    stage = here("#tea")
    stage.hear(*page())
    stage.hear("@msgid=m1 :alice!a@h PRIVMSG #tea :first")
    stage.session.enter("/edit the first")
    stage.session.enter("second")
    stage.hear(RENAME)
    stage.lose()
    assert names(stage) == ["#coffee"]
    assert stage.session.navigation.take_draft() == "/edit the first\nsecond"


def test_the_new_text_of_an_edit_is_said_in_the_channel() -> None:
    """The server deletes the old one by the name that the channel had."""
    stage = here("#tea")
    stage.hear(*page())
    stage.hear("@msgid=m1 :alice!a@h PRIVMSG #tea :first")
    stage.session.enter("/edit the first")
    stage.hear(RENAME, ":alice!a@h REDACT #coffee m1")
    assert stage.link.lines[-1].endswith("PRIVMSG #coffee :the first")


def test_a_conversation_follows_its_user() -> None:
    """What waits there is for the nick that the user has now."""
    stage = here()
    stage.session.enter("/query bob")
    bob = stage.session.talk.here.front
    stage.hear(*page(8, 9, target="bob"))
    stage.session.talk.older(bob)
    stage.session.enter("hello")
    stage.hear(":bob!b@h NICK rob", *page(7, target="bob"))
    assert not bob.asks_older
    stage.lose()
    assert [place.name for place in stage.session.places if place.kind == "conversation"] == ["rob"]
    assert stage.session.navigation.take_draft() == "hello"


@pytest.mark.parametrize("typed, line", [("/kick bob", "KICK #coffee bob"), ("/ban bob", "MODE #coffee +b bob!*@*")])
def test_a_question_follows_its_channel(typed: str, line: str) -> None:
    """The user reads the new name, and r acts there."""
    stage = here("#tea")
    stage.hear(":srv 004 alice srv chatroom-1 i n", ":srv MODE alice +o")
    stage.session.enter(typed)
    events = stage.hear(":srv RENAME #tea #coffee :")
    assert Info(f"{typed}: the question is about #coffee now.") in events
    question = stage.session.question
    assert question is not None and question.words.startswith("#tea is #coffee now: ")  # type: ignore[union-attr]
    stage.session.answer("r")
    assert stage.link.lines[-1].partition(" ")[2] == line
