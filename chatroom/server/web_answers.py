"""Answers to requests for files, on a WebSocket listener with a ``webroot``.

A page may connect to the server that it was loaded from. By itself that rule would let in any page: its owner can give
its name our address in the DNS, after a visitor has loaded it ("DNS rebinding"), and both names are the same then. So
the server only answers under names that are its own (``is_own_host``), unless the browser has checked the name by TLS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.server.http_request import HttpRequest
    from chatroom.server.web_files import WebFile

MOST_REQUESTS = 20
"""How many requests of one connection are answered. With the limits of connections, that limits requests."""

_METHODS = "GET, HEAD"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]*)(:[0-9]*)?")
# Names that the public DNS does not have (RFC 6761, 6762, 8375): no stranger can give them an address.
_LOCAL_ENDS = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """One answer: its head, and the body, which may be long and is shared by all answers."""

    head: bytes
    body: bytes
    closes: bool
    """True if the connection is closed behind it."""


@dataclass(frozen=True, slots=True)
class WebPages:
    """What a listener with a ``webroot`` answers from. Never changed; any thread may use it."""

    files: Mapping[str, WebFile]
    """The files, by their paths in a request."""
    server_name: str
    is_encrypted: bool
    """True if the listener has TLS: then the browser has checked the name that it shows."""

    def is_own(self, host: str, origins: Sequence[str], *, https: bool) -> bool:
        """True if the server may answer under that name: a Host header, in lower case.

        ``https`` is True if a proxy says that its client's connection is encrypted.
        """
        return self.is_encrypted or https or is_own_host(host, self.server_name, origins)

    def answer(self, request: HttpRequest, *, is_own: bool, is_last: bool) -> WebAnswer:
        """Answer a request. ``is_last`` is True if nothing more is read of the connection, whatever the client says."""
        closes = is_last or request.is_last
        if request.method not in ("GET", "HEAD"):
            why = "Only files are served here: GET or HEAD"
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, why, True, f"Allow: {_METHODS}\r\n")
        is_head = request.method == "HEAD"
        if not is_own:
            why = f"This server does not know itself as {_shown(request.host)} (server.name, server.websocket_origins)"
            return _refusal(HTTPStatus.MISDIRECTED_REQUEST, why, True, is_head=is_head)
        file = self.files.get(request.path)
        if file is None:
            return _refusal(HTTPStatus.NOT_FOUND, "There is no such file here", closes, is_head=is_head)
        if request.has_tag(file.tag):
            return WebAnswer(_head(HTTPStatus.NOT_MODIFIED, file.fields, closes), b"", closes)
        fields = file.fields + f"Content-Length: {len(file.body)}\r\n".encode()
        return WebAnswer(_head(HTTPStatus.OK, fields, closes), b"" if is_head else file.body, closes)


def is_own_host(host: str, server_name: str, origins: Sequence[str]) -> bool:
    """True if no stranger can have a page under that name: a Host header, in lower case.

    It is an address, a name that the public DNS does not have, the name of the server, or that of a listed origin. A
    request without a name is from no browser.
    """
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = found[1].strip("[]").removesuffix(".")
    if "." not in name.strip(".") or name == server_name.lower() or name.endswith(_LOCAL_ENDS):
        return True
    try:
        ip_address(name)
    except ValueError:
        return "*" in origins or any(origin.partition("://")[2] == host for origin in origins)
    return True


def is_same_host(origin: str, host: str) -> bool:
    """True if a page of that origin was loaded from that host: a Host header, in lower case."""
    scheme, found, authority = origin.partition("://")
    return bool(found and host) and scheme in ("http", "https") and authority.lower() == host


def _head(status: HTTPStatus, fields: bytes, closes: bool) -> bytes:
    first = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nDate: {formatdate(usegmt=True)}\r\n"
        f"Connection: {'close' if closes else 'keep-alive'}\r\n"
    )
    return b"%b%b\r\n" % (first.encode(), fields)


def _refusal(status: HTTPStatus, why: str, closes: bool, fields: str = "", *, is_head: bool = False) -> WebAnswer:
    body = f"{why}\n".encode()
    fields += f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    fields += "X-Content-Type-Options: nosniff\r\n"
    return WebAnswer(_head(status, fields.encode(), closes), b"" if is_head else body, closes)


def _shown(host: str) -> str:
    return host[:100].encode("ascii", "backslashreplace").decode()
