"""What the threads that commit for ticks have in common: they are given batches, and hand back what became of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.server.loop_thread import LoopThread

if TYPE_CHECKING:
    from chatroom.chat.delivery.batches import Settled


class CommitterThread(LoopThread):
    """The part of a ``chatroom.chat.delivery.batches.Committer`` that does not depend on how it commits."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._wake: Callable[[], None] = _ignore
        """Has an I/O thread tick. Set once, before anything is given."""
        self._changed = threading.Condition()
        """Guards what ticks and the thread share, and tells the thread of new batches and of its end. Taken under the
        hub lock."""
        self._settled: list[Settled] = []
        """What became of batches and was not taken yet. Guarded by ``_changed``, as the next."""
        self._is_over = False

    def wake_by(self, wake: Callable[[], None]) -> None:
        """Have ``wake``, which makes an I/O thread tick, called when batches are settled. Before anything is given."""
        self._wake = wake

    def take_settled(self) -> list[Settled]:
        """Take what was settled since the last call. From any thread; needs the hub lock."""
        if not self._settled:  # read without the lock: what comes just now also wakes an I/O thread
            return []
        with self._changed:
            settled, self._settled = self._settled, []
            return settled

    def stop(self, patience_s: float) -> bool:
        """Do what was given, and end. False if that takes longer. From any other thread."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self.join(patience_s)
        return not self.is_alive()


def _ignore() -> None:
    """Wake nobody."""
