"""Fingerprints of certificates, as people write them."""

from __future__ import annotations

import pytest

from chatroom.errors import InvalidValue
from chatroom.irc.fingerprints import parse_fingerprint

PLAIN = "0f" * 31 + "a9"
COLONS = ":".join(PLAIN[at : at + 2].upper() for at in range(0, 64, 2))


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.upper(),
        COLONS,
        COLONS.lower(),
        COLONS.replace(":", " "),
        f"sha256:{PLAIN}",
        f"SHA256:{COLONS}",
        f"SHA-256: {PLAIN}",
        f"sha256 Fingerprint={COLONS}",
        f"SHA256 Fingerprint={COLONS}\n",
        f"  {PLAIN} ",
    ],
)
def test_every_usual_form_is_read(text: str) -> None:
    """Each gives the same 64 small digits."""
    assert parse_fingerprint(text) == PLAIN


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "64 hexadecimal digits"),
        ("sha256:", "64 hexadecimal digits"),
        ("nonsense", "64 hexadecimal digits"),
        (PLAIN[:-1] + "g", "64 hexadecimal digits"),
        ("٠" * 64, "64 hexadecimal digits"),
        (PLAIN[:-1], "this has 63 hexadecimal digits"),
        (PLAIN + "0", "this has 65 hexadecimal digits"),
        ("ab" * 16, "this is an MD5 fingerprint"),
        ("ab" * 20, "this is a SHA-1 fingerprint"),
        ("ab" * 64, "this is a SHA-512 fingerprint"),
        (f"sha1:{'ab' * 20}", "64 hexadecimal digits"),
        (f"sha512:{'ab' * 64}", "64 hexadecimal digits"),
    ],
)
def test_the_refusal_says_what_is_wrong(text: str, why: str) -> None:
    """Other networks use other hashes, so their fingerprints are named."""
    with pytest.raises(InvalidValue, match=why):
        parse_fingerprint(text)
