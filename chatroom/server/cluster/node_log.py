"""What operators read in a node's log of the others: which there are, who comes and goes, and if they are reached."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.config.clustering import Cluster
    from chatroom.server.cluster.cluster_contract import NodeState

log = logging.getLogger(__name__)


class NodeLog:
    """Logs what has changed from one heartbeat to the next. For one thread."""

    def __init__(self, settings: Cluster) -> None:
        self._settings = settings
        self._known: dict[str, NodeState] | None = None
        """The other nodes as of the last heartbeat, by home; None before the first one."""
        self._same_name: set[str] = set()
        """The homes whose server has this one's name, as the log says."""
        self._lost_s: float | None = None

    def hear(self, states: Sequence[NodeState], mono_s: float) -> None:
        """Note what a heartbeat has answered, at a monotonic time."""
        settings = self._settings
        if self._lost_s is not None:
            log.info("connected to the other nodes again, after %.0f s", mono_s - self._lost_s)
            self._lost_s = None
        others = {one.home: one for one in states if one.name != settings.node}
        if self._known is None:
            names = ", ".join(one.name for one in others.values() if one.is_alive) or "no other node yet"
            log.info("node %s of the cluster %s at %s, with %s", settings.node, settings.name, settings.address, names)
        else:
            self._compare(self._known, others)
        self._known = others
        self._look_at_names(states, others)

    def _compare(self, before: dict[str, NodeState], now: dict[str, NodeState]) -> None:
        for home, state in before.items():
            if home in now:
                continue
            if state.is_alive:
                log.info("node %s has left the cluster", state.name)
            else:
                log.warning("node %s is gone: it has not been heard of for %g s", state.name, self._settings.lease_s)
        for home, state in now.items():
            if home not in before:
                log.info("node %s has joined the cluster", state.name)

    def _look_at_names(self, states: Sequence[NodeState], others: dict[str, NodeState]) -> None:
        own = next((one.facts.get("server") for one in states if one.name == self._settings.node), None)
        for home, state in others.items():
            if own is not None and state.facts.get("server") == own and home not in self._same_name:
                self._same_name.add(home)
                log.warning("node %s has the same server.name as this one, %s: give each its own", state.name, own)

    def lose(self, error: Exception, mono_s: float) -> None:
        """Note that a heartbeat has failed."""
        if self._lost_s is None:
            self._lost_s = mono_s
            log.warning("not connected to the other nodes: %s", error)
