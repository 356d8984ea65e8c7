"""WebSocket without a socket. Frames are made by hand here, not by the library under test."""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import replace
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import CloseCode, Opcode

from chatroom.irc.framing import Malformed
from chatroom.server.web_answers import WebPages
from chatroom.server.websocket import (
    HANDSHAKE_BYTES,
    MESSAGE_BYTES,
    WebSocketStream,
    error_response,
    may_connect,
    to_messages,
)

KEY = base64.b64encode(b"sixteen bytes ok").decode()
WEB_PAGES = WebPages({}, "chat.local", is_encrypted=False)
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def request(*more: str, line: str = "GET / HTTP/1.1", left_out: str = "") -> bytes:
    """Make a handshake's request."""
    headers = [
        "Host: chat.example.org",
        "Upgrade: websocket",
        "Connection: keep-alive, Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
    ]
    kept = [header for header in headers if not left_out or not header.startswith(left_out)]
    return "\r\n".join([line, *kept, *more, "", ""]).encode()


def frame(opcode: int, data: bytes, *, last: bool = True, masked: bool = True) -> bytes:
    """Make one frame of a client."""
    size = len(data)
    bit = 0x80 if masked else 0
    head = bytes([(0x80 if last else 0) | opcode])
    head += bytes([bit | size]) if size < 126 else struct.pack(">BH", bit | 126, size)
    if not masked:
        return head + data
    mask = b"\x11\x22\x33\x44"
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def opened(*more: str, origins: tuple[str, ...] = ()) -> WebSocketStream:
    """Make a stream whose handshake is done."""
    stream = WebSocketStream(origins)
    assert stream.feed(request(*more)) == []
    assert stream.is_open, stream.refusal
    assert stream.take_outgoing().startswith(b"HTTP/1.1 101 ")
    return stream


def refused(data: bytes, origins: tuple[str, ...] = ()) -> tuple[int, WebSocketStream]:
    """Return the HTTP status of a refused request."""
    stream = WebSocketStream(origins)
    assert stream.feed(data) == []
    assert not stream.is_open
    assert stream.refusal
    answer = stream.take_outgoing()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Connection: close" in head
    assert stream.feed(request()) == []
    assert stream.take_outgoing() == b""
    return int(answer.split(b" ")[1]), stream


def test_the_handshake_is_answered_by_the_keys_digest() -> None:
    """RFC 6455, section 4.2.2: the accept key, and no extension, even if the client offers one."""
    stream = WebSocketStream(())
    stream.feed(request("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"))
    answer = stream.take_outgoing().decode()
    digest = hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    assert f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n" in answer
    assert "Extensions" not in answer
    assert "Sec-WebSocket-Protocol" not in answer


@pytest.mark.parametrize(
    "offered, chosen",
    [
        ("text.ircv3.net, binary.ircv3.net", "text.ircv3.net"),
        ("binary.ircv3.net, text.ircv3.net", "binary.ircv3.net"),
        ("mqtt, binary.ircv3.net", "binary.ircv3.net"),
        ("mqtt", None),
        (None, None),
    ],
)
def test_the_client_chooses_the_subprotocol(offered: str | None, chosen: str | None) -> None:
    """The first one that it names and the server knows. Without one, the connection opens and sends text."""
    stream = WebSocketStream(())
    stream.feed(request(*([f"Sec-WebSocket-Protocol: {offered}"] if offered else [])))
    answer = stream.take_outgoing().decode()
    assert stream.is_open
    assert (f"Sec-WebSocket-Protocol: {chosen}\r\n" in answer) is (chosen is not None)
    assert ("Sec-WebSocket-Protocol" in answer) is (chosen is not None)
    assert stream.opcode is (Opcode.BINARY if chosen == "binary.ircv3.net" else Opcode.TEXT)


