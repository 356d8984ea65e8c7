"""IRC over WebSocket: a real client library and the daemon as a process."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator

import pytest
from harness.daemon import CAP_S, until
from harness.web import BINARY, TEXT, WebClient, WebDaemon, web_running
from websockets.exceptions import ConnectionClosed, InvalidStatus

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyBvaw==\r\nSec-WebSocket-Version: 13\r\n"
)


@pytest.fixture(scope="module")
def daemon() -> Iterator[WebDaemon]:
    """One daemon for all tests here. Pages of one site may connect."""
    origins = '[server]\nwebsocket_origins = ["https://chat.example.org"]'
    with web_running(origins, limits__enabled=False) as started:
        yield started


def exchange(daemon: WebDaemon, data: bytes) -> bytes:
    """Send bytes to the WebSocket port and read to the end of the connection."""
    with daemon.open() as probe, socket.create_connection(("127.0.0.1", daemon.web_port), CAP_S) as sock:
        sock.sendall(data)
        answer = b""
        while data := sock.recv(65_536):
            answer += data
        probe.send("PING well")
        probe.expect("PONG")
    return answer


def test_the_start_shows_the_kind_of_each_address(daemon: WebDaemon) -> None:
    """The log names WebSocket addresses as such. ``--port`` has replaced only the plain address."""
    listening = daemon.log_lines("listening on ")
    assert [re.sub(r":\d+", ":port", line) for line in listening] == [
        "listening on 127.0.0.1:port",
        "listening on 127.0.0.1:port (websocket)",
    ]
    assert daemon.place.ctl_json("status")["listening"] == ", ".join(
        line.removeprefix("listening on ") for line in listening
    )


@pytest.mark.parametrize("protocol, kind", [(TEXT, str), (BINARY, bytes)])
def test_web_and_plain_clients_chat(daemon: WebDaemon, protocol: str, kind: type) -> None:
    """Each line is a message without its line end, of the negotiated type."""
    with daemon.open_web(protocol) as wanda, daemon.connect("pia") as pia:
        assert wanda.web.subprotocol == protocol
        assert not wanda.web.protocol.extensions
        wanda.register("wanda")
        pia.expect("JOIN")
        wanda.send("PRIVMSG #lobby :grüße", "PRIVMSG pia :only you")
        assert pia.expect("PRIVMSG").endswith("PRIVMSG #lobby :grüße")
        assert pia.expect("PRIVMSG").endswith("PRIVMSG pia :only you")
        pia.send("PRIVMSG #lobby :hello wanda ☃", "PRIVMSG wanda :and you")
        assert wanda.expect("PRIVMSG").endswith("PRIVMSG #lobby :hello wanda ☃")
        assert wanda.expect("PRIVMSG").endswith("PRIVMSG wanda :and you")
        assert wanda.kinds == {kind}


@pytest.mark.parametrize("offered", [(), ("mqtt",)])
def test_without_a_subprotocol_it_is_text(daemon: WebDaemon, offered: tuple[str, ...]) -> None:
    """Clients older than the specification name none. They may send either type."""
    with WebClient(daemon.web_port, offered) as old:
        assert old.web.subprotocol is None
        old.register("oldie")
        old.web.send(b"PING binary")
        assert old.expect("PONG").endswith("binary")
        assert old.kinds == {str}


def test_one_tick_reaches_every_kind_of_reader_alike(daemon: WebDaemon) -> None:
    """Text, binary and plain readers, with and without tags, read the same lines in the same order."""
    with (
        daemon.open_web(TEXT).register("web1") as one,
        daemon.open_web(BINARY).register("web2") as two,
        daemon.open_web(TEXT).register("web3") as tagged,
        daemon.connect("plain") as plain,
        daemon.connect("speaker") as speaker,
    ):
        tagged.ask("CAP REQ :server-time")
        readers = [one, two, tagged, plain]
        for reader in readers:
            reader.ask("MODE #lobby")
        words = [f"line {number} " + "x" * (number * 9 % 300) for number in range(60)]
        speaker.send(*(f"PRIVMSG #lobby :{text}" for text in words))
        speaker.collect()
        for reader in readers:
            heard = [reader.expect("PRIVMSG") for _ in words]
            assert [line.rpartition(" :")[2] for line in heard] == words
            assert all(line.startswith("@time=") is (reader is tagged) for line in heard)


@pytest.mark.parametrize("origin", ["https://chat.example.org", "http://localhost:5173", None])
def test_allowed_pages_connect(daemon: WebDaemon, origin: str | None) -> None:
    """The configured origins, this machine's own, and clients that are no page."""
    with daemon.open_web(origin=origin) as page:
        page.register("paige")


