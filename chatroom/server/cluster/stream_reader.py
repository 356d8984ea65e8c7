"""The reader: it follows the stream, and lays what other nodes have done on the desk.

It decodes off the hub lock. A tick applies what it has laid there.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from chatroom.chat.cluster.turn_records import decode_records
from chatroom.errors import ClusterError, RedisUnreachable, StreamLost
from chatroom.server.cluster.cluster_contract import RETRY_S
from chatroom.server.cluster.pauses import Pauses
from chatroom.server.cluster.turn_desk import MOST_ENTRIES, Done
from chatroom.server.loop_thread import LoopThread

if TYPE_CHECKING:
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.server.cluster.cluster_contract import Entry, Link
    from chatroom.server.cluster.turn_desk import Desk

_BLOCK_S = 0.4
"""How long one question waits for something new. The daemon waits that long for its end."""

log = logging.getLogger(__name__)


class StreamReader(LoopThread):
    """The thread. It reads only while the node has a place among the others."""

    def __init__(self, link: Link, desk: Desk) -> None:
        super().__init__("cluster-reader")
        self._pauses = Pauses()
        self._link = link
        self._desk = desk
        self.lock = threading.Lock()
        """Held while the thread reads, and by the turn thread while the node takes another place."""
        self._after = 0
        """The position up to which everything was read. Guarded by the lock."""

    def begin_at(self, position: int) -> None:
        """Read on behind a position. Before the start, or with the lock."""
        self._after = position

    def run(self) -> None:
        """Read until stopped."""
        desk = self._desk
        while not desk.is_over:
            desk.wait_place(_BLOCK_S)
            if len(desk.entries) >= MOST_ENTRIES:
                desk.pause(RETRY_S)
                continue
            try:
                with self.lock:
                    if not desk.lost:
                        self._read()
                self._pauses.reset()
            except RedisUnreachable:
                desk.pause(self._pauses.take())
            except StreamLost:
                self._pauses.reset()
                desk.lose_stream()
                desk.pause(RETRY_S)
            except ClusterError as error:
                desk.lose(str(error))

    def _read(self) -> None:
        entries = self._link.read(self._after, _BLOCK_S)
        if not entries:
            return
        done = [Done(entry.position, entry.home, _decode(entry)) for entry in entries]
        self._after = entries[-1].position
        self._desk.add(done)


def _decode(entry: Entry) -> list[Record]:
    """The records of an entry; none if no node has written it, because each node leaves it out."""
    try:
        return decode_records(entry.data)
    except (ValueError, RecursionError) as error:
        log.warning("entry %d of the stream has no records, and is left out: %s", entry.position, error)
        return []
