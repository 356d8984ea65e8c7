"""What the ticks of a node have told its people so far, but for what its I/O threads have still to write.

A turn of this node waits in the gate until it is in the stream, and with it all that its tick has applied before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from chatroom.chat.cluster.told import Told, join_unshown

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.delivery.gate import Gate


class ToldSoFar:
    """It follows the ticks. Guarded by the hub lock."""

    __slots__ = ("_before_tick", "_before_turn", "_gated", "_has_left", "_told", "_unshown", "_world")

    def __init__(self, world: ClusterWorld) -> None:
        self._world = world
        self._told = Told(0)
        self._before_tick = 0
        """The last message id before the tick under way."""
        self._before_turn = 0
        """The last message id before the tick that was this node's last turn."""
        self._unshown: Mapping[int, Collection[str]] = {}
        """What the last tick has left in replay, as in ``Told``."""
        self._gated: tuple[int, Mapping[int, Collection[str]]] = (0, {})
        """A number of the gate, and what was in replay when the first line came to wait for it, and since."""
        self._has_left = False

    def begin_tick(self) -> None:
        """Note that a tick begins, before anything is applied."""
        self._before_tick = self._world.last_seq

    def begin_turn(self) -> None:
        """Note that the tick is a turn of this node."""
        self._before_turn = self._before_tick

    def end_tick(self, gate: Gate) -> Told:
        """Return what is told when the writes of this tick and those before are made."""
        if not self._has_left:
            self._told = self._find(gate)
        return self._told

    def _find(self, gate: Gate) -> Told:
        before, unshown = self._unshown, self._world.unshown.find()
        self._unshown = unshown
        if not gate.is_waiting:
            return Told(self._world.last_seq, {}, unshown)
        if before or unshown or self._gated[1]:
            # What was shown since the turn began may wait with it.
            since = self._gated[1] if self._gated[0] == gate.number else before
            unshown = join_unshown(since, unshown)
            self._gated = gate.number, unshown
        return Told(self._before_turn, {}, unshown)

    def leave(self) -> None:
        """Note that the node has left its world. What was in the gate is told nobody."""
        self._has_left = True

    def enter(self) -> None:
        """Note that the node has a world."""
        self._has_left = False