@pytest.mark.parametrize(
    "data, status",
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTPStatus.UPGRADE_REQUIRED),
        (request(left_out="Upgrade"), HTTPStatus.UPGRADE_REQUIRED),
        (request(left_out="Sec-WebSocket-Key"), HTTPStatus.BAD_REQUEST),
        (request(left_out="Sec-WebSocket-Version"), HTTPStatus.BAD_REQUEST),
        (request("Sec-WebSocket-Version: 8", left_out="Sec-WebSocket-Version"), HTTPStatus.BAD_REQUEST),
        (request("Origin: http://localhost", "Origin: http://localhost"), HTTPStatus.BAD_REQUEST),
        (request("no header at all"), HTTPStatus.BAD_REQUEST),
        (request(line="GET / HTTP/2.0"), HTTPStatus.BAD_REQUEST),
        (b"NICK alice\r\nUSER alice 0 * :Alice\r\n", HTTPStatus.BAD_REQUEST),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", HTTPStatus.BAD_REQUEST),
        (b"G" * (HANDSHAKE_BYTES + 1), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
        (request("X-Long: " + "x" * HANDSHAKE_BYTES), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
def test_what_is_no_handshake_is_refused_at_once(data: bytes, status: HTTPStatus) -> None:
    """It gets one response with a status that says what is wrong, and nothing more of it is read."""
    assert refused(data)[0] == status


def test_a_post_is_refused_as_an_error_of_the_client() -> None:
    """Only GET opens a WebSocket. The status is a 4xx; which one depends on the version of the library."""
    status, _ = refused(request("Content-Length: 0", line="POST / HTTP/1.1"))
    assert status in (HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED)


def test_a_refusal_of_the_version_names_ours() -> None:
    """RFC 6455, section 4.2.2: the response to an unknown version names the known one."""
    stream = WebSocketStream(())
    stream.feed(request("Sec-WebSocket-Version: 8", left_out="Sec-WebSocket-Version"))
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in stream.take_outgoing()


@pytest.mark.parametrize(
    "origin, allowed, may",
    [
        ("http://localhost", (), True),
        ("http://localhost:3000", (), True),
        ("https://127.0.0.1:8080", (), True),
        ("http://[::1]:8080", (), True),
        ("http://localhost.example.org", (), False),
        ("http://127.0.0.1.example.org", (), False),
        ("https://chat.example.org", (), False),
        ("https://chat.example.org", ("https://chat.example.org",), True),
        ("http://chat.example.org", ("https://chat.example.org",), False),
        ("https://chat.example.org:8443", ("https://chat.example.org",), False),
        ("null", (), False),
        ("null", ("null",), True),
        ("https://evil.example", ("*",), True),
        ("", (), False),
    ],
)
def test_which_pages_may_connect(origin: str, allowed: tuple[str, ...], may: bool) -> None:
    """Pages of this machine, and exactly the origins that the settings name, or all of them."""
    assert may_connect(origin, allowed) is may
    stream = WebSocketStream(allowed)
    stream.feed(request(f"Origin: {origin}"))
    assert stream.is_open is may
    assert may or stream.take_outgoing().startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "origin, host, pages, may",
    [
        ("http://chat.lan:8097", "chat.lan:8097", WEB_PAGES, True),
        ("http://chat.lan:8097", "chat.lan:8097", None, False),
        ("http://192.0.2.1", "192.0.2.1", WEB_PAGES, True),
        ("http://chat.lan", "chat.lan:8097", WEB_PAGES, False),
        ("http://other.lan", "chat.lan", WEB_PAGES, False),
        ("http://evil.example:8097", "evil.example:8097", WEB_PAGES, False),
        ("https://evil.example", "evil.example", replace(WEB_PAGES, is_encrypted=True), True),
        ("https://evil.example", "other.example", replace(WEB_PAGES, is_encrypted=True), False),
    ],
)
def test_the_servers_own_page_may_connect(origin: str, host: str, pages: WebPages | None, may: bool) -> None:
    """A page that was loaded from here, under a name that is the server's own or that TLS has proved."""
    stream = WebSocketStream((), (), pages)
    stream.feed(request(f"Origin: {origin}", f"Host: {host}", left_out="Host"))
    assert stream.is_open is may
    assert may or "may not connect" in stream.refusal


def test_a_client_without_an_origin_may_connect() -> None:
    """A client without an Origin may connect, whatever the settings say of pages."""
    assert opened(origins=("https://chat.example.org",)).is_open


def test_an_origin_cannot_break_the_log() -> None:
    """The log line shows it short and in plain ASCII."""
    _, stream = refused(request().replace(b"\r\n\r\n", b"\r\nOrigin: http://\x9b2J" + b"x" * 500 + b"\r\n\r\n"))
    assert stream.refusal.isascii()
    assert stream.refusal.isprintable()
    assert len(stream.refusal) < 200


def test_a_message_is_a_line_in_either_type() -> None:
    """Text and binary messages are lines, in order. An empty message is no line, and a line needs no line end."""
    stream = opened()
    data = frame(TEXT, "PING é".encode()) + frame(BINARY, b"PING 2") + frame(TEXT, b"") + frame(TEXT, b"PING 3\r\n")
    assert stream.feed(data) == ["PING é", "PING 2", "PING 3"]


def test_a_line_end_within_a_message_ends_the_line() -> None:
    """No parameter can have a line end, whatever message it comes in."""
    assert opened().feed(frame(BINARY, b"PING 1\r\nPING 2\nPING 3\rPING 4")) == [f"PING {n}" for n in (1, 2, 3, 4)]


def test_malformed_lines_of_binary_messages_are_as_in_plain_irc() -> None:
    """Not UTF-8, a NUL, too long: each keeps its place among the lines, and the connection goes on."""
    stream = opened("Sec-WebSocket-Protocol: binary.ircv3.net")
    data = frame(BINARY, b"\xff") + frame(BINARY, b"a\0b") + frame(BINARY, b"x" * 511) + frame(BINARY, b"x" * 510)
    assert stream.feed(data) == [Malformed.NOT_UTF8, Malformed.HAS_NUL, Malformed.TOO_LONG, "x" * 510]
    assert stream.can_send


def test_tags_come_on_top_of_a_lines_length() -> None:
    """4,094 bytes of tags and 510 bytes behind them are one line, as over plain IRC."""
    line = "@" + "t" * 4094 + " " + "x" * 510
    assert opened().feed(frame(TEXT, line.encode())) == [line]


def test_text_that_is_not_utf8_ends_the_connection() -> None:
    """RFC 6455, section 8.1: code 1007. Lines before it run, lines behind it do not."""
    stream = opened()
    assert stream.feed(frame(TEXT, b"PING 1") + frame(TEXT, b"PING \xff") + frame(TEXT, b"PING 2")) == ["PING 1"]
    assert stream.take_outgoing() == b"\x88\x02" + struct.pack(">H", 1007)
    assert stream.ended == "Message not UTF-8"
    assert stream.feed(frame(TEXT, b"PING 3")) == []


def test_a_character_may_be_cut_by_fragments() -> None:
    """Only the whole message has to be UTF-8. A ping between two fragments is answered at once."""
    stream = opened()
    assert stream.feed(frame(TEXT, b"PING \xc3", last=False)) == []
    assert stream.feed(frame(PING, b"?")) == []
    assert stream.take_outgoing() == b"\x8a\x01?"
    assert stream.feed(frame(CONTINUED, b"", last=False) + frame(CONTINUED, b"\xa9")) == ["PING é"]


def test_a_message_that_is_too_large_ends_the_connection() -> None:
    """Code 1009: for one frame as soon as its length is known, for fragments when their sum is too large."""
    whole, pieces = opened(), opened()
    whole.feed(frame(TEXT, b"x" * (MESSAGE_BYTES + 1))[:8])
    for piece in range(17):
        pieces.feed(frame(CONTINUED if piece else TEXT, b"x" * 1000, last=False))
    for stream in (whole, pieces):
        assert stream.ended == "Message too long"
        assert struct.pack(">H", 1009) in stream.take_outgoing()[:4]


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"PING 1", masked=False),
        frame(CONTINUED, b"PING 1"),
        frame(TEXT, b"a", last=False) + frame(TEXT, b"b"),
        frame(PING, b"x" * 126),
        frame(PING, b"x", last=False),
        frame(3, b""),
        bytes([frame(TEXT, b"a")[0] | 0x40]) + frame(TEXT, b"a")[1:],
    ],
    ids=["unmasked", "nothing to continue", "unfinished", "long ping", "half ping", "unknown opcode", "compressed"],
)
def test_a_breach_of_the_protocol_ends_the_connection(data: bytes) -> None:
    """Code 1002, and none of it becomes a line."""
    stream = opened()
    assert stream.feed(data) == []
    assert stream.take_outgoing()[2:4] == struct.pack(">H", 1002)
    assert stream.ended == "WebSocket protocol error"


