"""IRC over WebSocket without the socket: bytes in, lines out, and the protocol's own answers.

Source: IRCv3 "WebSocket support" (one line a message, without its CR LF; subprotocols ``text.ircv3.net`` and
``binary.ircv3.net``) and RFC 6455. The ``websockets`` library's core, which does no I/O, reads the handshake and the
frames. No extension is offered, so nothing is compressed: lines are short, and a compressor for each connection costs
far more memory than it saves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from chatroom.chat.admission.ban_targets import parse_address
from chatroom.config.values import is_among
from chatroom.errors import InvalidTarget
from chatroom.irc.framing import LineBuffer, Malformed
from chatroom.server.http_request import HttpRequest, parse_request
from chatroom.server.web_answers import is_same_host

if TYPE_CHECKING:
    from chatroom.config.values import Network
    from chatroom.server.web_answers import WebPages

HANDSHAKE_BYTES = 16_384
"""The longest request of a handshake. Browsers send one or two thousand bytes."""

MESSAGE_BYTES = 16_384
"""The longest message, all fragments together. A line of more than 4,606 bytes is refused as too long (417). A message
longer than this ends the connection (1009)."""

TEXT, BINARY = "text.ircv3.net", "binary.ircv3.net"

_REQUEST_LINE = re.compile(rb"[A-Z]+ [!-~]+ HTTP/1\.[01]\r?")
# A page that this machine itself serves, to its own user.
_OWN_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?")
_ENDED = "Connection closed"
_ENDINGS: dict[int, str] = {
    CloseCode.INVALID_DATA: "Message not UTF-8",
    CloseCode.MESSAGE_TOO_BIG: "Message too long",
    CloseCode.PROTOCOL_ERROR: "WebSocket protocol error",
}


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What the headers of an HTTP proxy say of its client."""

    address: str
    https: bool
    """True if the client's connection to the proxy is encrypted."""


class _Protocol(ServerProtocol):
    """The protocol with our choice of a subprotocol. Given as a function, it would know the protocol that knows it."""

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """Return the first known subprotocol, in the client's order. A client that names none may connect too."""
        return next((name for name in subprotocols if name in (TEXT, BINARY)), None)


