"""Where I/O threads stand still between two ticks, so that another thread has the world and all sockets for itself."""

from __future__ import annotations

import threading
import time


class Halt:
    """One stop of some threads. They arrive one after the other, and go on, or end, together."""

    def __init__(self, count: int) -> None:
        self._changed = threading.Condition()
        """Guards everything below. No other lock is taken while it is held."""
        self._missing = count
        self._goes_on: bool | None = None
        """True if the threads go on and False if they end; None until that is decided."""

    def stand_still(self) -> bool:
        """Stand still. Return True if the thread goes on, False if it ends. In each of the threads."""
        with self._changed:
            self._missing -= 1
            self._changed.notify_all()
            while self._goes_on is None:
                self._changed.wait()
            return self._goes_on

    def wait(self, patience_s: float) -> bool:
        """Wait until all threads stand still. False if one does not in that time. From the other thread."""
        give_up_at = time.monotonic() + patience_s
        with self._changed:
            while self._missing:
                left_s = give_up_at - time.monotonic()
                if left_s <= 0:
                    return False
                self._changed.wait(left_s)
        return True

    def release(self, *, goes_on: bool) -> None:
        """Let the threads go on, or end. From the other thread, which has nothing of theirs from then on."""
        with self._changed:
            self._goes_on = goes_on
            self._changed.notify_all()
