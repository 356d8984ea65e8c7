"""The stages of a connection."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class State(Enum):
    """The stages of a connection, in order."""

    OPENING = auto()
    """Its WebSocket handshake is under way. It has no lines yet, and the world does not know its session."""
    OPEN = auto()
    CLOSING = auto()
    """Its last lines are being sent. It is closed when the peer has closed its end too, or when time is up."""
    CLOSED = auto()


# Read once: an attribute of an Enum class is slow, and each read, write and end needs them. With ``State`` written out,
# mypy, and mypyc with it, does not conclude from one comparison what another one of the same attribute must give.
OPEN: Final[State] = State.OPEN
CLOSING: Final[State] = State.CLOSING
CLOSED: Final[State] = State.CLOSED
