"""Fingerprints of certificates: SHA-256 of the whole certificate, written as 64 small hexadecimal digits."""

from __future__ import annotations

import re

from chatroom.errors import InvalidValue

# "sha256:", or as OpenSSL prints it: "sha256 Fingerprint=".
_PREFIX = re.compile(r"sha-?256(?:\s*fingerprint)?\s*[:=]", re.IGNORECASE)
_SEPARATORS = re.compile(r"[:\s]")
_DIGITS = re.compile(r"[0-9a-f]+")
_LENGTH = 64
_OTHER_HASHES = {32: "an MD5", 40: "a SHA-1", 96: "a SHA-384", 128: "a SHA-512"}
_HOW = "openssl x509 -noout -fingerprint -sha256 -in FILE shows it"


def parse_fingerprint(text: str) -> str:
    """Read a fingerprint as people and programs write it: with colons, in capitals, behind ``sha256:``.

    Raises ``InvalidValue``.
    """
    bare = text.strip()
    prefix = _PREFIX.match(bare)
    digits = _SEPARATORS.sub("", bare[prefix.end() if prefix is not None else 0 :]).lower()
    if not _DIGITS.fullmatch(digits):
        raise InvalidValue(f"a fingerprint has {_LENGTH} hexadecimal digits: {_HOW}")
    if len(digits) != _LENGTH:
        other = _OTHER_HASHES.get(len(digits))
        what = f"this is {other} fingerprint" if other is not None else f"this has {len(digits)} hexadecimal digits"
        raise InvalidValue(f"{what}; a SHA-256 fingerprint has {_LENGTH} digits: {_HOW}")
    return digits
