"""The client's session on other servers: it asks for nothing that they do not offer, and says what is not possible."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.other_servers import other_server
from harness.real_session import RealSession

from chatroom.client.chat_events import Denied, Info

SERVERS = [pytest.param(name, marks=pytest.mark.debian(name)) for name in ("ngircd", "inspircd")]


@pytest.fixture(scope="module", params=SERVERS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server of another kind."""
    with other_server(request.param) as found:
        yield found


def refusals(*sessions: RealSession) -> list[str]:
    """What was refused."""
    return [event.text for session in sessions for event in session.seen if isinstance(event, Denied)]


def test_an_evening_elsewhere(port: int) -> None:
    """Channels, messages both ways, a new nick, coming and going: each in its place once, and nothing is refused."""
    with (
        RealSession(port, "una", join=("#tea",), home="#tea") as una,
        RealSession(port, "mo", join=("#tea",), home="#tea") as mo,
    ):
        mo.enter("hello everybody")
        una.entry("#tea", "hello everybody")
        una.session.talk.typed("hel")
        una.enter("hello mo")
        mo.entry("#tea", "hello mo")
        assert mo.here("#tea").mentions == 0  # it is in front: seen
        una.enter("/me waves")
        mo.entry("#tea", "waves")
        una.enter("/msg mo psst")
        mo.entry("mo" if "mo" in mo.names() else "una", "psst")
        assert mo.here("una").unread == 1
        una.enter("/nick Una2")
        mo.until(lambda: "Una2" in mo.names(), "the conversation follows the nick")
        assert [member.nick for member in mo.here("#tea").members].count("Una2") == 1
        mo.enter("one\ntwo\nthree")
        una.entry("#tea", "three")
        assert una.texts("#tea")[-3:] == ["one", "two", "three"]
        mo.entry("#tea", "three")
        assert mo.texts("#tea").count("three") == 1
        una.enter("/away at tea")
        una.enter("/whois mo")
        una.until(lambda: any(isinstance(event, Info) and "mo" in event.text for event in una.seen), "WHOIS answers")
        una.enter("/topic green tea")
        mo.until(lambda: mo.here("#tea").topic == "green tea", "the topic has come")
        una.enter("/part")
        mo.until(lambda: len(mo.here("#tea").members) == 1, "Una2 has left")
        assert una.session.target != "#tea"
        assert refusals(una, mo) == []


def test_a_lost_connection_elsewhere(port: int) -> None:
    """The user is back in the channel, and nothing of before is there twice."""
    with (
        RealSession(port, "una", join=("#gap",), home="#gap") as una,
        RealSession(port, "mo", join=("#gap",), home="#gap") as mo,
    ):
        mo.enter("before")
        una.entry("#gap", "before")
        una.links[-1].abandon()
        una.until(lambda: not una.session.online, "the connection is lost")
        una.session.reconnect()
        una.until(lambda: una.session.online and una.here("#gap").is_joined, "una is back")
        mo.enter("after")
        una.entry("#gap", "after")
        assert una.texts("#gap") == ["before", "after"]
        assert refusals(una, mo) == []


def test_what_is_not_possible_elsewhere_is_said(port: int) -> None:
    """No history, nothing to delete; a reply is said, with the tag if the server passes it on."""
    with (
        RealSession(port, "una", join=("#may",), home="#may") as una,
        RealSession(port, "mo", join=("#may",), home="#may") as mo,
    ):
        mo.enter("question?")
        una.entry("#may", "question?")
        assert "keeps no messages" in una.session.talk.older(una.here("#may"))
        una.enter("/redact mo")
        una.enter("/search question")
        assert len(refusals(una)) == 2
        una.enter("/reply answer")
        if una.here("#may").log.newest_id:
            mo.entry("#may", "answer")
            una.enter("/react mo +1")
            mo.until(lambda: mo.entry("#may", "question?").reactions == {"+1": ["una"]}, "the reaction has come")
        else:
            assert "no ids" in refusals(una)[-1]
