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
SHA3 = "sha3-512:"
"""Before a verifier of another server: bcrypt of the SHA3-512 of what was typed (Ergo)."""
PLAIN = "plain:"
"""Before a verifier of another program: bcrypt of what was typed, of which 72 bytes count (htpasswd, PHP)."""
# The form, the cost, then 22 characters of salt and 31 of hash. The variants 2a, 2b and 2y are the same for us.
_STORED = re.compile(r"(sha3-512:|plain:|)(\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53})")
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
    match = _STORED.fullmatch(stored) if stored is not None else None
    form, verifier = (match[1], match[2]) if match is not None else ("", None)
    try:
        digest = _digest(normalise(password)) if not form else _foreign_digest(form, password)
    except InvalidValue:
        digest = _UNMATCHED
    try:
        matches = bcrypt.checkpw(digest, (verifier or _dummy(cost)).encode("ascii"))
    except ValueError:  # a damaged verifier matches no password
        return False
    # The last two conditions do not trust bcrypt: neither a dummy verifier nor an invalid password may ever log in.
    return matches and verifier is not None and digest != _UNMATCHED


def needs_rehash(stored: str, cost: int) -> bool:
    """True if a verifier is not our bcrypt of the configured cost. A good login then replaces it."""
    match = _STORED.fullmatch(stored)
    return match is None or bool(match[1]) or int(match[3]) != cost


def is_verifier(stored: str) -> bool:
    """True if ``verify`` can use the text."""
    return _STORED.fullmatch(stored) is not None


def _digest(normal: str) -> bytes:
    # bcrypt ignores what follows 72 bytes, and takes no NUL. With the digest, a passphrase of any length counts whole,
    # and base64 has no NUL.
    return base64.b64encode(hashlib.sha256(normal.encode()).digest())


def _foreign_digest(form: str, password: str) -> bytes:
    """What another program gives to bcrypt. Raises ``InvalidValue`` for what is no password here."""
    normalise(password)  # a good login stores our own verifier, so it must have a normal form
    typed = password.encode()
    return hashlib.sha3_512(typed).digest() if form == SHA3 else typed[:72]


def _dummy(cost: int) -> str:
    """A well-formed verifier for which no matching password is known."""
    return f"$2b${cost:02d}$" + "." * 53
