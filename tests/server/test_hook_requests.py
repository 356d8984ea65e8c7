"""Requests to incoming hooks, in pieces of all sizes."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.server.hook_requests import MOST_BODY, MOST_HEAD, BadRequest, Post, Reading, make_response


def request(body: bytes, *fields: str, line: str = "POST /hooks/1-abc HTTP/1.1") -> bytes:
    """A request with a body of that length."""
    head = [line, "Host: chat", *fields, f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


def read(data: bytes) -> Post | None:
    """What is read of a request that comes at once."""
    return Reading().feed(data)


@pytest.mark.parametrize(
    "kind, body, text",
    [
        ("text/plain", "héllo\n", "héllo\n"),
        ("text/plain", '{"text": "as it is"}', '{"text": "as it is"}'),
        ("application/json; charset=utf-8", '{"text": "hi", "username": "x", "icon_emoji": ":x:"}', "hi"),
        ("application/x-www-form-urlencoded", "build 17: a=b&c %", "build 17: a=b&c %"),
        ("application/x-www-form-urlencoded", '{"text": "hi"}', "hi"),
        ("application/x-www-form-urlencoded", "payload=%7B%22text%22%3A+%22a+b%22%7D", "a b"),
        ("", "plain", "plain"),
        ("text/plain", "\ufeffa file from Windows", "a file from Windows"),
        ("application/json", '\ufeff{"text": "hi"}', "hi"),
        ("", '\ufeff{"text": "hi"}', "hi"),
        ("", '{"text": "\\u00e9"}', "é"),
    ],
)
def test_text_comes_in_several_forms(kind: str, body: str, text: str) -> None:
    """JSON with other keys that Slack knows, what curl sends unasked, and plain text."""
    fields = [f"Content-Type: {kind}"] if kind else []
    assert read(request(body.encode(), *fields)) == Post("1-abc", text)


def test_the_token_may_be_a_credential() -> None:
    """So that it is not in the logs of a web server."""
    data = request(b"hi", "Authorization: bearer 1-abc", line="POST /hooks HTTP/1.0")
    assert read(data) == Post("1-abc", "hi")
    assert read(request(b"hi", "Authorization: Basic eA==", line="POST /hooks/?x HTTP/1.1")) == Post("", "hi")


@pytest.mark.parametrize(
    "data, status",
    [
        (b"hello\r\n\r\n", 400),
        (request(b"x", line="GET /hooks/1-abc HTTP/1.1"), 405),
        (request(b"x", line="POST / HTTP/1.1"), 404),
        (request(b"x", line="POST /hooksx HTTP/1.1"), 404),
        (b"POST /hooks/1 HTTP/1.1\r\nHost: x\r\n\r\n", 411),
        (b"POST /hooks/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (request(b"x", "Content-Length: 1"), 411),
        (b"POST /hooks/1 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (f"POST /hooks/1 HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST_BODY + 1}\r\n\r\n".encode(), 413),
        (b"POST /hooks/1 HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST /hooks/1 HTTP/1.1\r\nX: " + b"x" * MOST_HEAD, 431),
        (request(b"x", "X: " + "x" * MOST_HEAD), 431),
        (request(b"\xff"), 400),
        (request(b"{", "Content-Type: application/json"), 400),
        (request(b"[" * 60_000, "Content-Type: application/json"), 400),
        (request(b'["text"]', "Content-Type: application/json"), 400),
        (request(b'{"text": 1}'), 400),
        (request(b'{"text": "\\ud800"}'), 400),
    ],
)
def test_a_bad_request_has_a_status(data: bytes, status: int) -> None:
    """And one line that says why."""
    with pytest.raises(BadRequest) as caught:
        read(data)
    assert caught.value.status == status and str(caught.value)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.lists(st.integers(1, 30), max_size=20))
def test_pieces_make_no_difference(text: str, sizes: list[int]) -> None:
    """However the network splits it, the request is complete with its last byte."""
    data, reading = request(json.dumps({"text": text}).encode(), "Content-Type: application/json"), Reading()
    for size in sizes:
        if size < len(data):
            assert reading.feed(data[:size]) is None
            data = data[size:]
    assert reading.feed(data) == Post("1-abc", text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing else is raised."""
    try:
        assert read(data) is None or data.startswith(b"POST /hooks")
    except BadRequest:
        pass


@pytest.mark.parametrize("word", [b"100-continue", b"100-Continue"])
def test_a_client_may_wait_before_its_body(word: bytes) -> None:
    """Until it is told to go on."""
    head = b"POST /hooks/1-abc HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: " + word + b"\r\n\r\n"
    assert not Reading().waits_to_go_on
    reading = Reading()
    assert reading.feed(head) is None
    assert reading.waits_to_go_on
    assert reading.feed(b"hi") == Post("1-abc", "hi")


def test_an_answer_is_one_line() -> None:
    """With the time to try again, and the methods that are allowed."""
    assert make_response(HTTPStatus.TOO_MANY_REQUESTS, "later", 3).endswith(b"Retry-After: 3\r\n\r\nlater\n")
    assert b"Allow: POST\r\n" in make_response(HTTPStatus.METHOD_NOT_ALLOWED, "no")
