"""A thread whose loop can begin again."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class LoopThread(ABC):
    """A background thread of the daemon: its state is here, and a thread of the system only runs the loop.

    So the supervisor can begin the loop again, in a new thread, if a fault has ended it. The threads are daemon
    threads: none of them may delay the process's end.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin the loop, in a new thread. From any thread, but never while it runs."""
        thread = threading.Thread(target=self.run, name=self.name, daemon=True)
        thread.start()
        self._thread = thread

    @property
    def is_started(self) -> bool:
        """True if the loop has ever begun. Some begin when they are first needed."""
        return self._thread is not None

    def is_alive(self) -> bool:
        """True while the loop runs."""
        return self._thread is not None and self._thread.is_alive()

    def join(self, patience_s: float | None = None) -> None:
        """Wait for the end of the loop, at most that long. Returns at once if it never began."""
        if self._thread is not None:
            self._thread.join(patience_s)

    @abstractmethod
    def run(self) -> None:
        """Run the loop until it is stopped. It may be called again after it was left by an exception."""
