from __future__ import annotations

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, verbs

from chatroom.chat.stored.entries import Part
from chatroom.commands.context import Context
from chatroom.commands.talking.utterance import Utterance
from chatroom.irc import caps, numerics


def make_utterance(
    client: Client, verb: str, text: str = "", tags: dict[str, str] | None = None, parts: list[Part] | None = None
) -> Utterance:
    """An utterance of a client, as the verb makes it."""
    return Utterance(Context(client.here.world, client.session, verb, tags), text, parts)


@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE"])
def test_each_target_gets_an_event_of_its_own(here: Here, verb: str) -> None:
    """The target and the text are in the line, and the message ids differ."""
    alice = here.connect("alice")
    utterance = make_utterance(alice, verb, "hello")
    first, second = utterance.event_for("#a"), utterance.event_for("bob")
    assert first.render(0).decode() == f":{alice.prefix} {verb} #a :hello\r\n"
    assert second.render(0).decode() == f":{alice.prefix} {verb} bob :hello\r\n"
    assert first.msgid != second.msgid


def test_a_tagmsg_has_no_text_and_is_for_readers_of_tags(here: Here) -> None:
    """A reader without message-tags is sent nothing."""
    alice = here.connect("alice", caps="message-tags")
    event = make_utterance(alice, "TAGMSG", tags={"+typing": "active"}).event_for("bob")
    assert event.render(0) == b""
    assert event.render(caps.MESSAGE_TAGS).decode().endswith(f"+typing=active :{alice.prefix} TAGMSG bob\r\n")


def test_a_multiline_message_has_its_lines(here: Here) -> None:
    """A reader without multiline reads each line as a message."""
    alice = here.connect("alice")
    event = make_utterance(alice, "PRIVMSG", "one", parts=[Part("one", False), Part("two", False)]).event_for("#a")
    lines = event.render(0).decode().splitlines()
    assert lines == [f":{alice.prefix} PRIVMSG #a :{text}" for text in ("one", "two")]


def test_only_client_only_tags_of_a_client_that_knows_tags_pass(here: Here) -> None:
    """Tags without ``+`` are dropped, and so are all tags of a client without message-tags."""
    tags = {"+x": "a b", "label": "1", "+y": ""}
    assert make_utterance(here.connect("alice", caps="message-tags"), "PRIVMSG", tags=tags).client_tags == "+x=a\\sb;+y"
    assert make_utterance(here.connect("bob"), "PRIVMSG", tags=tags).client_tags == ""


def test_the_echo_needs_echo_message(here: Here) -> None:
    """Only a session that negotiated echo-message reads the event it said."""
    for nick, wanted in (("alice", ""), ("bob", "echo-message")):
        client = here.connect(nick, caps=wanted)
        with here.tick():
            utterance = make_utterance(client, "PRIVMSG", "hello")
            utterance.echo(utterance.event_for("#a"))
        assert verbs(client.read()) == (["PRIVMSG"] if wanted else [])


@pytest.mark.parametrize("verb", ["PRIVMSG", "TAGMSG", "NOTICE"])
def test_a_notice_is_never_refused_in_words(here: Here, verb: str) -> None:
    """The sender of any other verb reads the numeric."""
    alice = here.connect("alice")
    with here.tick():
        make_utterance(alice, verb).refuse(numerics.ERR_NOSUCHNICK, "bob")
    expected = [] if verb == "NOTICE" else [f":{SERVER} 401 alice bob :No such nick/channel"]
    assert alice.read() == expected
