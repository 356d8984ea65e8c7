"""One request of an outgoing hook, by the standard library's HTTP client.

It takes ``LIMIT_S`` at most, however slowly the receiver answers. Only the status of the answer counts: its body is not
read, and redirects are not followed. Proxies of the environment are not used.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from chatroom import __version__
from chatroom.chat.delivery.hook_payload import sign
from chatroom.server.hook_answer import Answer

LIMIT_S = 5.0
"""How long a delivery can take, from the connection to the status. Finding the address comes on top."""
_REFUSALS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)


class _Timed:
    """A socket whose reads end at a moment. ``http.client`` itself would wait anew for each piece of an answer."""

    deadline_mono_s = 0.0

    def recv_into(self, *args: Any, **more: Any) -> int:
        """Read as the socket does, but not beyond the deadline. Raises ``TimeoutError``."""
        left_s = self.deadline_mono_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self.settimeout(left_s)  # type: ignore[attr-defined]
        read: int = super().recv_into(*args, **more)  # type: ignore[misc]
        return read


class _TimedSocket(_Timed, socket.socket):
    pass


class _TimedTlsSocket(_Timed, ssl.SSLSocket):
    pass


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = _TimedTlsSocket
    return context


def send(url: str, secret: str, event_id: str, body: bytes) -> Answer:
    """Send a body to a URL, signed, and return what became of it. Raises nothing. It blocks."""
    deadline_mono_s, timestamp = time.monotonic() + LIMIT_S, int(time.time())
    try:
        parts = urlsplit(url)
        port, signature = parts.port, sign(secret, event_id, timestamp, body)
    except ValueError as error:
        return Answer(False, f"its URL or secret is damaged: {error}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"chatroom/{__version__}",
        "Connection": "close",
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }
    default_port = http.client.HTTPS_PORT if parts.scheme == "https" else http.client.HTTP_PORT
    try:
        connection = http.client.HTTPConnection(parts.hostname or "", port or default_port)
        with contextlib.closing(connection):
            connection.default_port = default_port  # the header Host has any other one
            connection.sock = _connect(connection, parts.scheme == "https", deadline_mono_s)
            connection.request("POST", path, body, headers)
            return _judge(connection.getresponse())
    except TimeoutError:
        return Answer(False, f"no answer within {LIMIT_S:.0f} s")
    except ssl.SSLCertVerificationError as error:
        return Answer(False, f"its certificate is not valid: {error.verify_message}")
    except http.client.HTTPException as error:
        return Answer(False, f"it answers no HTTP ({type(error).__name__})")
    except (OSError, ValueError) as error:  # ValueError: a name that cannot be put into DNS
        return Answer(False, getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _connect(connection: http.client.HTTPConnection, tls: bool, deadline_mono_s: float) -> socket.socket:
    sock = _try_addresses(connection.host, connection.port, deadline_mono_s)
    sock.settimeout(max(0.001, deadline_mono_s - time.monotonic()))
    if tls:
        encrypted = _tls().wrap_socket(sock, server_hostname=connection.host)
        assert isinstance(encrypted, _TimedTlsSocket)
        encrypted.deadline_mono_s = deadline_mono_s
        return encrypted
    sock.deadline_mono_s = deadline_mono_s
    return sock


def _try_addresses(host: str, port: int, deadline_mono_s: float) -> _TimedSocket:
    """Connect to the first address of a name that answers. Each has its share of the time. Raises ``OSError``."""
    choices = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError(f"{host} has no address")
    for tried, (family, kind, protocol, _, address) in enumerate(choices):
        share_s = (deadline_mono_s - time.monotonic()) / (len(choices) - tried)
        if share_s <= 0:
            raise TimeoutError
        sock = _TimedSocket(family, kind, protocol)
        try:
            sock.settimeout(share_s)
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _judge(response: http.client.HTTPResponse) -> Answer:
    status = response.status
    text = f"the answer is {status} {response.reason}"[:200].rstrip()
    text = "".join(char if char.isprintable() else "?" for char in text)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(True, text)
    if status < HTTPStatus.BAD_REQUEST:
        text += ", and redirects are not followed"
    return Answer(False, text, status in _REFUSALS)
