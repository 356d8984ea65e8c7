"""HTTP on a port for IRC: nothing of a request is run."""

from __future__ import annotations

import pytest
from harness.world import Here

from chatroom.irc.framing import LineBuffer

BODY = "NICK eve\r\nUSER eve 0 * :E\r\nJOIN #lobby\r\n"


@pytest.mark.parametrize(
    "first",
    ["POST / HTTP/1.1", "GET / HTTP/1.0", "PRI * HTTP/2.0", f"POST /{'x' * 900} HTTP/1.1", "post / HTTP/1.1"],
)
def test_a_request_ends_the_connection(here: Here, first: str) -> None:
    """The first line ends it, however long it is, so the body is never run."""
    client = here.open()
    client.say(*LineBuffer().feed(f"{first}\r\nHost: chat\r\n\r\n{BODY}".encode()))
    assert client.closed
    assert here.world.find_user("eve") is None


def test_a_verb_that_is_called_so_later_is_only_unknown(here: Here) -> None:
    """A page cannot speak first, so a registered user is no browser."""
    eve = here.connect("eve")
    assert " 421 " in eve.ask("GET /")[0]


@pytest.mark.parametrize("first", ["\ufeffPOST / HTTP/1.1", "\ufeff"])
def test_a_byte_order_mark_hides_nothing(here: Here, first: str) -> None:
    """What is behind it is judged as without it."""
    client = here.open()
    client.say(first)
    assert client.closed == ("POST" in first)
    assert client.closed or client.read() == []


def test_a_byte_order_mark_before_the_first_line_is_dropped(here: Here) -> None:
    """Programs that read their lines from a file send it. Later in the stream it is a character as any other."""
    client = here.open()
    client.say(*LineBuffer().feed(b"\xef\xbb\xbfNICK eve\r\nUSER eve 0 * :E\r\n"))
    assert client.user.nick == "eve"
    assert " 421 eve \ufeffPING " in client.ask("\ufeffPING x")[0]
