"""How old the stream is: up to which position it is not kept any more, because all of it is older than ``KEPT_S``.

Nobody needs old entries. A node that is behind them for so long is slow beyond help, and what Redis has lost the nodes
give back from their own memory. But entries have what people say, also what was deleted since. Pure: the caller gives
the monotonic time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from chatroom.server.cluster.cluster_contract import NodeState

KEPT_S = 600.0
"""How long an entry is kept, if not so many come that it goes sooner."""
_APART_S = 10.0
"""How far apart the looks are that are remembered. By so much an entry may be older."""


class StreamAge:
    """What one node knows of the age. For one thread."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()
        """When the stream was seen to reach to a position, oldest first."""
        self._old = 0
        """Everything up to this position is old."""

    def note(self, now_s: float, position: int) -> None:
        """Note up to where the stream goes now."""
        looks = self._looks
        if position < max(self._old, looks[-1][1] if looks else 0):  # a stream that was founded anew
            looks.clear()
            self._old = 0
        is_due = not looks or (position > looks[-1][1] and now_s - looks[-1][0] >= _APART_S)
        if is_due and position > self._old:
            looks.append((now_s, position))
        while looks and now_s - looks[0][0] >= KEPT_S:
            self._old = looks.popleft()[1]

    def find_old(self, nodes: Iterable[NodeState]) -> int:
        """Return the position up to which the stream is old, and no node that is alive is behind it; 0 if none is."""
        positions = [node.facts.get("position") for node in nodes if node.is_alive]
        known = [position for position in positions if isinstance(position, int)]
        if len(known) < len(positions):
            return 0  # it is about to read what is behind its snapshot
        return min([self._old, *known])
