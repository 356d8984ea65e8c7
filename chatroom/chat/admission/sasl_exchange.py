"""The state of one SASL exchange between a session and the server. Source: IRCv3 SASL 3.1 and 3.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.scram import MECHANISM as SCRAM
from chatroom.chat.admission.scram import ScramExchange
from chatroom.irc.sasl import ResponseBuffer

if TYPE_CHECKING:
    from chatroom.config import Settings

PLAIN = "PLAIN"


def mechanisms(settings: Settings) -> list[str]:
    """The names of the mechanisms that the server offers under these settings."""
    return [PLAIN, SCRAM] if settings.accounts.scram else [PLAIN]


class SaslExchange:
    """One exchange, from ``AUTHENTICATE <mechanism>`` to its end. Belongs to one session; guarded by the hub lock."""

    __slots__ = ("account_id", "buffer", "mechanism", "scram")

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        self.buffer = ResponseBuffer()
        """The pieces of the client's response that have arrived."""
        self.scram: ScramExchange | None = None
        """The SCRAM messages so far; None before the client's first message. Only a worker calls its methods."""
        self.account_id = 0
        """The account whose password the client has proved; 0 before that. The client still has to end the exchange."""
