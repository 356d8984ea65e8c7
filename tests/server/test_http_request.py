"""The head of a request for a file, in bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.server.http_request import HttpRequest, parse_request


def parsed(*fields: str, line: str = "GET /page.js?v=1 HTTP/1.1", host: str = "Chat.example.org:80") -> HttpRequest:
    """Parse a request that is well formed."""
    request = parse_request("\r\n".join([line, f"Host: {host}", *fields, "", ""]).encode("latin-1"))
    assert request is not None
    return request


def test_a_request_has_its_parts() -> None:
    """Method, path without the query, and the host in lower case."""
    request = parsed("Accept: */*")
    assert (request.method, request.path, request.host) == ("GET", "/page.js", "chat.example.org:80")
    assert not request.upgrades
    assert not request.is_last


@pytest.mark.parametrize(
    "fields, line",
    [
        (["Connection: close"], "GET / HTTP/1.1"),
        (["Connection: Foo, Close"], "GET / HTTP/1.1"),
        (["Content-Length: 5"], "GET / HTTP/1.1"),
        (["Content-Length: 0", "Content-Length: 5"], "GET / HTTP/1.1"),
        (["Transfer-Encoding: chunked"], "GET / HTTP/1.1"),
        ([], "GET / HTTP/1.0"),
    ],
)
def test_after_some_requests_nothing_is_read(fields: list[str], line: str) -> None:
    """The client closes the connection, knows no other way, or sends a body, which nobody reads."""
    assert parsed(*fields, line=line).is_last


def test_a_request_without_a_body_may_say_so() -> None:
    """A length of 0 is no body."""
    assert not parsed("Content-Length: 0").is_last


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_malformed_is_no_request(head: bytes) -> None:
    """RFC 9112: one host, no space before a colon, no folded line, no bare line end."""
    assert parse_request(head) is None


@pytest.mark.parametrize(
    "given_tags, has",
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", "abc"', True),
        ('"x,y" , W/"abc"', True),
        ("*", True),
        ('"abcd"', False),
        ('"x"', False),
        ("abc", False),
        ("", False),
    ],
)
def test_which_entity_tags_the_client_has(given_tags: str, has: bool) -> None:
    """RFC 9110, section 13.1.2: a list, compared weakly, or all."""
    assert parsed(f"If-None-Match: {given_tags}").has_tag('"abc"') is has


@pytest.mark.parametrize("field", [b"X: a" + b" " * 16_000 + b"b", b"X:" + b" \t" * 8000 + b"\x01"])
def test_a_field_of_many_spaces_takes_no_time(field: bytes) -> None:
    """A stranger may send it, and all wait meanwhile: one that tries ways to share them out is at it for hours."""
    for _ in range(1000):
        request = parse_request(b"GET / HTTP/1.1\r\nHost: a\r\n" + field + b"\r\n\r\n")
        assert request is None or request.headers["X"] == field[3:].decode()


def test_the_spaces_around_a_value_are_none_of_it() -> None:
    """RFC 9112, section 5.1."""
    request = parsed("X: \t a  b \t", "Y:", "Z: \t ")
    assert (request.headers["X"], request.headers["Y"], request.headers["Z"]) == ("a  b", "", "")


@given(st.binary(max_size=300))
def test_no_bytes_are_a_fault(data: bytes) -> None:
    """Whatever comes is a request or none."""
    for head in (data + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n" + data + b"\r\n\r\n"):
        request = parse_request(head)
        if request is not None:
            assert "\r" not in request.target and "\n" not in request.host
            request.has_tag('"abc"')
