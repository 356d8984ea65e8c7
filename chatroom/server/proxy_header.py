"""The PROXY protocol: what a proxy says about its client before the client's own bytes.

Source: "The PROXY protocol, versions 1 & 2" of HAProxy (proxy-protocol.txt).
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

LONGEST = 2048
"""The longest header, in bytes, that is accepted. Proxies send 28 to some hundreds."""

_SIGNATURE_2 = b"\r\n\r\n\0\r\nQUIT\n"
_PREFIX_1 = b"PROXY "
_LONGEST_1 = 107  # section 2.1: with its CR LF
_LOCAL, _PROXY = 0, 1
_UNSPECIFIED, _TCP4, _TCP6 = 0x00, 0x11, 0x21
_TLS_RECORD = 0x20  # section 2.2.6: PP2_TYPE_SSL
_CLIENT_USED_TLS = 0x01


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What a header says."""

    size: int
    """Its length in bytes. The client's own bytes follow it."""
    address: str | None
    """The client's address; None if the proxy connects on its own behalf, as for a health check."""
    tls: bool = False
    """True if the client's connection to the proxy is encrypted. Version 1 cannot say so."""


def read_header(data: bytes) -> ProxyHeader | None:
    """Return the header at the beginning of the data, or None if it is incomplete.

    Raises ``ValueError`` if it is no valid header.
    """
    if data[: len(_SIGNATURE_2)] == _SIGNATURE_2[: len(data)]:
        return _read_2(data)
    if data[: len(_PREFIX_1)] == _PREFIX_1[: len(data)]:
        return _read_1(data)
    raise ValueError("no PROXY header")


def _read_1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, _LONGEST_1)
    if end < 0:
        if len(data) >= _LONGEST_1:
            raise ValueError("the PROXY header is too long")
        return None
    words = data[:end].decode("ascii", "replace").split(" ")
    size = end + 2
    if words[1] == "UNKNOWN":
        return ProxyHeader(size, None)
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise ValueError("malformed PROXY header")
    address = ipaddress.ip_address(words[2])
    if address.version != int(words[1][-1]) or "%" in words[2]:
        raise ValueError("malformed PROXY header")
    return ProxyHeader(size, str(address))


def _read_2(data: bytes) -> ProxyHeader | None:
    if len(data) < 16:
        return None
    version_command, family, length = struct.unpack_from("!BBH", data, 12)
    size = 16 + length
    if version_command >> 4 != 2 or version_command & 0x0F not in (_LOCAL, _PROXY):
        raise ValueError("unknown version or command of the PROXY header")
    if size > LONGEST:
        raise ValueError("the PROXY header is too long")
    if len(data) < size:
        return None
    if version_command & 0x0F == _LOCAL or family == _UNSPECIFIED:
        return ProxyHeader(size, None)
    widths = {_TCP4: 4, _TCP6: 16}
    if family not in widths:
        raise ValueError("the PROXY header is not about TCP")
    width = widths[family]
    extensions = 16 + 2 * width + 4  # two addresses and two ports
    if size < extensions:
        raise ValueError("malformed PROXY header")
    address = str(ipaddress.ip_address(data[16 : 16 + width]))
    return ProxyHeader(size, address, _says_tls(data[extensions:size]))


def _says_tls(extensions: bytes) -> bool:
    offset = 0
    while offset + 3 <= len(extensions):
        kind, length = struct.unpack_from("!BH", extensions, offset)
        value = extensions[offset + 3 : offset + 3 + length]
        if len(value) < length:
            raise ValueError("malformed PROXY header")
        if kind == _TLS_RECORD and value:
            return bool(value[0] & _CLIENT_USED_TLS)
        offset += 3 + length
    return False
