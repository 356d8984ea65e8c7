"""The PROXY protocol's header: every form, and bytes that only look like one."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.server.proxy_header import LONGEST, ProxyHeader, read_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def version_2(body: bytes, *, command: int = 0x21, family: int = 0x11) -> bytes:
    """Return a binary header with that body."""
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


def addresses(source: str, extensions: bytes = b"") -> bytes:
    """Return the body of a header for a TCP connection from ``source``."""
    packed = ipaddress.ip_address(source).packed
    return packed * 2 + struct.pack("!HH", 50_000, 6667) + extensions


@pytest.mark.parametrize(
    "data, address",
    [
        (b"PROXY TCP4 198.51.100.3 203.0.113.1 50000 6667\r\n", "198.51.100.3"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 50000 6667\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
        (version_2(addresses("198.51.100.3")), "198.51.100.3"),
        (version_2(addresses("2001:db8::7"), family=0x21), "2001:db8::7"),
        (version_2(b"", command=0x20, family=0), None),
        (version_2(addresses("198.51.100.3"), command=0x20), None),
        (version_2(b"whatever", family=0), None),
    ],
)
def test_a_header_names_the_client(data: bytes, address: str | None) -> None:
    """What follows the header is not touched, and every beginning of it is incomplete."""
    assert read_header(data + b"NICK a\r\n") == ProxyHeader(len(data), address)
    for end in range(len(data)):
        assert read_header(data[:end]) is None


@pytest.mark.parametrize("flags, tls", [(1, True), (0, False), (7, True)])
def test_version_2_says_whether_the_client_uses_tls(flags: int, tls: bool) -> None:
    """The extension PP2_TYPE_SSL may stand behind others."""
    other = struct.pack("!BH", 0x02, 4) + b"name"
    ssl = struct.pack("!BHBI", 0x20, 5, flags, 0)
    found = read_header(version_2(addresses("198.51.100.3", other + ssl)))
    assert found is not None
    assert found.tls is tls


@pytest.mark.parametrize(
    "data",
    [
        b"NICK alice\r\n",
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01",
        b"PROXY TCP4 198.51.100.3\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP4 localhost localhost 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY UDP4 198.51.100.3 203.0.113.1 1 2\r\n",
        b"PROXY " + b"x" * 200,
        version_2(addresses("198.51.100.3"), command=0x11),
        version_2(addresses("198.51.100.3"), command=0x22),
        version_2(addresses("198.51.100.3"), family=0x12),
        version_2(addresses("198.51.100.3"), family=0x31),
        version_2(b"short"),
        version_2(b"x" * LONGEST),
        version_2(addresses("198.51.100.3", struct.pack("!BH", 2, 50) + b"cut")),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    """A client that reaches the port without the proxy cannot begin a session."""
    with pytest.raises(ValueError, match=r"."):
        read_header(data)


@given(st.binary(max_size=300), st.sampled_from([b"", b"PROXY ", SIGNATURE, version_2(b"")[:14]]))
def test_no_bytes_break_the_reader(data: bytes, beginning: bytes) -> None:
    """Any bytes are a header, an incomplete one, or refused."""
    try:
        found = read_header(beginning + data)
    except ValueError:
        return
    if found is not None:
        assert 0 < found.size <= LONGEST
        if found.address is not None:
            ipaddress.ip_address(found.address)