def test_a_close_frame_is_answered_and_ends_the_lines() -> None:
    """The answer has the same code. Lines before it run."""
    stream = opened()
    reason = struct.pack(">H", 1001) + b"tab closed"
    assert stream.feed(frame(TEXT, b"PING 1") + frame(CLOSE, reason) + frame(TEXT, b"PING 2")) == ["PING 1"]
    assert stream.take_outgoing() == b"\x88\x0c" + reason
    assert stream.ended == "Connection closed"
    stream.close(CloseCode.NORMAL_CLOSURE)
    assert stream.take_outgoing() == b""


def test_our_own_close_frame_is_sent_once() -> None:
    """With the first code that was given. Nothing may be sent behind it."""
    stream = opened()
    stream.close(CloseCode.NORMAL_CLOSURE)
    stream.close(CloseCode.SERVICE_RESTART)
    assert stream.take_outgoing() == b"\x88\x02" + struct.pack(">H", 1000)
    assert not stream.can_send


def test_nothing_can_be_sent_before_the_handshake() -> None:
    """Neither lines nor a close frame."""
    stream = WebSocketStream(())
    stream.close(CloseCode.NORMAL_CLOSURE)
    assert stream.take_outgoing() == b""
    assert not stream.can_send


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
def test_each_line_is_one_message(opcode: Opcode) -> None:
    """Without its CR LF and unmasked. From 126 bytes on, the frame has the longer length field."""
    head = bytes([0x80 | opcode])
    long = b"x" * 600
    assert to_messages(b"a\r\n" + long + b"\r\nbc\r\n", opcode) == (
        head + b"\x01a" + head + b"\x7e" + struct.pack(">H", 600) + long + head + b"\x02bc"
    )


def test_an_error_response_is_whole() -> None:
    """A browser shows it and does not wait for more."""
    answer = error_response(HTTPStatus.TOO_MANY_REQUESTS, "too many connections")
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert answer.endswith(b"\r\n\r\ntoo many connections\n")
    assert b"Content-Length: 21\r\n" in answer


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=100)), st.data()
)
def test_how_the_network_cuts_the_bytes_changes_nothing(lines: list[str], data: st.DataObject) -> None:
    """Handshake and messages may come whole, byte by byte, or in any pieces."""
    whole = request() + b"".join(frame(TEXT, line.encode()) for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    stream = WebSocketStream(())
    read: list[str | Malformed] = []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        if start < end:
            read += stream.feed(whole[start:end])
    assert read == lines
    assert stream.can_send


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    """Any bytes, before or behind the handshake, become lines, an answer, or an end."""
    for stream in (WebSocketStream(()), opened()):
        for line in stream.feed(data):
            assert isinstance(line, str | Malformed)
        stream.close(CloseCode.NORMAL_CLOSURE)
        assert not stream.can_send
