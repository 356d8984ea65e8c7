from __future__ import annotations

import pytest

from chatroom.client.link import Address
from chatroom.client.main import default_nick, parse_address


@pytest.mark.parametrize(
    "text, host, port",
    [
        ("chat.example", "chat.example", 6667),
        ("chat.example:7000", "chat.example", 7000),
        ("10.0.0.1:7000", "10.0.0.1", 7000),
        ("::1", "::1", 6667),
        ("[::1]", "::1", 6667),
        ("[::1]:7000", "::1", 7000),
        ("irc://chat.example:7000/", "chat.example", 7000),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    """All usual ways to write the address of a server."""
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize("text", ["", ":6667", "host:port", "host:0", "host:65536", "[::1]:x"])
def test_no_addresses(text: str) -> None:
    """A text that is no address is refused."""
    with pytest.raises(ValueError):  # noqa: PT011
        parse_address(text)


@pytest.mark.parametrize(
    "user, nick", [("alice", "alice"), ("john.doe", "john_doe"), ("1up", "guest"), ("", "guest"), ("x" * 50, "x" * 32)]
)
def test_the_default_nick_is_a_nick(monkeypatch: pytest.MonkeyPatch, user: str, nick: str) -> None:
    """The name of the shell's user becomes a nick that every server takes."""
    monkeypatch.setattr("chatroom.client.main.getpass.getuser", lambda: user)
    assert default_nick() == nick


def test_addresses_are_shown_as_they_are_typed() -> None:
    """An IPv6 address is in brackets before its port."""
    assert str(Address("::1", 6667)) == "[::1]:6667"
    assert str(Address("host", 6667)) == "host:6667"
