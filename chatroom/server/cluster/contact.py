"""Who is gone: judged by leases that were missing while this node was in unbroken contact with Redis.

A lease that is missing says nothing by itself. If Redis was away, nobody could renew a lease, and all are missing when
it comes back. So a node is gone only if its lease was missing twice in a row, and if this node could renew its own for
the whole length of a lease before: then the other one could have done so too.

Pure: the caller gives the monotonic time.
"""

from __future__ import annotations

from collections.abc import Iterable

from chatroom.server.cluster.cluster_contract import NodeState

HEARTBEATS_PER_LEASE = 6
"""How often a lease is renewed in its length."""
_MISSES = 2


class Contact:
    """What the heartbeats of one node have seen of the others. For one thread."""

    def __init__(self, name: str, lease_s: float) -> None:
        self._name = name
        self._lease_s = lease_s
        self._since: float | None = None
        """When the unbroken contact began."""
        self._heard_at = 0.0
        self._misses: dict[tuple[str, int], int] = {}
        """How many heartbeats in a row have found no lease of a node, by name and epoch."""

    def hear(self, asked_at: float, states: Iterable[NodeState]) -> None:
        """Note what a heartbeat has answered. ``asked_at`` is the monotonic time at which it was sent."""
        # A long silence between two good answers is a break too: this node, or Redis, stood still.
        if self._since is None or asked_at - self._heard_at > self._lease_s / 2:
            self._since = asked_at
            self._misses.clear()
        self._heard_at = asked_at
        self._misses = {
            (one.name, one.epoch): self._misses.get((one.name, one.epoch), 0) + 1
            for one in states
            if not one.is_alive and one.name != self._name
        }

    def lose(self) -> None:
        """Note that a heartbeat has failed, for whatever reason."""
        self._since = None
        self._misses.clear()

    def find_gone(self) -> list[tuple[str, int]]:
        """Return the name and epoch of each node that is gone, as of the last heartbeat."""
        if self._since is None or self._heard_at - self._since < self._lease_s:
            return []
        return sorted(node for node, misses in self._misses.items() if misses >= _MISSES)