@pytest.mark.parametrize("origin", ["https://evil.example", "http://chat.example.org", "null"])
def test_other_pages_are_refused(daemon: WebDaemon, origin: str) -> None:
    """With 403, and a log line that names the setting."""
    with pytest.raises(InvalidStatus) as caught:
        daemon.open_web(origin=origin)
    assert caught.value.response.status_code == 403
    daemon.expect_log(f"refused 127.0.0.1: pages of {origin} may not connect (server.websocket_origins)")


@pytest.mark.parametrize(
    "data, status",
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 426),
        (b"GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", 426),
        (HANDSHAKE.replace(b"Version: 13", b"Version: 7") + b"\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 400),
        (b"NICK alice\r\nUSER alice 0 * :Alice\r\n", 400),
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1", 400),
        (b"GET / HTTP/1.1\r\n" + b"X-Filler: " + b"x" * 40_000, 431),
    ],
    ids=["get", "favicon", "version", "post", "plain irc", "tls", "endless"],
)
def test_what_is_no_handshake_is_answered_and_closed(daemon: WebDaemon, data: bytes, status: int) -> None:
    """The response says what is wrong. Other clients are not disturbed."""
    assert exchange(daemon, data).startswith(f"HTTP/1.1 {status} ".encode())


def test_half_a_handshake_is_no_session(daemon: WebDaemon) -> None:
    """It is no session, and it is gone when its peer is."""
    before = daemon.place.ctl_json("status")["sessions"]
    halves = [socket.create_connection(("127.0.0.1", daemon.web_port), CAP_S) for _ in range(30)]
    for half in halves:
        half.sendall(HANDSHAKE)
    with daemon.connect("bystander") as bystander:
        assert daemon.place.ctl_json("status")["sessions"] == before + 1
        bystander.ask("MODE #lobby")
    for half in halves[:20]:
        half.close()
    for half in halves[20:]:
        half.sendall(b"\r\n")
        assert half.recv(65_536).startswith(b"HTTP/1.1 101 ")
        half.close()
    until(lambda: daemon.place.ctl_json("status")["sessions"] == before, "they are all gone")


def test_bytes_that_are_no_utf8_are_refused_in_a_binary_message(daemon: WebDaemon) -> None:
    """FAIL INVALID_UTF8, and the connection goes on, as over plain IRC."""
    with daemon.open_web(BINARY).register("wanda") as wanda:
        wanda.web.send(b"PRIVMSG #lobby :\xff")
        assert " INVALID_UTF8 " in wanda.expect("FAIL")
        wanda.ask("MODE #lobby")


def test_bytes_that_are_no_utf8_end_a_text_connection(daemon: WebDaemon) -> None:
    """Close code 1007. Other users read the reason."""
    with daemon.open_web(TEXT).register("wanda") as wanda, daemon.connect("pia") as pia:
        wanda.web.send(b"PRIVMSG #lobby :\xff", text=True)
        assert pia.expect("QUIT").endswith("QUIT :Message not UTF-8")
        wanda.expect_closed()
        assert wanda.close_code == 1007


def test_a_line_that_is_too_long_is_417(daemon: WebDaemon) -> None:
    """417, and the connection goes on. 510 bytes are a whole line."""
    with daemon.open_web(TEXT).register("wanda") as wanda:
        wanda.send("PRIVMSG #lobby :" + "x" * 495)
        wanda.expect("417")
        wanda.send("PRIVMSG wanda :" + "x" * 15_000)
        wanda.expect("417")
        wanda.send("PRIVMSG wanda :" + "x" * 400)
        assert wanda.expect("PRIVMSG").endswith(" :" + "x" * 400)


def test_a_message_that_is_too_large_ends_the_connection(daemon: WebDaemon) -> None:
    """Close code 1009, whole or in fragments. A peer that is still sending reads it."""
    with daemon.connect("pia") as pia:
        for message in ("x" * 500_000, ["x" * 1000] * 300):
            with daemon.open_web(TEXT).register("wanda") as wanda:
                pia.expect("JOIN")
                with contextlib.suppress(ConnectionClosed):
                    wanda.web.send(message)
                assert pia.expect("QUIT").endswith("QUIT :Message too long")
                wanda.expect_closed()
                assert wanda.close_code == 1009


