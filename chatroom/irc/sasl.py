"""SASL over AUTHENTICATE lines: responses in pieces, and what PLAIN says.

Sources: IRCv3 "sasl" 3.1 and 3.2 (base64 in pieces of 400 bytes; a piece of exactly 400 is followed by another, which
is ``+`` where nothing is left; ``*`` aborts); RFC 4616 (PLAIN). Which mechanisms there are and who may log in is
decided elsewhere.
"""

from __future__ import annotations

import base64
from enum import Enum
from typing import NamedTuple

PIECE_BYTES = 400
"""The most base64 one AUTHENTICATE line carries."""

RESPONSE_BYTES = 8192
"""The most base64 of one response, all pieces together: bounded by us, the specification leaves it open."""


class SaslFault(Enum):
    """Why a response came to nothing. The exchange is over."""

    ABORTED = "aborted by the client"
    TOO_LONG = "a piece or the whole is too long"
    MALFORMED = "not base64"


class ResponseBuffer:
    """Gathers the pieces of the client's response. Used by one session, guarded by the hub lock."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, piece: str) -> bytes | SaslFault | None:
        """Take one AUTHENTICATE parameter: the whole response where this was its end, None where more must follow.

        After a response or a fault the buffer is empty, as new.
        """
        answer = self._take(piece)
        if answer is not None:
            self._pieces = []
            self._size = 0
        return answer

    def _take(self, piece: str) -> bytes | SaslFault | None:
        if piece == "*":
            return SaslFault.ABORTED
        if piece != "+":
            self._pieces.append(piece)
            self._size += len(piece)
        if len(piece) > PIECE_BYTES or self._size > RESPONSE_BYTES:
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
    """What PLAIN says."""

    authzid: str
    """Whom to act as; ``""`` means whoever logs in."""
    authcid: str
    """Whose password it is."""
    password: str

    def __repr__(self) -> str:
        """Without the password: this may end up in a log."""
        return f"PlainLogin({self.authzid!r}, {self.authcid!r})"


def parse_plain(response: bytes) -> PlainLogin | None:
    """What a PLAIN response says; None where it is not one (RFC 4616: UTF-8, two NULs, an account and a password)."""
    try:
        parts = response.decode().split("\0")
    except UnicodeDecodeError:
        return None
    if len(parts) != 3 or not parts[1] or not parts[2]:
        return None
    return PlainLogin(*parts)


def format_plain(account: str, password: str) -> bytes:
    """The PLAIN response with which ``account`` logs in as itself. Neither may hold a NUL."""
    return f"\0{account}\0{password}".encode()
