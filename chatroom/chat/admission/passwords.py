"""Passwords: one normal form for every way in, and one bcrypt check for every try.

Sources: RFC 8265, section 4 (OpaqueString: the same password typed on another keyboard is the same password). bcrypt
takes 72 bytes and no NUL, so it is given the base64 of a SHA-256: a passphrase of any length counts whole.

``hash_password`` and ``verify`` take as long as bcrypt takes, on purpose, and let other threads run meanwhile: they
belong to a worker, never under the hub lock.
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
"""The longest password taken, in UTF-8; far more than anybody types."""

_KIND = "bcrypt"
_STORED = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_OPAQUE = get_profile("OpaqueString")
_UNMATCHED = b""
"""What a password without a normal form is checked as: no digest is empty, so no account has it."""


def normalise(password: str) -> str:
    """The password in its one normal form. Raises ``InvalidValue``."""
    if not password:
        raise InvalidValue("the password is empty")
    if len(password) > PASSWORD_BYTES or len(password.encode(errors="surrogatepass")) > PASSWORD_BYTES:
        raise InvalidValue(f"the password is longer than {PASSWORD_BYTES} bytes")
    try:
        return str(_OPAQUE.enforce(password))
    except UnicodeEncodeError:
        raise InvalidValue(
            "the password has a character that passwords may not have, such as a control or an invisible character"
        ) from None


def hash_password(password: str, cost: int) -> Credential:
    """The verifier to store for a password, at a bcrypt cost of 4 to 31. Raises ``InvalidValue``."""
    digest = _digest(normalise(password))
    return Credential(_KIND, bcrypt.hashpw(digest, bcrypt.gensalt(cost)).decode("ascii"))


def verify(password: str, stored: str | None, cost: int) -> bool:
    """Whether the password is the one whose bcrypt verifier is ``stored``; never raises.

    ``stored`` is None for an account that does not exist: whatever the arguments, exactly one bcrypt check is made, at
    the configured ``cost`` where no verifier says otherwise, so that the time taken tells nothing.
    """
    try:
        digest = _digest(normalise(password))
    except InvalidValue:
        digest = _UNMATCHED
    verifier = stored if stored is not None and _STORED.fullmatch(stored) else None
    try:
        matches = bcrypt.checkpw(digest, (verifier or _dummy(cost)).encode("ascii"))
    except ValueError:  # a damaged verifier, which nobody can match
        return False
    return matches and verifier is not None and digest != _UNMATCHED


def needs_rehash(stored: str, cost: int) -> bool:
    """Whether a verifier was made at another cost than the configured one."""
    match = _STORED.fullmatch(stored)
    return match is None or int(match[1]) != cost


def _digest(normal: str) -> bytes:
    return base64.b64encode(hashlib.sha256(normal.encode()).digest())


def _dummy(cost: int) -> str:
    """A well-formed verifier that no password is known to match."""
    return f"$2b${cost:02d}$" + "." * 53
