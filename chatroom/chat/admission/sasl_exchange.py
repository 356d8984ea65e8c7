"""One SASL exchange of a session: its mechanism, and how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.admission.scram import MECHANISM as SCRAM
from chatroom.chat.admission.scram import ScramExchange
from chatroom.irc.sasl import ResponseBuffer

if TYPE_CHECKING:
    from chatroom.config import Settings

PLAIN = "PLAIN"


def mechanisms(settings: Settings) -> list[str]:
    """The mechanisms offered."""
    return [PLAIN, SCRAM] if settings.accounts.scram else [PLAIN]


class SaslExchange:
    """From ``AUTHENTICATE <mechanism>`` to its end. Used by one session, guarded by the hub lock."""

    __slots__ = ("account_id", "buffer", "mechanism", "scram")

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        self.buffer = ResponseBuffer()
        self.scram: ScramExchange | None = None
        """The exchange of messages, once it has begun; only a worker calls it."""
        self.account_id = 0
        """Whose password was proved, where only the client's last word is missing."""
