"""One HTTP request for a file: its head in bytes, and what an answer needs of it.

Source: RFC 9112 (HTTP/1.1 messages) and RFC 9110 (their meaning). A request to open a WebSocket is read by the
``websockets`` library, which knows GET only and one request for each connection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from websockets.datastructures import Headers

_MOST_FIELDS = 100
_REQUEST_LINE = re.compile(rb"([A-Z]+) ([!-~]+) HTTP/1\.([01])")
# RFC 9112, section 5.1: no space in front of the colon, and no line that goes on in the next one. The value is stripped
# by itself: an expression for the spaces too would try every way to share them out, for hours with 16,000 of them.
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_TAG = re.compile(r'\*|(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """The head of a request."""

    method: str
    target: str
    headers: Headers
    is_last: bool
    """True if nothing more is read of the connection: the client says so, or a body follows."""

    @property
    def upgrades(self) -> bool:
        """True if the client asks for another protocol."""
        return "Upgrade" in self.headers

    @property
    def path(self) -> str:
        """The target without its query, as the client has encoded it."""
        return self.target.partition("?")[0]

    @property
    def host(self) -> str:
        """The name or address, and perhaps the port, under which the client knows the server; empty if it says none."""
        found = self.headers.get_all("Host")
        return found[0].lower() if found else ""

    def has_tag(self, tag: str) -> bool:
        """True if the client has the version of the file with that entity tag (RFC 9110, section 13.1.2)."""
        given = ", ".join(self.headers.get_all("If-None-Match"))
        return any(found[0] == "*" or found[1] == tag for found in _TAG.finditer(given))


def parse_request(head: bytes) -> HttpRequest | None:
    """Return the request of a head, which ends with an empty line; None if it is malformed."""
    line, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    first = _REQUEST_LINE.fullmatch(line)
    if first is None or len(fields) > _MOST_FIELDS:
        return None
    headers = Headers()
    for field in fields:
        found = _FIELD.fullmatch(field)
        if found is None:
            return None
        headers[found[1].decode()] = found[2].strip(b" \t").decode("latin-1")
    hosts = len(headers.get_all("Host"))
    is_old = first[3] == b"0"
    if hosts > 1 or (not hosts and not is_old):  # RFC 9112, section 3.2
        return None
    words = ",".join(headers.get_all("Connection")).lower().replace(" ", "").split(",")
    has_body = "Transfer-Encoding" in headers or headers.get_all("Content-Length") not in ([], ["0"])
    return HttpRequest(first[1].decode(), first[2].decode(), headers, is_old or has_body or "close" in words)
