"""The state of one SASL exchange between a session and the server. Source: IRCv3 SASL 3.1 and 3.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.scram import MECHANISM as SCRAM
from chatroom.chat.admission.scram import ScramExchange
from chatroom.irc.sasl import ResponseBuffer

if TYPE_CHECKING:
    from chatroom.chat.stored.records import Account, AccountEntry
    from chatroom.config import Settings

PLAIN = "PLAIN"
EXTERNAL = "EXTERNAL"
"""Logging in by the certificate that the client showed in the TLS handshake. Source: RFC 4422, appendix A."""


def mechanisms(settings: Settings, *, certified: bool) -> list[str]:
    """The names of the mechanisms that the server offers to a session. ``certified``: it has shown a certificate."""
    return [PLAIN, *([SCRAM] if settings.accounts.scram else []), *([EXTERNAL] if certified else [])]


class SaslExchange:
    """One exchange, from ``AUTHENTICATE <mechanism>`` to its end. Belongs to one session; guarded by the hub lock."""

    __slots__ = ("buffer", "mechanism", "named", "proven", "scram")

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        self.buffer = ResponseBuffer()
        """The pieces of the client's response that have arrived."""
        self.scram: ScramExchange | None = None
        """The SCRAM messages so far; None before the client's first message. Only a worker calls its methods."""
        self.named: Account | None = None
        """The account that the client's first SCRAM message names, as it was when its verifier was read; None if there
        is none of the name."""
        self.proven: AccountEntry | None = None
        """The account whose password the client has proved by SCRAM; None before that. The client still has to end the
        exchange."""
