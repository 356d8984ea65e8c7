"""How many connections the other nodes have from an address, and had within the last minute.

Those of people are known from the world at once. Connections that are not registered yet, and how many an address has
begun, each node tells with its heartbeat: so to accept a connection asks nobody, and knows the others as of a second or
two ago. What was heard counts for the length of a lease, not longer: a node without contact counts its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatroom.server.cluster.cluster_contract import NodeState

FACT = "addresses"
"""Under this name a heartbeat tells what ``ConnectionCounter.recent`` has found."""


class AddressCounts:
    """The counts of the other nodes. The heartbeat replaces them; any thread reads them."""

    def __init__(self, node: str, lease_s: float) -> None:
        self._node = node
        self._lease_s = lease_s
        self._counts: tuple[Mapping[str, tuple[int, int]], float] = {}, 0.0
        """How many connections are open and were begun, by address, and until when that counts."""
        self.people: Mapping[str, int] = {}
        """How many sessions of people the others have, by address: the world's. Set once, before the first question."""

    def hear(self, nodes: Iterable[NodeState], now_s: float) -> None:
        """Note what a heartbeat has told. ``now_s``: the monotonic clock."""
        counts: dict[str, tuple[int, int]] = {}
        for node in nodes:
            if node.name == self._node or not node.is_alive:
                continue
            for address, (count, begun) in _read(node.facts.get(FACT)):
                before = counts.get(address, (0, 0))
                counts[address] = (before[0] + count, before[1] + begun)
        self._counts = counts, now_s + self._lease_s

    def find(self, address: str) -> tuple[int, int]:
        """How many connections from an address are open at the others, and how many have begun in the last minute."""
        counts, until_s = self._counts
        people = self.people.get(address, 0)
        if not counts or time.monotonic() >= until_s:
            return people, 0
        count, begun = counts.get(address, (0, 0))
        return max(people, count), begun


def _read(fact: object) -> Iterable[tuple[str, tuple[int, int]]]:
    """Return the counts in the fact of a node; nothing of what no node writes."""
    if not isinstance(fact, dict):
        return
    counts: Any
    for address, counts in fact.items():
        if isinstance(counts, list) and len(counts) >= 2 and all(type(count) is int for count in counts[:2]):
            yield address, (max(0, counts[0]), max(0, counts[1]))
