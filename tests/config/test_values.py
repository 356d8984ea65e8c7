"""The kinds of value that only a server has: networks and origins."""

# ruff: noqa: PT011 - a kind's ValueError has no text of its own: who reads the value says what is allowed

from __future__ import annotations

from pathlib import Path

import pytest

from chatroom.config.serving import WebIrc
from chatroom.config.values import Networks, Webroot, is_origin


def test_networks_are_read_and_written_as_people_write_them() -> None:
    """Single addresses are written without a prefix length, IPv4-mapped ones as IPv4."""
    kind = Networks()
    read = kind.read(["127.0.0.1", "2001:db8::/64", "::ffff:192.0.2.0/120"])
    assert kind.write(read) == ["127.0.0.1", "2001:db8::/64", "192.0.2.0/24"]
    assert kind.read_text("127.0.0.1, 2001:db8::/64 ::ffff:192.0.2.0/120") == read
    assert kind.read_text('["127.0.0.1", "2001:db8::/64", "::ffff:192.0.2.0/120"]') == read


@pytest.mark.parametrize("value", ["127.0.0.1", [1], ["192.0.2.1/24"], ["gateway.example.org"], [""]])
def test_networks_hold_nothing_else(value: object) -> None:
    """Host names are refused, and so are networks with host bits."""
    with pytest.raises(ValueError):
        Networks().read(value)


@pytest.mark.parametrize("word", ["https://chat.example.org", "http://[::1]:8080", "moz-extension://0a1b", "null", "*"])
def test_an_origin_is_as_browsers_write_it(word: str) -> None:
    """An origin has a scheme, a host and, unless it is the usual one, a port."""
    assert is_origin(word)


@pytest.mark.parametrize("word", ["chat.example.org", "https://Chat.example.org", "https://a.example/", "https://", ""])
def test_other_words_are_no_origin(word: str) -> None:
    """A word that no browser sends as an origin is refused."""
    assert not is_origin(word)


def test_a_gateway_is_trusted_by_password_and_address() -> None:
    """Without a password no address is trusted. The same number in the other IP version is another address."""
    networks = Networks().read(["192.0.2.0/24"])
    trusting = WebIrc("secret", networks)
    inside, outside = 0xC0000207, 0xC0000307
    assert trusting.trusts(4, inside)
    assert not trusting.trusts(4, outside)
    assert not trusting.trusts(6, inside)
    assert not WebIrc("", networks).trusts(4, inside)


def test_a_webroot_is_a_directory_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with a slash at its end, and below the home directory."""
    monkeypatch.setenv("HOME", "/home/alice")
    assert Webroot().read("") is None
    assert Webroot().read("~/site/") == Webroot().read_text("/home/alice/site") == Path("/home/alice/site")
    assert Webroot().write(Path("/srv")) == "/srv" and Webroot().write(None) == ""
    for value in (1, ["/srv"], "a\0b", "/"):
        with pytest.raises(ValueError, match=r"^$"):
            Webroot().read(value)
