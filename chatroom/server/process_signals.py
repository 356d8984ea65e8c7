"""The signals that stop the daemon or have it read its configuration again."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from functools import partial


class ProcessSignals:
    """Handles SIGTERM, SIGINT and SIGHUP from ``handle`` to ``close``. Methods are for the main thread."""

    def __init__(self) -> None:
        # Python's own C code writes each signal's number to this pipe, at once and in any thread. A handler written in
        # Python runs in the main thread only, and not while that waits in a system call: a signal just before
        # ``wait`` would not end it.
        self._source, self._sink = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._sink, False)
        self.stopped_by = ""
        """The name of the signal to stop; empty if none has come."""

    def handle(self, reload: Callable[[], None]) -> None:
        """Begin to handle the signals. ``reload`` runs in a thread of its own for each SIGHUP."""
        signal.set_wakeup_fd(self._sink, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        # With a controlling terminal SIGHUP says that its window was closed, and the daemon ends with it.
        signal.signal(signal.SIGHUP, self._on_stop if _has_terminal() else partial(self._on_reload, reload))

    def wait(self, look: Callable[[], None], every_s: float) -> None:
        """Wait for the signal to stop, and call ``look`` again and again meanwhile. What it raises ends the wait."""
        while not self.stopped_by:
            readable, _, _ = select.select([self._source], [], [], every_s)
            if readable:
                os.read(self._source, 64)
            look()

    def close(self) -> None:
        """Close the pipe. Later signals still do not kill the process. Call it once."""
        signal.set_wakeup_fd(-1)
        os.close(self._source)
        os.close(self._sink)

    def _on_stop(self, number: int, frame: object) -> None:
        self.stopped_by = signal.Signals(number).name

    def _on_reload(self, reload: Callable[[], None], number: int, frame: object) -> None:
        # A thread, because a handler runs between two steps of whatever the main thread does.
        threading.Thread(target=reload, name="reload", daemon=True).start()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
