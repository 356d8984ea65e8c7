"""Tokens: secrets that the server makes, shows once, and knows again by their hash.

A secret has 192 random bits, so nobody guesses one, and one round of SHA-256 is hash enough: slow hashes are for
passwords, which people choose.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

_SECRET_BYTES = 24
_MOST_DIGITS = 18
"""So an id always fits into 63 bits."""


def make_secret() -> str:
    """Return a new secret, of letters, digits, ``-`` and ``_``."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret, as 64 hexadecimal digits."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def is_secret(secret: str, stored: str) -> bool:
    """True if ``stored`` is the hash of the secret. It takes the same time whether it is or not."""
    return hmac.compare_digest(hash_secret(secret), stored)


def make_token(row_id: int, secret: str) -> str:
    """Return the token of a row: its id, by which the row is found, and its secret, which is compared."""
    return f"{row_id}-{secret}"


def split_token(token: str) -> tuple[int, str]:
    """Return the id and the secret of a token. The id is 0, which no row has, if this is no token."""
    digits, _, secret = token.strip().partition("-")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS
    return (int(digits), secret) if is_number and secret else (0, "")
