"""One request of an outgoing hook, to receivers of all kinds."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.hook_receiver import Receiver, is_signed
from harness.tls import Pair

from chatroom.server import hook_sender
from chatroom.server.hook_answer import Answer
from chatroom.server.hook_sender import send

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"text": "hello"}'


@contextlib.contextmanager
def peer(speak: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Listen, and let a function speak to who connects. Yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            with contextlib.suppress(OSError):
                link, _ = listening.accept()
                with link if context is None else context.wrap_socket(link, server_side=True) as spoken:
                    speak(spoken)

        thread = threading.Thread(target=run)
        thread.start()
        yield int(listening.getsockname()[1])
        thread.join(60)


def test_a_request_is_signed() -> None:
    """The receiver finds the signature of exactly this body, and knows the event by its id."""
    with Receiver() as receiver:
        assert send(receiver.url, SECRET, "3-1a", BODY) == Answer(True, "the answer is 204 No Content")
    (headers,), (body,) = receiver.headers, receiver.bodies
    assert body == BODY
    assert (headers["webhook-id"], headers["content-type"]) == ("3-1a", "application/json")
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert is_signed(SECRET, headers, body)
    assert not is_signed(SECRET, headers, body + b" ")


def test_the_page_checks_a_signature() -> None:
    """The code in docs/hooks.md takes what the server has sent, and nothing else."""
    page = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text()
    names: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], names)
    with Receiver() as receiver:
        assert send(receiver.url, SECRET, "3-1a", BODY).is_good
    is_genuine, headers = names["is_genuine"], receiver.headers[0]
    assert is_genuine(SECRET, headers, BODY)
    assert not is_genuine(SECRET, headers, BODY + b" ")
    assert not is_genuine("whsec_" + "A" * 32, headers, BODY)
    headers.replace_header("webhook-timestamp", str(int(headers["webhook-timestamp"]) - 301))
    assert not is_genuine(SECRET, headers, BODY)


@pytest.mark.parametrize(
    "status, is_refusal", [(500, False), (503, False), (404, False), (429, False), (400, True), (422, True)]
)
def test_other_answers_are_failures(status: int, is_refusal: bool) -> None:
    """Some of them say that the receiver does not take this event."""
    with Receiver() as receiver:
        receiver.status = status
        answer = send(receiver.url, SECRET, "1", BODY)
    assert (answer.is_good, answer.is_refusal) == (False, is_refusal)
    assert answer.why.startswith(f"the answer is {status} ")


def test_a_redirect_is_not_followed() -> None:
    """It would have the server ask an address that no operator has named."""
    with Receiver() as receiver:
        receiver.status, receiver.location = 302, receiver.url
        assert send(receiver.url, SECRET, "1", BODY).why == "the answer is 302 Found, and redirects are not followed"
        assert len(receiver.got) == 1


def test_a_receiver_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that sends a little now and then."""
    monkeypatch.setattr(hook_sender, "LIMIT_S", 0.3)

    def drip(link: socket.socket) -> None:
        link.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            link.sendall(b"x: y\r\n")
            threading.Event().wait(0.02)

    with peer(drip) as port:
        answer = send(f"http://127.0.0.1:{port}/", SECRET, "1", BODY)
    assert not answer.is_good
    assert "no answer within" in answer.why or "answers no HTTP" in answer.why  # after a hundred headers


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"\x00\xff\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_answer_is_a_failure(said: bytes) -> None:
    """Whatever listens there."""

    def speak(link: socket.socket) -> None:
        link.recv(65_536)
        link.sendall(said)

    with peer(speak) as port:
        answer = send(f"http://127.0.0.1:{port}/", SECRET, "1", BODY)
    assert not answer.is_good and answer.why


def test_the_addresses_of_a_name_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with many of them takes no longer than another, and one that does not answer leaves time for the next."""
    given: list[float] = []
    connect = socket.socket.connect

    def try_to_connect(sock: socket.socket, address: tuple[str, int]) -> None:
        given.append(sock.gettimeout() or 0)
        if address[0] == "192.0.2.1":
            raise TimeoutError
        connect(sock, address)

    def find(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        found = ["192.0.2.1"] * 3 + ([host] if host == "127.0.0.1" else [])
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", find)
    monkeypatch.setattr(socket.socket, "connect", try_to_connect)
    with Receiver() as receiver:
        assert send(receiver.url, SECRET, "1", BODY).is_good
    assert len(given) == 4 and given[0] < hook_sender.LIMIT_S / 3 and max(given) <= hook_sender.LIMIT_S
    assert send("http://chat.invalid/", SECRET, "1", BODY) == Answer(False, "no answer within 5 s")


def test_nobody_listens() -> None:
    """A port that was just given back, and names that no DNS has or can have."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/", SECRET, "1", BODY) == Answer(False, "Connection refused")
    for host in ("a..b", "x" * 64 + ".invalid"):
        answer = send(f"http://{host}/", SECRET, "1", BODY)
        assert not answer.is_good and answer.why


def test_a_certificate_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that nobody has signed is refused; with its authority known, the request is made."""
    pair = Pair(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    heard: list[bytes] = []

    def answer(link: socket.socket) -> None:
        _, _, body = link.recv(65_536).partition(b"\r\n\r\n")
        heard.append(body or link.recv(65_536))
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    hook_sender._tls.cache_clear()
    with peer(answer, context) as port:
        refused = send(f"https://localhost:{port}/", SECRET, "1", BODY)
    assert refused.why.startswith("its certificate is not valid: ") and not heard
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
    hook_sender._tls.cache_clear()
    with peer(answer, context) as port:
        assert send(f"https://localhost:{port}/", SECRET, "1", BODY).is_good
    hook_sender._tls.cache_clear()
    assert json.loads(heard[0]) == {"text": "hello"}


@pytest.mark.parametrize(
    "url, secret",
    [("http://[", SECRET), ("http://x:99999/", SECRET), ("http://x/", "whsec_a"), ("http://x/", "whsec_\u00e9")],
)
def test_what_is_damaged_in_the_database_is_a_failure(url: str, secret: str) -> None:
    """And no exception, which would be one for all hooks."""
    answer = send(url, secret, "3-1a", BODY)
    assert not answer.is_good and answer.why.startswith("its URL or secret is damaged: ")
