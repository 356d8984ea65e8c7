"""The requests of programs to incoming hooks, in bytes, and what is in them. It does no input or output.

Source: RFC 9112. The body is JSON with the key ``text``, as Slack and others have it, a form with that JSON in
``payload``, or plain text.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qs

from chatroom.server.http_request import HttpRequest, parse_request

PATH = "/hooks"
MOST_HEAD = 8192
MOST_BODY = 65_536
"""Larger than any text may be, for JSON that has more in it than the text."""
_END = b"\r\n\r\n"


class Post(NamedTuple):
    """A text for a hook."""

    token: str
    text: str


class BadRequest(Exception):
    """A request that is answered with a status and one line, and not read on."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Reading:
    """A request that comes in pieces."""

    def __init__(self) -> None:
        self._data = b""
        self._request: HttpRequest | None = None
        self._size = 0

    def feed(self, data: bytes) -> Post | None:
        """Take a piece. Return the text if the request is complete. Raises ``BadRequest``."""
        self._data += data
        if self._request is None:
            head, end, rest = self._data.partition(_END)
            if len(head) > MOST_HEAD:
                raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too long")
            if not end:
                return None
            self._request, self._size = _read_head(head + end)
            self._data = rest
        if len(self._data) < self._size:
            return None
        return _read_post(self._request, self._data[: self._size])

    @property
    def waits_to_go_on(self) -> bool:
        """True if the client sends the body only when it is told to (RFC 9110, section 10.1.1)."""
        request = self._request
        if request is None or self._data:
            return False
        return any(word.lower() == "100-continue" for word in request.headers.get_all("Expect"))


def make_response(status: HTTPStatus, text: str, wait_s: int = 0) -> bytes:
    """The answer to a request: one line of text."""
    body = f"{text}\n".encode()
    fields = [
        f"HTTP/1.1 {int(status)} {status.phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *([f"Retry-After: {wait_s}"] if wait_s else []),
        *(["Allow: POST"] if status is HTTPStatus.METHOD_NOT_ALLOWED else []),
    ]
    return "\r\n".join([*fields, "", ""]).encode() + body


def _read_head(head: bytes) -> tuple[HttpRequest, int]:
    """Return a head and the length of the body behind it. Raises ``BadRequest``."""
    request = parse_request(head)
    if request is None:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "this is no HTTP request")
    if request.path != PATH and not request.path.startswith(f"{PATH}/"):
        raise BadRequest(HTTPStatus.NOT_FOUND, f"hooks are at {PATH}/TOKEN")
    if request.method != "POST":
        raise BadRequest(HTTPStatus.METHOD_NOT_ALLOWED, "say something with POST")
    lengths = request.headers.get_all("Content-Length")
    if "Transfer-Encoding" in request.headers or len(lengths) != 1:
        raise BadRequest(HTTPStatus.LENGTH_REQUIRED, "the request needs a Content-Length")
    if not (lengths[0].isascii() and lengths[0].isdecimal()):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the Content-Length is no number")
    size = int(lengths[0]) if len(lengths[0]) < 10 else MOST_BODY + 1
    if size > MOST_BODY:
        raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {MOST_BODY} bytes")
    return request, size


def _read_post(request: HttpRequest, body: bytes) -> Post:
    token = request.path[len(PATH) + 1 :]
    for credentials in request.headers.get_all("Authorization"):
        scheme, _, value = credentials.partition(" ")
        token = value.strip() if scheme.lower() == "bearer" and not token else token
    try:
        text = body.decode("utf-8-sig")  # a file from Windows begins with a byte order mark
    except UnicodeDecodeError:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the text is not UTF-8") from None
    kind = ";".join(request.headers.get_all("Content-Type")).partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded" and text.startswith("payload="):
        kind, text = "application/json", parse_qs(text).get("payload", [""])[0]
    # curl says that all it sends is a form, if it is not told otherwise: JSON is known by how it begins.
    if kind == "application/json" or (text.startswith("{") and kind != "text/plain"):
        text = _read_json(text)
    return Post(token, text)


def _read_json(body: str) -> str:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the body is no valid JSON") from None
    text = document.get("text") if isinstance(document, dict) else None
    if not isinstance(text, str):
        raise BadRequest(HTTPStatus.BAD_REQUEST, 'the JSON has no text: {"text": "hello"}')
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the text has half of a character")
    return text
