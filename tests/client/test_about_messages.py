"""/reply, /react, /redact and /edit: which message they mean, what is sent, and what a refusal leaves."""

from __future__ import annotations

import re

from harness.client_stage import Stage

from chatroom.client.chat_events import Denied, Event, Reacted, Redacted
from chatroom.client.rendering import render

CAPS = "batch message-tags echo-message labeled-response draft/message-redaction server-time"


def here(caps: str = CAPS, tokens: str = "") -> Stage:
    """alice in #tea, where bob, carol and she have said something."""
    stage = Stage()
    stage.welcome("#tea", caps=caps)
    if tokens:
        stage.hear(f":srv 005 alice {tokens} :are supported")
    for number, nick in enumerate(("bob", "carol", "alice"), 1):
        stage.hear(f"@msgid=m{number} :{nick}!u@h PRIVMSG #tea :text of {nick}")
    return stage


def last(stage: Stage) -> str:
    """The last line that was sent, without its label."""
    return re.sub(r"^@label=\d+ |(?<=^@)label=\d+;", "", stage.link.lines[-1])


def why(events: list[Event]) -> str:
    """The only refusal."""
    (denied,) = events
    assert isinstance(denied, Denied)
    return denied.text


def test_a_reply_names_the_message_that_it_answers() -> None:
    """The last one of somebody else, or of the one who is named."""
    stage = here()
    stage.session.enter("/reply thanks")
    assert last(stage) == "@+draft/reply=m2 PRIVMSG #tea :thanks"
    stage.session.enter("/reply bob thank you too")
    assert last(stage) == "@+draft/reply=m1 PRIVMSG #tea :thank you too"
    entries = stage.session.talk.here.front.log.entries
    assert [entry.said.reply_to for entry in entries[-2:] if entry.said] == ["m2", "m1"]


def test_a_first_word_that_is_no_speaker_is_text() -> None:
    """A nick alone is text too: there must be something to say."""
    stage = here()
    stage.session.enter("/reply dave is right")
    assert last(stage) == "@+draft/reply=m2 PRIVMSG #tea :dave is right"
    stage.session.enter("/reply bob")
    assert last(stage) == "@+draft/reply=m2 PRIVMSG #tea :bob"


def test_a_reply_is_a_message_where_the_tag_is_dropped() -> None:
    """It is said without the tag."""
    stage = here(tokens="CLIENTTAGDENY=*")
    stage.session.enter("/reply thanks")
    assert stage.link.lines[-1] == "@label=1 PRIVMSG #tea :thanks"


def test_the_same_reaction_again_takes_it_back() -> None:
    """The server's echo shows the reaction."""
    stage = here()
    assert stage.session.enter("/react bob +1") == []
    assert last(stage) == "@+draft/reply=m1;+draft/react=+1 TAGMSG #tea"
    (shown,) = stage.hear("@+draft/reply=m1;+draft/react=+1 :alice!a@h TAGMSG #tea")
    assert render(shown)[0].text == 'alice reacted to "text of bob": +1'
    stage.session.enter("/react bob +1")
    assert last(stage) == "@+draft/reply=m1;+draft/unreact=+1 TAGMSG #tea"
    (shown,) = stage.hear("@+draft/reply=m1;+draft/unreact=+1 :alice!a@h TAGMSG #tea")
    assert render(shown)[0].text == 'alice took the reaction back to "text of bob": +1'


def test_without_echo_a_reaction_is_shown_at_once() -> None:
    """A server that drops reactions is not sent any."""
    stage = here(caps="message-tags")
    assert stage.session.enter("/react +1") == [Reacted("#tea", "m2", "alice", "+1", mine=True)]
    assert why(here(tokens="CLIENTTAGDENY=draft/react").session.enter("/react +1")).startswith(
        "/react +1: This server passes"
    )


def test_one_deletes_what_one_has_said_or_what_is_named() -> None:
    """Without a name only the own last message is meant."""
    stage = here()
    stage.session.enter("/redact")
    assert last(stage) == "REDACT #tea m3"
    stage.session.enter("/delete bob off topic")
    assert last(stage) == "REDACT #tea m1 :off topic"
    (shown,) = stage.hear(":alice!a@h REDACT #tea m1 :off topic")
    assert render(shown)[0].text == "alice deleted a message of bob: off topic"
    (shown,) = stage.hear(":alice!a@h REDACT #tea m3")
    assert render(shown)[0].text == "alice deleted a message"
    assert "nothing here that you have said" in why(stage.session.enter("/redact"))


def test_a_message_under_way_is_waited_for() -> None:
    """Else the command would mean the one before."""
    stage = here()
    stage.session.enter("a mistake")
    assert "still on its way" in why(stage.session.enter("/redact"))
    assert "still on its way" in why(stage.session.enter("/edit no mistake"))
    assert not [line for line in stage.link.sent if "REDACT" in line]


def test_an_edit_is_said_when_the_old_text_is_deleted() -> None:
    """It goes on answering what the old text answered."""
    stage = here()
    stage.hear("@msgid=m4;+draft/reply=m1 :alice!a@h PRIVMSG #tea :tpyo")
    stage.session.enter("/edit typo")
    assert last(stage) == "REDACT #tea m4"
    shown = stage.hear(":alice!a@h REDACT #tea m4")
    assert shown == [Redacted("#tea", "m4", "alice", mine=True)]
    assert last(stage) == "@+draft/reply=m1 PRIVMSG #tea :typo"


def test_a_refused_edit_is_kept() -> None:
    """The old text stays, and the new one waits in the prompt, also if the connection is lost."""
    for event in ("refused", "lost"):
        stage = here()
        stage.session.enter("/edit better")
        if event == "refused":
            assert "may not" in why(stage.hear(":srv FAIL REDACT REDACT_FORBIDDEN #tea m3 :You may not delete it"))
            assert stage.session.navigation.take_draft() == "/edit better"
        else:
            stage.lose()
            assert stage.session.navigation.take_draft() == "/edit better"
        stage.hear(":alice!a@h REDACT #tea m3")
        assert not [line for line in stage.link.sent if "better" in line]


def test_what_cannot_be_meant_is_refused_with_a_reason() -> None:
    """No place, no such message, no ids, no right words."""
    stage = Stage()
    stage.welcome(caps=CAPS)
    assert why(stage.session.enter("/redact")) == "/redact: You are in no channel."
    stage = here()
    assert "nothing here that dave has said" in why(stage.session.enter("/redact dave"))
    assert "Usage: /edit TEXT" in why(stage.session.enter("/edit"))
    assert "Usage: /reply" in why(stage.session.enter("/reply"))
    plain = Stage()
    plain.welcome("#tea")
    plain.hear(":bob!b@h PRIVMSG #tea :hi")
    assert "no ids" in why(plain.session.enter("/reply hello"))
    assert why(here(caps="message-tags echo-message").session.enter("/redact")).endswith("cannot delete messages.")
    kicked = here()
    kicked.hear(":bob!b@h KICK #tea alice")
    assert "You are not in #tea" in why(kicked.session.enter("/reply thanks"))
