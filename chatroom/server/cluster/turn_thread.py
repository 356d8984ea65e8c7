"""The turn thread: it gets the turns that the hub wants, and its node's place back if that is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.errors import ClusterError, RedisUnreachable, StorageError, StreamLost
from chatroom.server.cluster.cluster_contract import RETRY_S
from chatroom.server.cluster.entering import Stopping
from chatroom.server.cluster.turn_desk import Granted
from chatroom.server.loop_thread import LoopThread

if TYPE_CHECKING:
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.server.cluster.cluster_contract import Link, Turn
    from chatroom.server.cluster.turn_desk import Desk

_WAIT_S = 0.4
"""How long the thread waits for a turn before it looks whether there is something else to do."""


class TurnThread(LoopThread):
    """The thread."""

    def __init__(
        self,
        link: Link,
        desk: Desk,
        find_turn_floor: Callable[[], int],
        find_untold: Callable[[Turn], list[Record]],
        begin_anew: Callable[[str], None],
    ) -> None:
        """``find_untold`` is called for a broken turn, and ``begin_anew`` if the node has lost its place: in this
        thread.
        """
        super().__init__("cluster-turns")
        self._link = link
        self._desk = desk
        self._find_turn_floor = find_turn_floor
        self._find_untold = find_untold
        self._begin_anew = begin_anew

    def run(self) -> None:
        """Get turns until stopped."""
        desk = self._desk
        while not desk.is_over:
            try:
                self._step()
            except Stopping:
                return
            except (RedisUnreachable, StorageError):
                desk.pause(RETRY_S)
            except StreamLost:
                desk.lose_stream()
            except ClusterError as error:
                desk.lose(str(error))

    def _step(self) -> None:
        desk = self._desk
        if desk.lost:
            self._begin_anew(desk.lost)
        elif desk.has_lost_stream:
            recovered = self._link.recover(self._find_turn_floor)
            if recovered is None:
                desk.pause(RETRY_S)
            else:
                desk.find_stream(recovered.turn)
        elif desk.has_turn:  # also if this thread had a fault meanwhile
            desk.wait_end()
        elif desk.unused is not None:
            self._link.release(desk.unused)
            desk.unused = None
        elif desk.wait_wanted(_WAIT_S):
            turn = self._link.acquire() or self._link.wait_grant(_WAIT_S)
            if turn is not None:
                untold = self._find_untold(turn) if turn.is_broken else ()
                desk.grant(Granted(turn, untold, int(time.monotonic() * 1000)))
