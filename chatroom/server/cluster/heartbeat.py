"""The heartbeat: once a second a node says that it lives, and looks at which others do.

It renews this node's lease, takes nodes out of the list whose lease has ended, and tells the hub which nodes there are,
so that the people of those that are gone are ended. One of the nodes also removes old entries of the stream.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.people.server import Server
from chatroom.errors import ClusterError, RedisUnreachable, StreamLost
from chatroom.server.cluster.address_counts import AddressCounts
from chatroom.server.cluster.contact import HEARTBEATS_PER_LEASE, Contact
from chatroom.server.cluster.node_log import NodeLog
from chatroom.server.cluster.stream_age import StreamAge
from chatroom.server.loop_thread import LoopThread

if TYPE_CHECKING:
    from chatroom.chat.cluster.told import Told
    from chatroom.config.clustering import Cluster
    from chatroom.server.cluster.cluster_contract import Link, NodeState
    from chatroom.server.cluster.cluster_hub import ClusterHub
    from chatroom.server.cluster.turn_desk import Desk

_LOOK_S = 0.05
_TRIM_AGAIN_S = 60.0


class Heartbeat(LoopThread):
    """The thread. It pauses while the node has no place among the others and takes another one."""

    def __init__(
        self,
        link: Link,
        desk: Desk,
        contact: Contact,
        facts: Callable[[], dict[str, object]],
        told: Callable[[], Told | None],
        settings: Cluster,
    ) -> None:
        super().__init__("cluster-heartbeat")
        self._link = link
        self._desk = desk
        self._contact = contact
        self._facts = facts
        self._told = told
        self.log = NodeLog(settings)
        self.addresses = AddressCounts(settings.node, settings.lease_s)
        self._age = StreamAge()
        self._trimmed: tuple[int, float] = 0, 0.0
        """Up to which position this node has trimmed the stream, and when."""
        self._name = settings.node
        self._lease_s = settings.lease_s
        self._every_s = settings.lease_s / HEARTBEATS_PER_LEASE
        self._is_urgent = threading.Event()
        self._duty_until_s = 0.0
        """Until when, on the monotonic clock, what this node knows of the others is true."""
        self.is_on = True
        """False while the node is not registered. Only the turn thread sets it."""
        self.hub: ClusterHub | None = None
        """None while the world is loaded: until then nothing is told to it. Set once."""
        self.leave_told: Callable[[], None] = _leave_it
        """Has what this node has told left again, if Redis has it otherwise. Set once, with ``hub``."""
        self._lost_s: float | None = None
        """Since when there has been no answer, on the monotonic clock; None if the last beat had one."""
        self.nodes: Sequence[NodeState] = ()
        """The nodes as of the last beat. Only the thread replaces it; any thread reads it."""

    def run(self) -> None:
        """Beat until stopped."""
        desk = self._desk
        while not desk.is_over:
            if not self.is_on:
                desk.wait_over(_LOOK_S)
                continue
            began_s = time.monotonic()
            try:
                self.beat()
                self._lost_s = None
            except RedisUnreachable as error:
                self._lose(began_s, error)
            except StreamLost as error:
                self._lose(began_s, error)
                desk.lose_stream()
            except ClusterError as error:
                # It beats on: this may be a late answer for an earlier place, and the node has the next one by now.
                desk.lose(str(error))
            self._is_urgent.wait(max(0.0, began_s + self._every_s - time.monotonic()))
            self._is_urgent.clear()

    def hurry(self) -> None:
        """Have the next beat at once: a node joins, or the daemon stops. From any thread."""
        self._is_urgent.set()

    def _lose(self, at_s: float, error: ClusterError) -> None:
        self._contact.lose()
        self.log.lose(error, at_s)
        if self._lost_s is None:
            self._lost_s = at_s

    def find_nodes(self) -> tuple[bool, int]:
        """True if the last beat had an answer, and how many nodes live. From any thread."""
        return self._lost_s is None, sum(node.is_alive for node in self.nodes)

    def describe(self) -> dict[str, str]:
        """What ``STATUS`` says of the cluster. From any thread."""
        lost_s = self._lost_s
        alive = ", ".join(node.name for node in self.nodes if node.is_alive)
        if lost_s is None:
            return {"nodes": alive, "cluster": "connected"}
        return {"nodes": alive, "cluster": f"not connected to the others for {time.monotonic() - lost_s:.0f} s"}

    @property
    def has_duty(self) -> bool:
        """True if this node does what only one does: the first by name of those that are alive and have a world.

        The duty ends before the others can take it over, so that no two nodes have it. From any thread.
        """
        if time.monotonic() > self._duty_until_s:
            return False
        ready = [node.name for node in self.nodes if node.is_alive and node.is_ready]
        return bool(ready) and min(ready) == self._name

    def beat(self) -> None:
        """Beat once. Raises ``ClusterError``. From the thread, or before it begins."""
        hub, asked_at_s = self.hub, time.monotonic()
        # Before the question: a node that comes behind the answer, which may be read late, is no node that is gone.
        homes = hub.others.homes.names if hub is not None else frozenset()
        own = self._told()
        self.nodes = nodes = self._link.heartbeat(self._facts(), own)
        self._duty_until_s = asked_at_s + self._lease_s / 2
        self._contact.hear(asked_at_s, nodes)
        self.addresses.hear(nodes, asked_at_s)
        self.log.hear(nodes, time.monotonic(), round(time.time() * 1000))
        for name, epoch in self._contact.find_gone():
            self._link.remove(name, epoch)
        if hub is not None:
            hub.sure_until_s = asked_at_s + self._lease_s
            if own is not None and any(node.name == self._name and node.told != own for node in nodes):
                self.leave_told()
            servers = {node.home: _server_of(node) for node in nodes}
            # Whoever is no longer registered leaves nothing more there, so it is asked for now.
            gone = self._link.find_told(homes.difference(servers))
            told = {**{node.home: node.told for node in nodes}, **gone}
            hub.threads[0].post(partial(hub.look_at_nodes, servers, told))
            self._trim(hub.position, nodes, asked_at_s)

    def _trim(self, position: int, nodes: Sequence[NodeState], now_s: float) -> None:
        """Remove old entries of the stream, if this node is the one to do it. Raises ``ClusterError``."""
        self._age.note(now_s, position)
        old, (trimmed, at_s) = self._age.find_old(nodes), self._trimmed
        # Also if it was done: after Redis has lost data, the nodes may have written old entries again.
        if old and (old != trimmed or now_s - at_s >= _TRIM_AGAIN_S) and self.has_duty:
            self._link.trim(old)
            self._trimmed = old, now_s


def _leave_it() -> None:
    """Leave nothing."""


def _server_of(node: NodeState) -> Server | None:
    if "server" not in node.facts:
        return None
    return Server(str(node.facts["server"]), str(node.facts.get("description", "")))
