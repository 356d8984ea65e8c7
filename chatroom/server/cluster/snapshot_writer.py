"""The thread that leaves snapshots of this node's world for nodes that join.

The document is made in a tick, because only there the world is as it was at one position. Packing and sending it takes
longer, and is done here.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from chatroom.errors import ClusterError
from chatroom.server.cluster.entering import pack
from chatroom.server.loop_thread import LoopThread

if TYPE_CHECKING:
    from chatroom.server.cluster.cluster_contract import Link

log = logging.getLogger(__name__)


class Wanted(NamedTuple):
    """A snapshot to be left."""

    home: str
    """The node that waits for it."""
    position: int
    document: dict[str, Any]


class SnapshotWriter(LoopThread):
    """The thread."""

    def __init__(self, link: Link) -> None:
        super().__init__("cluster-snapshots")
        self._link = link
        self._changed = threading.Condition()
        """Guards the next two."""
        self._wanted: deque[Wanted] = deque()
        self._is_over = False

    def add(self, wanted: Wanted) -> None:
        """Have a snapshot left. From any thread."""
        with self._changed:
            self._wanted.append(wanted)
            self._changed.notify()

    def stop(self, patience_s: float) -> None:
        """End; wait at most that long for it. From any other thread."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self.join(patience_s)

    def run(self) -> None:
        """Leave snapshots until stopped."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._is_over)
                if self._is_over:
                    return
                wanted = self._wanted.popleft()
            try:
                self._link.put_snapshot(wanted.home, pack(wanted.position, wanted.document))
            except ClusterError as error:
                log.warning("no snapshot for %s: %s", wanted.home, error)  # it asks again
