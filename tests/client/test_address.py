"""How people write the address of a server."""

from __future__ import annotations

import pytest

from chatroom.client.address import Address, parse_address


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
        ("IRC://chat.example", "chat.example", 6667),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    """All usual ways to write the address of a server."""
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize(
    "text, port",
    [
        ("ircs://chat.example", 6697),
        ("ircs://chat.example:7000/", 7000),
        ("IRCS://chat.example", 6697),
        ("ircs://[::1]", 6697),
    ],
)
def test_ircs_asks_for_encryption(text: str, port: int) -> None:
    """``ircs://`` has a default port of its own."""
    address = parse_address(text)
    assert (address.port, address.tls) == (port, True)


def test_encryption_may_be_asked_for_beside_the_address() -> None:
    """The same without a scheme, and with the one of plain connections."""
    assert parse_address("chat.example", tls=True) == Address("chat.example", 6697, tls=True)
    assert parse_address("irc://chat.example:7000", tls=True) == Address("chat.example", 7000, tls=True)


@pytest.mark.parametrize(
    "text", ["", ":6667", "host:port", "host:0", "host:65536", "[::1]:x", "http://host", "ircs://", "a b"]
)
def test_no_addresses(text: str) -> None:
    """A text that is no address is refused."""
    with pytest.raises(ValueError):  # noqa: PT011
        parse_address(text)


def test_addresses_are_shown_as_they_are_typed() -> None:
    """An IPv6 address is in brackets before its port."""
    assert str(Address("::1", 6667)) == "[::1]:6667"
    assert str(Address("host", 6667)) == "host:6667"
