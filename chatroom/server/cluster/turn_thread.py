"""The turn thread: it gets the turns that the hub wants, and its node's place back if that is lost.

A broken turn needs PostgreSQL: what the node before has stored must be told first. If PostgreSQL is away, the node says
so in its log and asks again. If it stays away, the turn goes on to the next node, as broken as it was: perhaps only
this node has lost its way there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chatroom.chat.cluster.turn_records import encode_records
from chatroom.errors import ClusterError, RedisUnreachable, StorageError, StreamLost
from chatroom.server.cluster.cluster_contract import RETRY_S
from chatroom.server.cluster.entering import Stopping
from chatroom.server.cluster.pauses import Pauses
from chatroom.server.cluster.turn_desk import Granted
from chatroom.server.loop_thread import LoopThread

if TYPE_CHECKING:
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.server.cluster.cluster_contract import Link, Turn
    from chatroom.server.cluster.node_log import NodeLog
    from chatroom.server.cluster.turn_desk import Desk

_ASK_AGAIN_S = 0.2
"""How long after a question that PostgreSQL has not answered the next one is asked."""
_WAIT_S = 0.4
"""How long the thread waits for a turn before it looks whether there is something else to do."""
HAND_ON_S = 4.0
"""How long a node keeps a broken turn while it cannot ask PostgreSQL."""
AGREEMENT = "the agreement of the nodes on the stream"
BROKEN_TURN = "the turn after that of a node that has died in it"


class TurnThread(LoopThread):
    """The thread."""

    def __init__(
        self,
        link: Link,
        desk: Desk,
        find_turn_floor: Callable[[], int],
        find_untold: Callable[[Turn], list[Record]],
        begin_anew: Callable[[str], None],
        log: NodeLog,
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
        self._log = log
        self._pauses = Pauses()
        self._kept_s: float | None = None
        """Since when this node asks PostgreSQL about a broken turn, on the monotonic clock; None if it does not."""

    def run(self) -> None:
        """Get turns until stopped."""
        desk = self._desk
        while not desk.is_over:
            try:
                self._step()
                self._pauses.reset()
            except Stopping:
                return
            except RedisUnreachable:
                desk.pause(self._pauses.take())
            except StorageError:
                desk.pause(_ASK_AGAIN_S)
            except StreamLost:
                desk.lose_stream()
            except ClusterError as error:
                desk.lose(str(error))

    def _step(self) -> None:
        desk = self._desk
        if desk.lost:
            self._begin_anew(desk.lost)
        elif desk.has_lost_stream:
            self._recover()
        elif desk.has_turn:  # also if this thread had a fault meanwhile
            desk.wait_end()
        elif desk.unused is not None:
            self._link.release(desk.unused)
            desk.unused = None
        elif desk.wait_wanted(_WAIT_S):
            turn = self._link.acquire() or self._link.wait_grant(_WAIT_S)
            if turn is not None:
                untold = self._mend(turn) if turn.is_broken else ()
                if untold is not None:
                    desk.grant(Granted(turn, untold, int(time.monotonic() * 1000)))

    def _recover(self) -> None:
        """Take a step towards the agreement on the stream."""
        try:
            recovered = self._link.recover(self._find_turn_floor)
        except StorageError as error:
            self._log.wait(AGREEMENT, error)
            raise
        if recovered is None:
            self._desk.pause(RETRY_S)
        else:
            self._log.go_on(AGREEMENT)
            self._desk.find_stream(recovered.turn)

    def _mend(self, turn: Turn) -> Sequence[Record] | None:
        """Find what is untold. None if the turn was handed on instead."""
        if self._kept_s is None:
            self._kept_s = time.monotonic()
        try:
            untold = self._find_untold(turn)
        except StorageError as error:
            self._log.wait(BROKEN_TURN, error)
            if time.monotonic() - self._kept_s < HAND_ON_S:
                raise
            self._link.append(turn, encode_records([]), mends=False)
            self._kept_s = None
            return None
        self._kept_s = None
        self._log.go_on(BROKEN_TURN)
        return untold
