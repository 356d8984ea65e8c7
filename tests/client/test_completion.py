from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatroom.client.address import Address
from chatroom.client.chat_session import ChatSession
from chatroom.client.completion import ChatCompleter
from chatroom.client.handshake import Login
from chatroom.client.known_servers import KnownServers
from chatroom.client.link import Link
from chatroom.client.route import Route
from chatroom.irc.message import parse


@pytest.fixture
def completer() -> ChatCompleter:
    """The completer of alice in #lobby with Bob, bea and carol, after a /list that showed #garden."""
    address = Address("127.0.0.1", 1)
    route = Route(address, KnownServers(None), lambda: datetime.now(UTC))
    session = ChatSession(route, Login("alice"), lambda: Link(address, lambda item: None), lambda: 0.0, lambda: 0.0)
    session.state.reset("alice", set())
    for line in (
        ":alice!a@h JOIN #lobby",
        ":srv 353 alice = #lobby :@Bob bea carol alice",
        ":srv 366 alice #lobby :End",
        ":srv 322 alice #garden 3 :flowers",
    ):
        session.state.feed(parse(line))
    assert session.navigation.turn_to("#lobby")
    return ChatCompleter(session)


@pytest.mark.parametrize(
    "typed, candidates",
    [
        ("/ba", ["/back ", "/ban ", "/bans "]),
        ("/qu", ["/query ", "/quit "]),
        ("b", ["bea: ", "Bob: "]),
        ("BO", ["Bob: "]),
        ("hi b", ["bea ", "Bob "]),
        ("ali", []),
        ("/kick ca", ["carol "]),
        ("/kick carol b", ["bea ", "Bob "]),
        ("/join #g", ["#garden "]),
        ("/join b", []),
        ("see #l", ["#lobby "]),
        ("/me hugs b", ["bea ", "Bob "]),
        ("/help ki", ["kick"]),
        ("/search from:b", ["from:bea ", "from:Bob "]),
        ("/search in:#g", ["in:#garden "]),
        ("/search all b", ["bea ", "Bob "]),
        ("", []),
        ("hi ", []),
        ("//ba", []),
    ],
)
def test_what_tab_offers(completer: ChatCompleter, typed: str, candidates: list[str]) -> None:
    """Commands complete at the start of a line, nicks and channels elsewhere; never the user's own nick."""
    found = completer.candidates(typed)
    assert [candidate.text for candidate in found] == candidates
