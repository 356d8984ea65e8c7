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


@pytest.mark.parametrize(
    "first",
    [
        *("FOO / HTTP/1.1", "PROPFIND / HTTP/1.1", "\ufeffFOO / HTTP/1.1", "NICK / HTTP/2", "foo / http/1.0"),
        *(f"PROPFIND /{'x' * 900} HTTP/1.1", "PROPFIND /\udcff HTTP/1.1"),
    ],
)
def test_a_first_line_that_ends_like_a_request_ends_the_connection(here: Here, first: str) -> None:
    """A page's script chooses the method. The network may cut a long line, whose end is then not known."""
    stream = f"{first}\r\nHost: chat\r\n\r\n{BODY}".encode(errors="surrogateescape")
    for piece in (len(stream), 100):
        buffer, client = LineBuffer(), here.open()
        client.say(*(line for at in range(0, len(stream), piece) for line in buffer.feed(stream[at : at + piece])))
        assert client.closed
        assert here.world.find_user("eve") is None


@pytest.mark.parametrize("first", ["CAP LS 302", "NICK eve", "PASS HTTP", "FOO"])
def test_only_the_first_line_is_taken_for_a_request(here: Here, first: str) -> None:
    """A later line may end so, such as the real name in USER."""
    client = here.open()
    client.say(first, "NICK eve", "USER eve 0 * :speaks HTTP/1.1", "CAP END")
    assert not client.closed
    assert client.user.nick == "eve"


def test_a_verb_that_is_called_so_later_is_only_unknown(here: Here) -> None:
    """A page cannot speak first, so a registered user is no browser."""
    eve = here.connect("eve")
    assert " 421 " in eve.ask("GET /")[0]


@pytest.mark.parametrize("first", ["\ufeffPOST / HTTP/1.1", "\ufeff", "\ufeff" * 1400])
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
