"""How long a thread of a node pauses between two tries while Redis is away."""

from __future__ import annotations

from chatroom.server.cluster.cluster_contract import RETRY_S

MOST_PAUSE_S = 0.25
"""The longest pause. Several threads may pass it on to each other until the node goes on, one pause each."""
_GROWTH = 1.1


class Pauses:
    """The pauses of one thread. They grow to about a tenth of the time that Redis has been away.

    So nobody notices that a short break is found to be over a little late, and a long one does not keep a processor
    busy: a try costs about half a millisecond.
    """

    __slots__ = ("_next_s",)

    def __init__(self) -> None:
        self._next_s = RETRY_S

    def take(self) -> float:
        """Return the length of the next pause, in seconds."""
        pause_s = self._next_s
        self._next_s = min(pause_s * _GROWTH, MOST_PAUSE_S)
        return pause_s

    def reset(self) -> None:
        """Begin anew: Redis has answered."""
        self._next_s = RETRY_S
