"""SASL over AUTHENTICATE lines: responses in pieces, and the PLAIN mechanism.

The mechanisms that the server offers, and the check of a login, are in ``chatroom.chat.admission``.

Source: IRCv3 "sasl" 3.1 and 3.2 (base64 in pieces of 400 bytes; a piece of exactly 400 is followed by another one, or
by ``+`` if nothing is left; ``*`` aborts); RFC 4616 (PLAIN).
"""

from __future__ import annotations

import base64
from enum import Enum
from typing import NamedTuple

from chatroom.irc.limits import SASL_RESPONSE_BYTES

PIECE_BYTES = 400
"""The most base64 in one AUTHENTICATE line."""


class SaslFault(Enum):
    """The reason why a response cannot be used. The exchange is over."""

    ABORTED = "aborted by the client"
    PIECE_TOO_LONG = "a piece is too long"
    TOO_LONG = "the whole is too long"
    MALFORMED = "not base64"


class ResponseBuffer:
    """Collects the pieces of a client's response. Each session has its own, guarded by the hub lock."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, piece: str) -> bytes | SaslFault | None:
        """Add the parameter of one AUTHENTICATE line. Returns the response if it is complete, None if more must follow.

        After a response or a fault the buffer is empty and can be used again.
        """
        answer = self._take(piece)
        if answer is not None:
            self._pieces = []
            self._size = 0
        return answer

    def to_state(self) -> list[str]:
        """The pieces so far, for ``use_state``."""
        return self._pieces

    def use_state(self, state: list[str]) -> None:
        """Take over the pieces of another buffer."""
        self._pieces = list(state)
        self._size = sum(map(len, state))

    def _take(self, piece: str) -> bytes | SaslFault | None:
        if piece == "*":
            return SaslFault.ABORTED
        if piece != "+":
            self._pieces.append(piece)
            self._size += len(piece)
        if len(piece) > PIECE_BYTES:
            return SaslFault.PIECE_TOO_LONG
        if self._size > SASL_RESPONSE_BYTES:
            return SaslFault.TOO_LONG
        if len(piece) == PIECE_BYTES:
            return None
        try:
            return base64.b64decode("".join(self._pieces), validate=True)
        except ValueError:  # not base64, or not even ASCII
            return SaslFault.MALFORMED


def encode_response(response: bytes) -> list[str]:
    """The parameters of the AUTHENTICATE lines that carry a response."""
    text = base64.b64encode(response).decode("ascii")
    pieces = [text[at : at + PIECE_BYTES] for at in range(0, len(text), PIECE_BYTES)]
    if len(text) % PIECE_BYTES == 0:
        pieces.append("+")
    return pieces


class PlainLogin(NamedTuple):
    """The content of a PLAIN response."""

    authzid: str
    """The account to act as; empty for the account that logs in."""
    authcid: str
    """The account that logs in, with its password."""
    password: str

    def __repr__(self) -> str:
        # Without the password, because it may get into the log.
        return f"PlainLogin({self.authzid!r}, {self.authcid!r})"


def parse_plain(response: bytes) -> PlainLogin | None:
    """The content of a PLAIN response, or None if it is none (RFC 4616: UTF-8, two NULs, an account and a password)."""
    try:
        parts = response.decode().split("\0")
    except UnicodeDecodeError:
        return None
    if len(parts) != 3 or not parts[1] or not parts[2]:
        return None
    return PlainLogin(*parts)


def format_plain(account: str, password: str) -> bytes:
    """The PLAIN response for ``account`` to log in. Neither argument may hold a NUL."""
    return f"\0{account}\0{password}".encode()
