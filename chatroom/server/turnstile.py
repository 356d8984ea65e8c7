"""What background threads pass before each step that writes to the database, so that they can be kept from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_LOOK_S = 0.1
"""How often ``close`` asks if it is still wanted."""


class Turnstile:
    """A context in which a thread writes. It waits at the entrance while the turnstile is closed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        """Guards everything below. No other lock is taken while it is held."""
        self._is_closed = False
        self._inside = 0
        """How many threads are in the context."""

    def __enter__(self) -> None:
        with self._changed:
            while self._is_closed:
                self._changed.wait()
            self._inside += 1

    def try_to_enter(self) -> bool:
        """Enter as ``with`` does, but only if it is open. True if so: then ``leave`` must follow."""
        with self._changed:
            if not self._is_closed:
                self._inside += 1
            return not self._is_closed

    def leave(self) -> None:
        """Leave what ``try_to_enter`` has entered."""
        self.__exit__()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def close(self, patience_s: float, is_given_up: Callable[[], bool] = lambda: False) -> bool:
        """Let no thread in, and wait until all are out.

        False if one is not in that time, or ``is_given_up`` says so meanwhile: then it is open again.
        """
        give_up_at = time.monotonic() + patience_s
        with self._changed:
            self._is_closed = True
            while self._inside:
                left_s = give_up_at - time.monotonic()
                if left_s <= 0 or is_given_up():
                    self._is_closed = False
                    self._changed.notify_all()
                    return False
                self._changed.wait(min(left_s, _LOOK_S))
        return True

    def open(self) -> None:
        """Let threads in again."""
        with self._changed:
            self._is_closed = False
            self._changed.notify_all()
