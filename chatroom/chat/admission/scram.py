"""SCRAM-SHA-256: the verifier of a password, and the server's half of an exchange.

Sources: RFC 5802 and RFC 7677. The library ``scramp`` has the messages and the mathematics. A verifier is stored as
``SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>``; the salt and the keys are base64.

``make_verifier`` is slow on purpose: it takes as long as its iterations. Call it, and ``ScramExchange``, in a worker.
The first call there imports ``scramp``, with the ASN.1 of certificates, which is a quarter of the daemon's own imports.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

from chatroom.chat.admission.passwords import normalise
from chatroom.chat.stored.records import Credential
from chatroom.irc.names import casefold

KIND = "scram-sha-256"
"""The ``Credential.kind`` of a verifier."""
MECHANISM = "SCRAM-SHA-256"

# Stricter than base64.b64decode, so that a damaged verifier never reaches scramp.
_B64 = "[A-Za-z0-9+/]+=*"
_STORED = re.compile(rf"SCRAM-SHA-256\$([1-9][0-9]{{3,7}}):({_B64})\$({_B64}):({_B64})")
_SALT_BYTES = 18  # a multiple of 3, so that its base64 has no padding


class Verifier(NamedTuple):
    """The stored values that a password is checked against (RFC 5802, section 3). The password itself is not kept."""

    salt: bytes
    stored_key: bytes
    server_key: bytes
    iterations: int


def make_verifier(password: str, iterations: int) -> Credential | None:
    """The verifier to store for a password, or None if SCRAM cannot use the password.

    SCRAM clients prepare passwords by SASLprep (RFC 4013), which is older than our rule and refuses emoji, for example.
    Raises ``InvalidValue`` as ``passwords.normalise``.
    """
    from scramp import ScramException, ScramMechanism

    normal = normalise(password)
    try:
        salt, stored_key, server_key, _ = ScramMechanism(MECHANISM).make_auth_info(
            normal, iterations, secrets.token_bytes(_SALT_BYTES)
        )
    except ScramException:
        return None
    words = [base64.b64encode(each).decode("ascii") for each in (salt, stored_key, server_key)]
    return Credential(KIND, f"{MECHANISM}${iterations}:{words[0]}${words[1]}:{words[2]}")


def read_verifier(stored: str | None) -> Verifier | None:
    """The verifier stored as this text; None if the text is None or damaged."""
    match = _STORED.fullmatch(stored) if stored is not None else None
    if match is None:
        return None
    try:
        salt, stored_key, server_key = (base64.b64decode(word, validate=True) for word in match.groups()[1:])
    except ValueError:
        return None
    return Verifier(salt, stored_key, server_key, int(match[1]))


def needs_renewal(stored: str | None, iterations: int) -> bool:
    """True if a verifier is missing, damaged, or of another number of iterations than the configured one."""
    verifier = read_verifier(stored)
    return verifier is None or verifier.iterations != iterations


def unmatched_verifier(name: str, secret: bytes, iterations: int) -> Verifier:
    """A verifier for a name that has none. No password matches it.

    It is the same at every try, as a real one is, so a client cannot find out which accounts exist. ``secret`` is a key
    of the database.
    """
    keys = [hmac.new(secret, f"{part} {casefold(name)}".encode(), hashlib.sha256).digest() for part in range(3)]
    return Verifier(keys[0][:_SALT_BYTES], keys[1], keys[2], iterations)


class ScramExchange:
    """The server's half of one exchange: ``begin``, then ``finish``. Used by one worker at a time.

    ``name`` is the account that the client named, empty before ``begin``.
    """

    __slots__ = ("_server", "name")

    def __init__(self) -> None:
        self.name = ""
        self._server: Any = None

    def begin(self, client_first: bytes, find: Callable[[str], Verifier]) -> bytes | None:
        """Take the client's first message and return the server's answer; None if the message is malformed.

        ``find`` returns the verifier of a name. An exception that it raises is raised here.
        """
        from scramp import ScramException, ScramMechanism

        # scramp turns every exception of ``look_up`` into a ScramException. An error of the database must not look like
        # a malformed message, so it is remembered here and raised again.
        faults: list[Exception] = []

        def look_up(name: str) -> Verifier:
            self.name = name
            try:
                return find(name)
            except Exception as error:
                faults.append(error)
                raise

        try:
            self._server = ScramMechanism(MECHANISM).make_server(look_up)
            self._server.set_client_first(client_first.decode())
            return str(self._server.get_server_first()).encode()
        except (ScramException, UnicodeDecodeError):
            if faults:
                raise faults[0] from None
            return None

    def finish(self, client_final: bytes) -> bytes | None:
        """Take the client's proof and return the server's own; None if the client's is wrong or comes too early."""
        from scramp import ScramException

        if self._server is None:
            return None
        try:
            self._server.set_client_final(client_final.decode())
            return str(self._server.get_server_final()).encode()
        except (ScramException, UnicodeDecodeError):
            return None
