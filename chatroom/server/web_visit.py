"""What a connection that asks for files is about to read, and how far it has come."""

from __future__ import annotations

PIECE_BYTES = 32_768
"""The most that is handed to the socket at once. Of a client that reads slowly, no more waits in our memory."""
TURN_BYTES = 131_072
"""The most that is sent before other connections have their turn."""
LOOK_S = 2.5
"""How often a connection that may ask for files is looked at. So an idle one soon holds no place of its address."""
MOST_LOOKS = 48
"""How many looks may find progress: a visit lasts two minutes at most."""


class Visit:
    """The requests of one connection for files. Only the thread that owns the connection uses it."""

    __slots__ = ("_looks", "_unsent", "body", "closes", "has_moved", "requests")

    def __init__(self) -> None:
        self.body: memoryview | None = None
        """What is left of the answer under way; None if there is none."""
        self.closes = False
        """True if the connection is closed behind that answer."""
        self.requests = 0
        """How many were answered."""
        self.has_moved = False
        """True if a request or a part of an answer has moved since the last look."""
        self._looks = 0
        self._unsent = 0
        """What the kernel had for the client at the last look, in bytes."""

    def may_go_on(self, unsent: int) -> bool:
        """Look at the visit: False if nothing has moved since the last look, or it has lasted too long.

        ``unsent`` is what the kernel has for the client now. On a slow line that shrinks long before the socket takes
        more.
        """
        has_moved = self.has_moved or unsent < self._unsent
        self.has_moved, self._unsent = False, unsent
        self._looks += 1
        return has_moved and self._looks < MOST_LOOKS

    def take_piece(self, most: int) -> bytes:
        """Take the next piece of the answer; empty if there is no more."""
        if self.body is None:
            return b""
        piece = bytes(self.body[:most])
        self.body = self.body[len(piece) :] or None
        self.has_moved = True
        return piece
