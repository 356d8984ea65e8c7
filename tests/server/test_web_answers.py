"""Answers to requests for files, without a socket."""

from __future__ import annotations

import pytest

from chatroom.server.http_request import parse_request
from chatroom.server.web_answers import WebAnswer, WebPages, is_own_host, is_same_host
from chatroom.server.web_files import WebFile

PAGE = WebFile.make("index.html", b"<p>hello", "default-src 'self'")
PAGES = WebPages({"/": PAGE}, "chat.example.org", is_encrypted=False)


def ask(line: str = "GET / HTTP/1.1", *fields: str, is_own: bool = True, is_last: bool = False) -> WebAnswer:
    """Ask for a file."""
    request = parse_request("\r\n".join([line, "Host: localhost", *fields, "", ""]).encode())
    assert request is not None
    return PAGES.answer(request, is_own=is_own, is_last=is_last)


def test_a_file_is_answered_whole() -> None:
    """With its length and the fields of the file; the connection stays open."""
    answer = ask()
    assert answer.head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
    assert b"\r\nConnection: keep-alive\r\n" in answer.head
    assert b"\r\nContent-Length: 8\r\n" in answer.head and answer.head.endswith(b"\r\n\r\n")
    assert PAGE.fields in answer.head
    assert (answer.body, answer.closes) == (b"<p>hello", False)


def test_a_query_is_for_the_page() -> None:
    """The path alone names the file."""
    assert ask("GET /?invite=abc HTTP/1.1").body == b"<p>hello"


def test_a_known_version_is_not_sent_again() -> None:
    """304, without a body and a length."""
    answer = ask("GET / HTTP/1.1", f"If-None-Match: {PAGE.tag}")
    assert answer.head.startswith(b"HTTP/1.1 304 ") and b"Content-Length" not in answer.head
    assert answer.body == b""


def test_head_is_get_without_the_body() -> None:
    """RFC 9110, section 9.3.2: the same fields, of what is missing too."""
    assert ask("HEAD / HTTP/1.1").head.partition(b"Connection")[2] == ask().head.partition(b"Connection")[2]
    assert ask("HEAD / HTTP/1.1").body == b""
    missing = ask("HEAD /x HTTP/1.1")
    assert missing.head.startswith(b"HTTP/1.1 404 ") and missing.body == b""


@pytest.mark.parametrize("path", ["/x", "/../chatroom.toml", "/%2e%2e/chatroom.toml", "//", "/./", "*", "http://a/"])
def test_what_is_no_file_is_not_found(path: str) -> None:
    """The path is looked up as it is, and nothing is done with it."""
    answer = ask(f"GET {path} HTTP/1.1")
    assert answer.head.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert f"Content-Length: {len(answer.body)}\r\n".encode() in answer.head


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(method: str) -> None:
    """405 with those that there are, and the connection ends: a body may follow."""
    answer = ask(f"{method} / HTTP/1.1")
    assert answer.head.startswith(b"HTTP/1.1 405 ") and b"\r\nAllow: GET, HEAD\r\n" in answer.head
    assert answer.closes


@pytest.mark.parametrize("line, is_last", [("GET / HTTP/1.1", True), ("GET / HTTP/1.0", False)])
def test_a_last_answer_says_so(line: str, is_last: bool) -> None:
    """Because the server wants it, or the client."""
    answer = ask(line, is_last=is_last)
    assert b"\r\nConnection: close\r\n" in answer.head
    assert answer.closes


def test_under_a_strange_name_nothing_is_served() -> None:
    """421 says which settings would make it one of the server's own."""
    answer = ask(is_own=False)
    assert answer.head.startswith(b"HTTP/1.1 421 ")
    assert b"localhost" in answer.body and b"server.websocket_origins" in answer.body


@pytest.mark.parametrize(
    "host, is_own",
    [
        ("", True),
        ("localhost:8097", True),
        ("chatbox:8097", True),
        ("chatbox.local:8097", True),
        ("chat.home.arpa", True),
        ("192.0.2.1:8097", True),
        ("192.0.2.1", True),
        ("[2001:db8::1]:8097", True),
        ("[::ffff:192.0.2.1]", True),
        ("chat.example.org", True),
        ("chat.example.org:8097", True),
        ("chat.example.org.", True),
        ("web.example.org", True),
        ("web.example.org:8097", False),
        ("evil.example:8097", False),
        ("localhost.evil.example", False),
        ("evil-local.example", False),
        ("xchat.example.org", False),
        ("192.0.2.1.evil.example", False),
        ("evil.example@localhost", False),
        ("a b", False),
        ("1:2:3", False),
        ("[evil.example]", False),
    ],
)
def test_which_names_are_the_servers_own(host: str, is_own: bool) -> None:
    """Addresses, names that the public DNS does not have, its own name and those of the settings."""
    assert is_own_host(host, "Chat.example.org", ["https://web.example.org"]) is is_own


def test_all_origins_are_all_names() -> None:
    """Who allows every page allows this one too."""
    assert is_own_host("evil.example", "chat.example.org", ["*"])


def test_a_name_that_tls_has_proved_is_the_servers_own() -> None:
    """The browser has checked it against the certificate: the listener's, or that of the proxy in front."""
    assert WebPages({}, "chat.local", is_encrypted=True).is_own("evil.example", (), https=False)
    assert PAGES.is_own("evil.example", (), https=True)
    assert not PAGES.is_own("evil.example", (), https=False)


@pytest.mark.parametrize(
    "origin, host, same",
    [
        ("http://chat.lan:8097", "chat.lan:8097", True),
        ("https://chat.lan", "chat.lan", True),
        ("http://CHAT.lan", "chat.lan", True),
        ("http://chat.lan", "chat.lan:8097", False),
        ("http://chat.lan.evil.example", "chat.lan", False),
        ("ftp://chat.lan", "chat.lan", False),
        ("null", "null", False),
        ("http://", "", False),
        ("", "", False),
    ],
)
def test_which_origin_is_the_same_host(origin: str, host: str, same: bool) -> None:
    """Scheme, name and port as the browser has them."""
    assert is_same_host(origin, host) is same
