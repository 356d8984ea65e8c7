"""Passwords: one normal form for every way to log in, and one bcrypt check for every try.

Source: RFC 8265, section 4 (OpaqueString). A password typed on another keyboard is the same password.

``hash_password`` and ``verify`` are as slow as bcrypt, on purpose. Call them in a worker, never under the hub lock.
bcrypt releases Python's lock, so other threads run meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
import re

import bcrypt
from precis_i18n import get_profile

from chatroom.chat.stored.records import Credential
from chatroom.errors import InvalidValue

PASSWORD_BYTES = 1024
"""The longest password accepted, in bytes of UTF-8: longer than any passphrase, and still quick to normalise."""

_KIND = "bcrypt"
# The cost, then 22 characters of salt and 31 of hash. The variants 2a, 2b and 2y are the same for us.
_STORED = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_OPAQUE = get_profile("OpaqueString")
_UNMATCHED = b""
"""Stands for the digest of a password without a normal form. A real digest has 44 bytes, so none equals it."""


def normalise(password: str) -> str:
    """The password in its normal form. Raises ``InvalidValue`` if it is empty, too long, or has none."""
    if not password:
        raise InvalidValue("the password is empty")
    # The characters are counted first: a very long text is then refused without encoding it.
    if len(password) > PASSWORD_BYTES or len(password.encode(errors="surrogatepass")) > PASSWORD_BYTES:
        raise InvalidValue(f"the password is longer than {PASSWORD_BYTES} bytes")
    try:
        return str(_OPAQUE.enforce(password))
    except UnicodeEncodeError:
        raise InvalidValue(
            "the password has a character that passwords may not have, such as a control or an invisible character"
        ) from None


def hash_password(password: str, cost: int) -> Credential:
    """The bcrypt verifier to store for a password. ``cost`` is 4 to 31. Raises ``InvalidValue`` as ``normalise``."""
    digest = _digest(normalise(password))
    return Credential(_KIND, bcrypt.hashpw(digest, bcrypt.gensalt(cost)).decode("ascii"))


def verify(password: str, stored: str | None, cost: int) -> bool:
    """True if ``stored`` is the bcrypt verifier of this password. Never raises.

    ``stored`` is None if the account does not exist. Every call makes exactly one bcrypt check, so the time it takes
    does not tell whether the account exists. Without a usable verifier the check has the configured ``cost``.
    """
    try:
        digest = _digest(normalise(password))
    except InvalidValue:
        digest = _UNMATCHED
    verifier = stored if stored is not None and _STORED.fullmatch(stored) else None
    try:
        matches = bcrypt.checkpw(digest, (verifier or _dummy(cost)).encode("ascii"))
    except ValueError:  # a damaged verifier matches no password
        return False
    # The last two conditions do not trust bcrypt: neither a dummy verifier nor an invalid password may ever log in.
    return matches and verifier is not None and digest != _UNMATCHED


def needs_rehash(stored: str, cost: int) -> bool:
    """True if a verifier is not bcrypt of the configured cost. A good login then replaces it."""
    match = _STORED.fullmatch(stored)
    return match is None or int(match[1]) != cost


def _digest(normal: str) -> bytes:
    # bcrypt ignores what follows 72 bytes, and takes no NUL. With the digest, a passphrase of any length counts whole,
    # and base64 has no NUL.
    return base64.b64encode(hashlib.sha256(normal.encode()).digest())


def _dummy(cost: int) -> str:
    """A well-formed verifier for which no matching password is known."""
    return f"$2b${cost:02d}$" + "." * 53
