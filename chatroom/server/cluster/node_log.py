"""What operators read in a node's log of the others: which there are, who comes and goes, and if they are reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chatroom.chat.log_line import Level

if TYPE_CHECKING:
    from chatroom.config.clustering import Cluster
    from chatroom.server.cluster.cluster_contract import NodeState

_MOST_APART_MS = 10_000
"""How far the clocks of two nodes may be apart. What a node has told of its own may be as old as a lease."""
_BEATS_APART = 3
"""After how many heartbeats in a row it is logged: this node may have stood still during one."""
Show = Callable[[str, Level], object]


class NodeLog:
    """Logs what has changed from one heartbeat to the next. For the heartbeat's thread, but for ``begin``, ``wait`` and
    ``go_on``.
    """

    def __init__(self, settings: Cluster) -> None:
        self._settings = settings
        self._known: dict[str, NodeState] | None = None
        """The other nodes as of the last heartbeat, by home; None before the first one."""
        self._same_name: set[str] = set()
        """The homes whose server has this one's name, as the log says."""
        self._apart: dict[str, int] = {}
        """By home: how many heartbeats in a row have found its clock far from this node's."""
        self._lost_s: float | None = None
        """Since when the others are not reached, on the monotonic clock; None if they are."""
        self._lock = threading.Lock()
        """Guards the next two."""
        self._show: Show | None = None
        self._waiting: list[tuple[str, Level]] = []
        """Lines from before ``begin``."""
        self._waits: dict[str, float] = {}
        """What waits, and since when on the monotonic clock. For the turn thread."""

    def begin(self, show: Show) -> None:
        """Have the lines shown, those of the start too: the node joins before the log has its first line."""
        with self._lock:
            self._show = show
            waiting, self._waiting = self._waiting, []
        for line, level in waiting:
            show(line, level)

    def _say(self, line: str, level: Level = Level.INFO) -> None:
        with self._lock:
            show = self._show
            if show is None:
                self._waiting.append((line, level))
        if show is not None:
            show(line, level)

    def hear(self, states: Sequence[NodeState], mono_s: float, wall_ms: int = 0) -> None:
        """Note what a heartbeat has answered, at a monotonic time, and a time of the wall clock in ms."""
        settings = self._settings
        if self._lost_s is not None:
            self._say(f"connected to the other nodes again, after {mono_s - self._lost_s:.0f} s")
            self._lost_s = None
        others = {one.home: one for one in states if one.name != settings.node}
        if self._known is None:
            names = ", ".join(one.name for one in others.values() if one.is_alive) or "no other node yet"
            self._say(f"node {settings.node} of the cluster {settings.name} at {settings.address}, with {names}")
        else:
            self._compare(self._known, others)
        self._known = others
        self._look_at_names(states, others)
        self._look_at_clocks(others, wall_ms)

    def _compare(self, before: dict[str, NodeState], now: dict[str, NodeState]) -> None:
        for home, state in before.items():
            if home in now:
                continue
            if state.is_alive:
                self._say(f"node {state.name} has left the cluster")
            else:
                silent_s = self._settings.lease_s
                self._say(f"node {state.name} is gone: it has not been heard of for {silent_s:g} s", Level.WARNING)
        for home, state in now.items():
            if home not in before:
                self._say(f"node {state.name} has joined the cluster")

    def _look_at_names(self, states: Sequence[NodeState], others: dict[str, NodeState]) -> None:
        own = next((one.facts.get("server") for one in states if one.name == self._settings.node), None)
        for home, state in others.items():
            if own is not None and state.facts.get("server") == own and home not in self._same_name:
                self._same_name.add(home)
                line = f"node {state.name} has the same server.name as this one, {own}: give each its own"
                self._say(line, Level.WARNING)

    def _look_at_clocks(self, others: dict[str, NodeState], wall_ms: int) -> None:
        apart: dict[str, int] = {}
        for home, state in others.items():
            its_ms = state.facts.get("wall_ms")
            if not isinstance(its_ms, int) or not state.is_alive or abs(its_ms - wall_ms) <= _MOST_APART_MS:
                continue
            apart[home] = self._apart.get(home, 0) + 1
            if apart[home] == _BEATS_APART:
                far = f"{abs(its_ms - wall_ms) / 1000:.0f} s {'ahead of' if its_ms > wall_ms else 'behind'}"
                line = f"the clock of node {state.name} is {far} this one's: so are the times of what is said there"
                self._say(line, Level.WARNING)
        self._apart = apart

    def lose(self, error: Exception, mono_s: float) -> None:
        """Note that a heartbeat has failed."""
        if self._lost_s is None:
            self._lost_s = mono_s
            self._say(f"not connected to the other nodes: {error}", Level.WARNING)

    def wait(self, what: str, why: Exception) -> None:
        """Note that something waits, and why. It is shown once, until it goes on. For the turn thread."""
        if what not in self._waits:
            self._waits[what] = time.monotonic()
            self._say(f"{what} waits: {why}", Level.WARNING)

    def go_on(self, what: str) -> None:
        """Note that something goes on, if it has waited. For the turn thread."""
        since_s = self._waits.pop(what, None)
        if since_s is not None:
            self._say(f"{what} goes on, after {time.monotonic() - since_s:.0f} s")
