"""The telling thread: it leaves in Redis how far this node has told its people, as soon as it has told them.

If the node dies, they are shown on other nodes what is behind that. A node that tells without a pause leaves it every
``PAUSE_S``. One that tells nothing leaves nothing, unless a heartbeat finds that Redis has another mark than the node.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.errors import ClusterError
from chatroom.server.cluster.pauses import Pauses
from chatroom.server.io_thread import IoThread
from chatroom.server.loop_thread import LoopThread
from chatroom.server.metered import MeteredHub, MeteredIoThread

if TYPE_CHECKING:
    from chatroom.chat.cluster.told import Told
    from chatroom.chat.people.session import Session
    from chatroom.server.cluster.cluster_contract import Link
    from chatroom.server.cluster.cluster_hub import ClusterHub
    from chatroom.server.cluster.told_mark import ToldMark
    from chatroom.server.hub import Hub

PAUSE_S = 0.01
"""How long the thread pauses behind each time: what its node has told meanwhile, the dead node's people read again."""
_LOOK_S = 0.005


class TellingThread(LoopThread):
    """The thread."""

    def __init__(self, link: Link, mark: ToldMark) -> None:
        super().__init__("cluster-telling")
        self._link = link
        self._mark = mark
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        """Held while the mark is read and left in Redis, so that no lower one comes behind a higher one. Guards
        ``_left``."""
        self._left: tuple[str, Told] | None = None
        """What was left last; None if Redis may not have it."""
        self._is_in_doubt = False
        """True if Redis was found with another mark. Set before ``ToldMark.changed``, and taken back behind it."""

    def run(self) -> None:
        """Leave the mark whenever it has moved, until stopped."""
        changed, is_over, pauses = self._mark.changed, self._is_over, Pauses()
        while not is_over.is_set():
            changed.wait()
            is_left = self.leave_mark()
            if is_left:
                pauses.reset()
            if is_over.wait(PAUSE_S if is_left else pauses.take()):
                return

    def leave_mark(self) -> bool:
        """Leave the mark as it is. False if Redis has not taken it. From any thread."""
        with self._lock:
            self._mark.changed.clear()
            if self._is_in_doubt:
                self._is_in_doubt, self._left = False, None
            now = home, told = self._mark.read()
            if now == self._left or not home:
                return True
            try:
                self._link.leave_told(home, told)
            except ClusterError:
                self._mark.changed.set()
                return False
            self._left = now
            return True

    def leave_again(self) -> None:
        """Have the mark left once more, because Redis has another one. From any thread.

        It may have risen when nobody was told anything, or Redis may have come back with older data.
        """
        self._is_in_doubt = True
        self._mark.changed.set()

    def finish(self, patience_s: float) -> None:
        """Wait until the I/O threads have written what is told, and leave that mark. From the turn thread."""
        give_up_at = time.monotonic() + patience_s
        while not self._mark.is_written() and time.monotonic() < give_up_at:
            if self._is_over.wait(_LOOK_S):
                return
        self.leave_mark()

    def stop(self) -> None:
        """End the loop. From any thread."""
        self._is_over.set()
        self._mark.changed.set()


class TellingIoThread(IoThread):
    """An I/O thread that says what it has written."""

    mark: ToldMark

    def __init__(self, index: int, hub: Hub, released: Callable[[Session], None]) -> None:
        super().__init__(index, hub, released)
        self._ticks.after_writes = self._note_written

    def _note_written(self, has_told: bool) -> None:
        self.mark.note_written(self.index, self.table.slow_sessions(), has_told=has_told)


class MeteredTellingIoThread(MeteredIoThread, TellingIoThread):
    """The same, measured."""


def make_io_threads(hub: ClusterHub, count: int, released: Callable[[Session], None]) -> list[IoThread]:
    """Make the I/O threads of a node's hub, metered if it is."""
    kind = MeteredTellingIoThread if isinstance(hub, MeteredHub) else TellingIoThread
    threads: list[IoThread] = []
    for index in range(count):
        thread = kind(index, hub, released)
        thread.mark = hub.mark
        threads.append(thread)
    hub.threads = threads
    return threads