class WebSocketStream:
    """The server's side of the protocol for one connection. Used by one thread.

    Web pages may connect from ``allowed_origins`` and from this machine. If there are ``forwarders``, the peer is one
    of these proxies and must name its client by X-Forwarded-For. If there are ``pages``, the peer may ask for their
    files instead, and these pages may connect too.
    """

    __slots__ = (
        "_allowed_origins",
        "_buffer",
        "_forwarders",
        "_head",
        "_idle_frames",
        "_is_cut",
        "_is_text",
        "_message",
        "_outgoing",
        "_pages",
        "_partial",
        "_protocol",
        "asked",
        "ended",
        "forwarded",
        "is_open",
        "is_pipelined",
        "opcode",
        "refusal",
    )

    def __init__(
        self, allowed_origins: Sequence[str], forwarders: tuple[Network, ...] = (), pages: WebPages | None = None
    ) -> None:
        self._allowed_origins = allowed_origins
        self._forwarders = forwarders
        self._pages = pages
        self.asked: HttpRequest | None = None
        """A request for a file. The owner answers it and sets this to None; until then, nothing else is read."""
        self.is_pipelined = False
        """True if something came behind a request for a file. It is dropped, so that request must be the last."""
        self.forwarded: Forwarded | None = None
        """What the proxy's headers say of the client; None before that, and without a proxy."""
        self._protocol = _Protocol(max_size=MESSAGE_BYTES)
        self._head = b""
        """The handshake's request so far."""
        self._idle_frames = 0
        """How many frames have made no line since ``take_idle_frames``."""
        self._partial = b""
        """The beginning of a frame that is not whole yet."""
        self._message = bytearray()
        """The fragments of the present message so far."""
        self._is_cut = False
        """True if further fragments of a message must come."""
        self._is_text = True
        self._buffer = LineBuffer()
        self._outgoing: list[bytes] = []
        self.opcode = Opcode.TEXT
        """The kind of message to send. A client that names no subprotocol gets text, because all lines are UTF-8."""
        self.is_open = False
        """True once the handshake is done."""
        self.refusal = ""
        """The reason why the handshake was refused; empty while it was not."""
        self.ended = ""
        """The reason why no more lines will come; empty while some may."""

    def take_outgoing(self) -> bytes:
        """Take the protocol's own answers: the handshake's response, pongs, a close frame."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def take_idle_frames(self) -> int:
        """Return how many frames have made no line since the last call."""
        count, self._idle_frames = self._idle_frames, 0
        return count

    def feed(self, data: bytes) -> list[str | Malformed]:
        """Take received bytes and return the lines that they complete, in order, as ``LineBuffer.feed`` does."""
        if self.is_open:
            return self._read_frames(data)
        if self.refusal:
            return []
        if self.asked is not None:
            self.is_pipelined = True
            return []
        self._head += data
        end = self._head.find(b"\r\n\r\n") + 4
        is_whole = end >= 4  # not found: -1 + 4
        head, rest = (self._head[:end], self._head[end:]) if is_whole else (self._head, b"")
        if not self._is_request(head) or not is_whole:
            return []
        self._head = b""
        request = parse_request(head) if self._pages is not None else None
        if request is not None and not request.upgrades:
            if self._trust(request.headers):
                self.asked, self.is_pipelined = request, bool(rest)
            return []
        self._answer(head)
        return self._read_frames(rest) if rest else []

    # -- the handshake ----------------------------------------------------------------------------

    def refuse(self, status: HTTPStatus, why: str) -> None:
        """Answer with an HTTP error, even before the whole request has come."""
        self.refusal = why
        self._head = b""
        self._outgoing.append(error_response(status, why))

    def _is_request(self, head: bytes) -> bool:
        """Refuse at once what is no request, or too long, without waiting for its end. False if it is refused."""
        line, found, _ = head.partition(b"\n")
        if len(head) > HANDSHAKE_BYTES:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request is too long")
        elif (found and not _REQUEST_LINE.fullmatch(line)) or not head[:1].isalpha():
            self.refuse(HTTPStatus.BAD_REQUEST, "That is no HTTP request: IRC is spoken over WebSocket here")
        else:
            return True
        return False

    def _answer(self, head: bytes) -> None:
        protocol = self._protocol
        protocol.receive_data(head)
        events = protocol.events_received()
        request = events[0] if events else None
        if not isinstance(request, Request):
            self.refuse(HTTPStatus.BAD_REQUEST, "The request is malformed")
            return
        response = protocol.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._send_refusal(response, f"no WebSocket handshake: {response.status_code} {response.reason_phrase}")
            return
        if not self._trust(request.headers):
            return
        origin = request.headers.get("Origin")
        if origin is not None and not self._may_connect(origin, request.headers):
            why = f"pages of {_shown(origin)} may not connect (server.websocket_origins)"
            self._send_refusal(protocol.reject(HTTPStatus.FORBIDDEN, f"Web {why}\n"), why)
            return
        protocol.send_response(response)
        self._outgoing += protocol.data_to_send()
        self.is_open = True
        self.opcode = Opcode.BINARY if protocol.subprotocol == BINARY else Opcode.TEXT

    def _trust(self, headers: Headers) -> bool:
        """Read what a proxy says of its client. False if it says nothing valid: then the request is refused."""
        if self._forwarders:
            self.forwarded = read_forwarded(headers, self._forwarders)
            if self.forwarded is None:
                self.refuse(HTTPStatus.BAD_REQUEST, "the proxy sends no valid X-Forwarded-For (listen.forwarded_from)")
                return False
        return True

    def _may_connect(self, origin: str, headers: Headers) -> bool:
        if may_connect(origin, self._allowed_origins):
            return True
        host = headers.get("Host", "").lower()
        return self._pages is not None and is_same_host(origin, host) and self.is_own(host)

    def is_own(self, host: str) -> bool:
        """True if pages may be loaded, and may connect, under the name of that Host header. Only if there are pages."""
        https = self.forwarded is not None and self.forwarded.https
        return self._pages is not None and self._pages.is_own(host, self._allowed_origins, https=https)

    def _send_refusal(self, response: Response, why: str) -> None:
        response.headers["Sec-WebSocket-Version"] = "13"  # RFC 6455, section 4.4: what a refused client may try
        self._outgoing.append(response.serialize())
        self.refusal = why

    # -- frames -----------------------------------------------------------------------------------

    def _read_frames(self, data: bytes) -> list[str | Malformed]:
        protocol = self._protocol
        lines: list[str | Malformed] = []
        if not self.can_send:
            return lines
        protocol.receive_data(data)
        received = self._partial + data if self._partial else data
        whole = 0
        for event in protocol.events_received():
            if isinstance(event, Frame):
                whole += _size(event)
            count_before = len(lines)
            if isinstance(event, Frame) and not self._take_frame(event, lines):
                protocol.fail(CloseCode.INVALID_DATA)
                break
            self._idle_frames += len(lines) == count_before
        self._partial = received[whole:] if whole < len(received) else b""
        self._outgoing += protocol.data_to_send()
        if protocol.state is not State.OPEN:
            failed_by = protocol.close_sent if protocol.close_rcvd is None else None
            self.ended = _ENDINGS.get(failed_by.code, _ENDED) if failed_by is not None else _ENDED
        return lines

    def _take_frame(self, frame: Frame, lines: list[str | Malformed]) -> bool:
        """Add a frame to its message, and a complete message to the lines. False if a text message is not UTF-8."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return True  # a ping, a pong or a close frame: the library has answered it
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._message += frame.data
        self._is_cut = not frame.fin
        if not frame.fin:
            return True
        message = bytes(self._message)
        self._message.clear()
        if self._is_text:
            try:
                message.decode()
            except UnicodeDecodeError:
                return False  # RFC 6455, section 8.1: the connection fails; in a binary message only its line does
        # The specification forbids line ends in a message. A message that has some is as many lines, so that nothing
        # behind a line end becomes part of another line.
        lines += self._buffer.feed(message + b"\n")
        return True

    def to_state(self) -> dict[str, Any]:
        """What an open stream has to remember, for ``use_state``: kinds of messages, and what has come of the next."""
        return {
            "is_binary": self.opcode is Opcode.BINARY,
            "is_text": self._is_text,
            "is_cut": self._is_cut,
            "message": bytes(self._message),
            "partial": self._partial,
        }

    def use_state(self, state: dict[str, Any]) -> None:
        """Go on where another stream was left, with its handshake done. Call it first."""
        self._protocol = _Protocol(state=State.OPEN, max_size=MESSAGE_BYTES)
        self.is_open = True
        self.opcode = Opcode.BINARY if state["is_binary"] else Opcode.TEXT
        if state["is_cut"]:
            # The library expects the next fragment when it has read those before as one.
            kind = Opcode.TEXT if state["is_text"] else Opcode.BINARY
            self._read_frames(Frame(kind, state["message"], fin=False).serialize(mask=True))
        if state["partial"]:
            self._read_frames(state["partial"])
        self._idle_frames = 0

    @property
    def can_send(self) -> bool:
        """True if messages may be sent: between the handshake and the first close frame of either side."""
        return self._protocol.state is State.OPEN

    def close(self, code: CloseCode) -> None:
        """Send a close frame, unless the connection is closed already."""
        if self.can_send:
            self._protocol.send_close(code)
            self._outgoing += self._protocol.data_to_send()

    def free(self) -> None:
        """Let the memory be freed at once. Nothing is read from the stream any more."""
        # The parser is a generator of the protocol that it belongs to, and errors know the frames that they came
        # through, which know them: both are circles.
        protocol = self._protocol
        protocol.parser.close()
        for error in (protocol.handshake_exc, protocol.parser_exc):
            if error is not None:
                error.__traceback__ = None


