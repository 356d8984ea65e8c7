"""SCRAM-SHA-256: what is kept of a password for it, and the server's half of an exchange.

Sources: RFC 5802 and RFC 7677; the messages and the mathematics are the library ``scramp``'s. A verifier is kept as
``SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>``, the last three in base64.

Making a verifier takes as long as its iterations, on purpose: it belongs to a worker, as all of an exchange does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

from scramp import ScramException, ScramMechanism

from chatroom.chat.admission.passwords import normalise
from chatroom.chat.stored.records import Credential
from chatroom.irc.names import casefold

KIND = "scram-sha-256"
MECHANISM = "SCRAM-SHA-256"

_B64 = "[A-Za-z0-9+/]+=*"
_STORED = re.compile(rf"SCRAM-SHA-256\$([1-9][0-9]{{3,7}}):({_B64})\$({_B64}):({_B64})")
_SALT_BYTES = 18


class Verifier(NamedTuple):
    """What a password is checked against."""

    salt: bytes
    stored_key: bytes
    server_key: bytes
    iterations: int


def make_verifier(password: str, iterations: int) -> Credential | None:
    """The verifier to store for a password; None where SCRAM cannot have it. Raises ``InvalidValue``.

    Its clients prepare passwords by an older rule than ours (SASLprep, RFC 4013), which knows no emoji, for example.
    """
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
    """A stored verifier; None where there is none, or a damaged one."""
    match = _STORED.fullmatch(stored) if stored is not None else None
    if match is None:
        return None
    try:
        salt, stored_key, server_key = (base64.b64decode(word, validate=True) for word in match.groups()[1:])
    except ValueError:
        return None
    return Verifier(salt, stored_key, server_key, int(match[1]))


def needs_renewal(stored: str | None, iterations: int) -> bool:
    """Whether a verifier is missing, or was made with another number of iterations than the configured one."""
    verifier = read_verifier(stored)
    return verifier is None or verifier.iterations != iterations


def unmatched_verifier(name: str, secret: bytes, iterations: int) -> Verifier:
    """A verifier that no password matches, for a name without one: the same every time, as a real one is."""
    keys = [hmac.new(secret, f"{part} {casefold(name)}".encode(), hashlib.sha256).digest() for part in range(3)]
    return Verifier(keys[0][:_SALT_BYTES], keys[1], keys[2], iterations)


class ScramExchange:
    """The server's half of one exchange, step by step. ``name`` is whom the client said it is."""

    __slots__ = ("_server", "name")

    def __init__(self) -> None:
        self.name = ""
        self._server: Any = None

    def begin(self, client_first: bytes, find: Callable[[str], Verifier]) -> bytes | None:
        """Take the client's first message: the answer to it; None where it is not one.

        ``find`` gives the verifier of whom it names; its exceptions pass through.
        """
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
        """Take the client's proof: ours, where it holds; else None."""
        if self._server is None:
            return None
        try:
            self._server.set_client_final(client_final.decode())
            return str(self._server.get_server_final()).encode()
        except (ScramException, UnicodeDecodeError):
            return None
