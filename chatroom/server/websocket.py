"""IRC over WebSocket without the socket: bytes in, lines out, and what is to be answered.

Source: IRCv3 "WebSocket support" (one line a message, without its CR LF; subprotocols ``text.ircv3.net`` and
``binary.ircv3.net``) and RFC 6455. The handshake and the frames are read by the ``websockets`` library's sans-I/O
core. No extension is offered, so nothing is compressed: lines are short, and a compressor a connection costs far more
memory than it saves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from chatroom.irc.framing import LineBuffer, Malformed

HANDSHAKE_BYTES = 16_384
"""The most a handshake's request may take: browsers send one or two thousand."""

MESSAGE_BYTES = 16_384
"""The most a message may take, all fragments together. A line of more than 4,606 bytes is refused as too long (417);
beyond this the connection ends (1009) instead of being read on."""

TEXT, BINARY = "text.ircv3.net", "binary.ircv3.net"

_REQUEST_LINE = re.compile(rb"[A-Z]+ [!-~]+ HTTP/1\.[01]\r?")
_OWN_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?")
_ENDED = "Connection closed"
_ENDINGS: dict[int, str] = {
    CloseCode.INVALID_DATA: "Message not UTF-8",
    CloseCode.MESSAGE_TOO_BIG: "Message too long",
    CloseCode.PROTOCOL_ERROR: "WebSocket protocol error",
}


class WebSocketStream:
    """One connection's side of the protocol. Used by one thread.

    ``allowed_origins`` are those whose pages may connect, besides this machine's own.
    """

    __slots__ = (
        "_allowed_origins",
        "_buffer",
        "_head",
        "_is_text",
        "_message",
        "_outgoing",
        "_protocol",
        "ended",
        "is_open",
        "opcode",
        "refusal",
    )

    def __init__(self, allowed_origins: Sequence[str]) -> None:
        self._allowed_origins = allowed_origins
        self._protocol = ServerProtocol(select_subprotocol=_choose, max_size=MESSAGE_BYTES)
        self._head = b""
        """The request so far."""
        self._message = bytearray()
        """The fragments of a message so far."""
        self._is_text = True
        self._buffer = LineBuffer()
        self._outgoing: list[bytes] = []
        self.opcode = Opcode.TEXT
        """What our own messages are. A client that names no subprotocol gets text: all that we send is UTF-8."""
        self.is_open = False
        """Whether the handshake is done."""
        self.refusal = ""
        """Why there will be no connection; empty while there may be one."""
        self.ended = ""
        """Why no more lines will come; empty while some may."""

    def take_outgoing(self) -> bytes:
        """What the protocol itself has to answer: the handshake's response, pongs, a close frame."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def feed(self, data: bytes) -> list[str | Malformed]:
        """The lines that ``data`` completes, in order, as ``LineBuffer.feed``."""
        if self.is_open:
            return self._read_frames(data)
        if self.refusal:
            return []
        self._head += data
        end = self._head.find(b"\r\n\r\n") + 4
        if end < 4:
            self._doubt_request()
            return []
        head, rest = self._head[:end], self._head[end:]
        if len(head) > HANDSHAKE_BYTES:
            self._doubt_request()
            return []
        self._head = b""
        self._answer(head)
        return self._read_frames(rest) if rest else []

    # -- the handshake ----------------------------------------------------------------------------

    def refuse(self, status: HTTPStatus, why: str) -> None:
        """Answer the request by an error, in the middle of it or before it has come."""
        self.refusal = why
        self._head = b""
        self._outgoing.append(error_response(status, why))

    def _doubt_request(self) -> None:
        """Refuse at once what is no request, or too long a one, instead of waiting for its end."""
        head = self._head
        line, found, _ = head.partition(b"\n")
        if len(head) > HANDSHAKE_BYTES:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request is too long")
        elif (found and not _REQUEST_LINE.fullmatch(line)) or not head[:1].isalpha():
            self.refuse(HTTPStatus.BAD_REQUEST, "That is no HTTP request: IRC is spoken over WebSocket here")

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
        origin = request.headers.get("Origin")
        if origin is not None and not may_connect(origin, self._allowed_origins):
            why = f"pages of {_shown(origin)} may not connect (server.websocket_origins)"
            self._send_refusal(protocol.reject(HTTPStatus.FORBIDDEN, f"Web {why}\n"), why)
            return
        protocol.send_response(response)
        self._outgoing += protocol.data_to_send()
        self.is_open = True
        self.opcode = Opcode.BINARY if protocol.subprotocol == BINARY else Opcode.TEXT

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
        for event in protocol.events_received():
            if isinstance(event, Frame) and not self._take_frame(event, lines):
                protocol.fail(CloseCode.INVALID_DATA)
                break
        self._outgoing += protocol.data_to_send()
        if protocol.state is not State.OPEN:
            failed_by = protocol.close_sent if protocol.close_rcvd is None else None
            self.ended = _ENDINGS.get(failed_by.code, _ENDED) if failed_by is not None else _ENDED
        return lines

    def _take_frame(self, frame: Frame, lines: list[str | Malformed]) -> bool:
        """Add a frame to its message and, where that is complete, its line; False where a text message is no text.

        A message that holds line ends after all is as many lines: nothing behind one slips by as part of another line.
        """
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return True  # a ping, a pong or a close frame: the library has answered it
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._message += frame.data
        if not frame.fin:
            return True
        message = bytes(self._message)
        self._message.clear()
        if self._is_text:
            try:
                message.decode()
            except UnicodeDecodeError:
                return False  # RFC 6455, section 8.1: the connection fails; in a binary message only its line does
        lines += self._buffer.feed(message + b"\n")
        return True

    @property
    def can_send(self) -> bool:
        """Whether messages may be sent: between the handshake and the first close frame, whoever sends it."""
        return self._protocol.state is State.OPEN

    def close(self) -> None:
        """Say that nothing more will be sent."""
        if self.can_send:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._outgoing += self._protocol.data_to_send()


def to_messages(lines: bytes, opcode: Opcode) -> bytes:
    """Lines, each with its CR LF, as messages; the same bytes serve everybody who gets that kind of message."""
    return b"".join([Frame(opcode, line).serialize(mask=False) for line in lines[:-2].split(b"\r\n")])


def may_connect(origin: str, allowed: Sequence[str]) -> bool:
    """Whether a page of that origin may: one that is allowed, or one that this very machine shows its own user."""
    return origin in allowed or "*" in allowed or _OWN_ORIGIN.fullmatch(origin) is not None


def error_response(status: HTTPStatus, why: str) -> bytes:
    """A whole HTTP response that says why there will be no connection."""
    body = f"{why}\n".encode()
    headers = Headers(
        [
            ("Connection", "close"),
            ("Content-Length", str(len(body))),
            ("Content-Type", "text/plain; charset=utf-8"),
        ]
    )
    return Response(status.value, status.phrase, headers, body).serialize()


def _choose(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The first of ours that the client names: the order is the client's. Without one there is a connection as well."""
    return next((name for name in offered if name in (TEXT, BINARY)), None)


def _shown(origin: str) -> str:
    """An origin as it may stand on the operator's screen."""
    return origin[:100].encode("ascii", "backslashreplace").decode()