def _size(frame: Frame) -> int:
    """Return the size of a client's frame, which is masked (RFC 6455, section 5.2)."""
    size = len(frame.data)
    return size + (6 if size < 126 else 8 if size < 65_536 else 14)


def to_messages(lines: bytes, opcode: Opcode) -> bytes:
    """Put lines, each with its CR LF, into messages, one each. Readers of the same kind of message share the result."""
    return b"".join([Frame(opcode, line).serialize(mask=False) for line in lines[:-2].split(b"\r\n")])


def may_connect(origin: str, allowed: Sequence[str]) -> bool:
    """True if a page of that origin may connect: the origin is allowed, or it is this machine."""
    return origin in allowed or "*" in allowed or _OWN_ORIGIN.fullmatch(origin) is not None


def read_forwarded(headers: Headers, forwarders: tuple[Network, ...]) -> Forwarded | None:
    """Return what the proxy says of its client, or None if it says nothing that can be understood.

    Each proxy appends the address of its peer to X-Forwarded-For. So the client is the last one that is no proxy of
    ours: everything before it is what the client itself may have sent.
    """
    chain = [part.strip() for value in headers.get_all("X-Forwarded-For") for part in value.split(",")]
    while chain:
        try:
            address = parse_address(chain.pop())
        except InvalidTarget:
            return None
        if not chain or not is_among(forwarders, address.version, int(address)):
            scheme = headers.get_all("X-Forwarded-Proto")[-1:]
            return Forwarded(str(address), scheme == ["https"])
    return None


def error_response(status: HTTPStatus, why: str) -> bytes:
    """Make a whole HTTP response that says why the connection is refused."""
    body = f"{why}\n".encode()
    headers = Headers(
        [
            ("Connection", "close"),
            ("Content-Length", str(len(body))),
            ("Content-Type", "text/plain; charset=utf-8"),
        ]
    )
    return Response(status.value, status.phrase, headers, body).serialize()


def _shown(origin: str) -> str:
    """Return an origin as it can be shown in a log line."""
    return origin[:100].encode("ascii", "backslashreplace").decode()