def test_fragments_are_one_line(daemon: WebDaemon) -> None:
    """A message may be cut anywhere, even within a character."""
    with daemon.open_web(BINARY).register("wanda") as wanda, daemon.connect("pia") as pia:
        wanda.web.send([bytes([byte]) for byte in "PRIVMSG pia :grüße ☃".encode()])
        assert pia.expect("PRIVMSG").endswith("PRIVMSG pia :grüße ☃")


def test_a_ping_is_answered_between_lines(daemon: WebDaemon) -> None:
    """With the same payload, between lines and many at once."""
    with daemon.open_web(TEXT).register("wanda") as wanda:
        pongs = [wanda.web.ping(str(number)) for number in range(200)]
        wanda.send("PING after")
        assert wanda.expect("PONG").endswith("after")
        assert all(pong.wait(CAP_S) for pong in pongs)


def test_a_close_frame_is_answered_and_the_others_read_of_it(daemon: WebDaemon) -> None:
    """Lines before it still run."""
    with daemon.connect("pia") as pia, daemon.open_web(TEXT).register("wanda") as wanda:
        wanda.send("PRIVMSG pia :bye")
        wanda.web.close(1001, "tab closed")
        assert wanda.close_code == 1001
        pia.expect("PRIVMSG")
        assert pia.expect("QUIT").endswith("QUIT :Connection closed")


def test_quit_gets_error_and_a_close_frame(daemon: WebDaemon) -> None:
    """ERROR comes in a message, then a close frame with code 1000."""
    with daemon.open_web(TEXT).register("wanda") as wanda:
        wanda.send("QUIT :gone home")
        assert wanda.expect_closed()[-1].startswith("ERROR :Closing Link: ")
        assert wanda.close_code == 1000


def test_a_lost_connection_is_a_quit(daemon: WebDaemon) -> None:
    """Without a close frame, in the middle of a frame, by reset: other users read QUIT."""
    with daemon.connect("pia") as pia:
        for how in ("reset", "eof"):
            with daemon.open_web(TEXT).register("wanda") as wanda:
                pia.expect("JOIN")
                wanda.sock.sendall(b"\x81\xfe\x01")
                if how == "reset":
                    wanda.reset()
                else:
                    wanda.half_close()
                pia.expect("QUIT")


def test_a_frame_without_a_mask_ends_only_its_own_connection(daemon: WebDaemon) -> None:
    """RFC 6455, section 5.1: code 1002."""
    with daemon.open_web(TEXT).register("wanda") as wanda, daemon.connect("pia") as pia:
        wanda.sock.sendall(b"\x81\x06PING 1")
        assert pia.expect("QUIT").endswith("QUIT :WebSocket protocol error")
        assert wanda.expect_closed() is not None
        assert wanda.close_code == 1002
        pia.ask("MODE #lobby")


def test_a_banned_address_reads_the_reason(daemon: WebDaemon) -> None:
    """A page cannot read an HTTP error, so the connection opens, sends the reason and closes."""
    with daemon.open_web(TEXT, from_address="127.0.0.77").register("wanda") as wanda:
        daemon.place.ctl("ban", "add", "127.0.0.77", "--reason", "spam")
        assert "banned: spam" in wanda.expect_closed()[-1]
    with daemon.open_web(TEXT, from_address="127.0.0.77") as again:
        assert "banned: spam" in again.expect_closed()[-1]
        assert again.close_code == 1000


def test_too_many_connections_of_one_address_are_refused() -> None:
    """As an HTTP response: 429."""
    with (
        web_running(limits__connections_per_address=2) as daemon,
        daemon.open_web(TEXT, from_address="127.0.0.5"),
        daemon.open_web(TEXT, from_address="127.0.0.5"),
    ):
        with daemon.open(from_address="127.0.0.6") as other, socket.socket() as third:
            third.bind(("127.0.0.5", 0))
            third.settimeout(CAP_S)
            third.connect(("127.0.0.1", daemon.web_port))
            assert third.recv(65_536).startswith(b"HTTP/1.1 429 ")
            other.ask("PING")
        daemon.expect_log("refused 127.0.0.5: too many connections from your address")


def test_a_stop_tells_web_clients() -> None:
    """A NOTICE, no ERROR, and a close frame that says restart. A handshake under way does not delay the end."""
    with web_running() as daemon:
        half = socket.create_connection(("127.0.0.1", daemon.web_port), CAP_S)
        with daemon.open_web(TEXT).register("wanda") as wanda, half:
            half.sendall(HANDSHAKE)
            assert daemon.stop() == 0
            assert wanda.expect_closed() == [":chatroom.local NOTICE * :Server is shutting down"]
            assert wanda.close_code == 1012
