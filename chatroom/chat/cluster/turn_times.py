"""The times of what turns say: they do not go back if a node whose clock is behind has the next turn.

So within a conversation each line is later than the one before, on all nodes together, as it is in a lone daemon: what
pages by time finds every line, and nobody reads times that jump. The clock that is the furthest ahead leads, until the
others have come to where it was, or it is ahead by more than ``MOST_APART_MS``: that is a clock that is set wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.delivery.outbox import Outbox

MOST_APART_MS = 60_000
"""How far the turns' clock may be ahead of a node's own. If it is further ahead, the node goes by its own."""


class TurnTimes:
    """How far the turns have come. Guarded by the hub lock. Moments are Unix milliseconds."""

    __slots__ = ("clock_ms", "latest_ms")

    def __init__(self) -> None:
        self.clock_ms = 0
        """The latest clock of a turn so far."""
        self.latest_ms = 0
        """No event of a turn so far is later."""

    def note(self, clock_ms: int, latest_ms: int) -> None:
        """Note how far a turn has come: of another node, or the one that a snapshot was made behind."""
        self.clock_ms = max(self.clock_ms, clock_ms)
        self.latest_ms = max(self.latest_ms, latest_ms)

    def go_on(self, outbox: Outbox) -> TurnTimes:
        """Note how far this node's own turn has come, at its end, and return these times."""
        self.note(0, outbox.times.latest_of_all)
        return self

    def lead(self, outbox: Outbox, wall_ms: int) -> None:
        """Have what a turn says be later than what was said before. ``wall_ms`` is this node's own clock."""
        if self.clock_ms > wall_ms + MOST_APART_MS:
            self.clock_ms = self.latest_ms = wall_ms  # it was set wrong, or ours is
        self.clock_ms = max(self.clock_ms, wall_ms)
        if self.clock_ms > wall_ms:
            outbox.begin_tick(self.clock_ms)
            outbox.times.go_on(self.latest_ms)
