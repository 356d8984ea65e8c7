"""The address of a server, as people write it."""

from __future__ import annotations

from typing import NamedTuple

PLAIN_PORT = 6667
TLS_PORT = 6697
"""The port of IRC over TLS (RFC 7194)."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The usual names of this machine."""


class Address(NamedTuple):
    """The host and port that the server listens on."""

    host: str
    port: int
    tls: bool = False
    """True if the connection is encrypted."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, *, tls: bool = False) -> Address:
    """Parse ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or a bare IPv6 address, with or without ``irc://`` or ``ircs://``.

    ``ircs://`` and ``tls`` ask for encryption, whose default port is another one. Raises ``ValueError`` if it is no
    address.
    """
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "irc", text
    if scheme.lower() not in ("irc", "ircs"):
        raise ValueError(text)
    tls = tls or scheme.lower() == "ircs"
    rest = rest.partition("/")[0]
    if rest.startswith("["):
        host, _, after = rest[1:].partition("]")
        port = after.removeprefix(":")
    elif rest.count(":") > 1:
        host, port = rest, ""
    else:
        host, _, port = rest.partition(":")
    number = int(port) if port else TLS_PORT if tls else PLAIN_PORT
    if not host or any(char.isspace() for char in host) or not 0 < number < 65536:
        raise ValueError(text)
    return Address(host, number, tls)
