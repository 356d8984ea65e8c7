"""The signals that stop the daemon, have it read its configuration again, or have a new one take its place."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from functools import partial

from chatroom.errors import ServeError


def ignore_early_upgrades() -> None:
    """Ignore SIGUSR2 until ``handle``: it would kill a daemon that starts, or takes over. From the main thread.

    ``systemctl kill`` sends it to all processes of a service.
    """
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)


class ProcessSignals:
    """Handles SIGTERM, SIGINT, SIGHUP and SIGUSR2 from ``handle`` to ``close``. Methods are for the main thread."""

    def __init__(self) -> None:
        # Python's own C code writes each signal's number to this pipe, at once and in any thread. A handler written in
        # Python runs in the main thread only, and not while that waits in a system call: a signal just before
        # ``wait`` would not end it.
        self._source, self._sink = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._sink, False)
        self.stopped_by = ""
        """The name of the signal to stop; empty if none has come."""
        self._error: ServeError | None = None

    def handle(self, reload: Callable[[], None], upgrade: Callable[[], None]) -> None:
        """Begin to handle the signals. For each SIGHUP ``reload``, and for SIGUSR2 ``upgrade``, runs in a thread."""
        signal.set_wakeup_fd(self._sink, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        # With a controlling terminal SIGHUP says that its window was closed, and the daemon ends with it.
        signal.signal(signal.SIGHUP, self._on_stop if _has_terminal() else partial(self._begin, reload))
        signal.signal(signal.SIGUSR2, partial(self._begin, upgrade))

    def wait(self, look: Callable[[], None], every_s: float) -> None:
        """Wait for the signal to stop, and call ``look`` again and again meanwhile. What it raises ends the wait."""
        # Not select.select, which takes no descriptor above 1023: a daemon that took over connections has such ones.
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        while not self.stopped_by:
            if poll.poll(every_s * 1000):
                os.read(self._source, 64)
            look()
        if self._error is not None:
            raise self._error

    def end(self, why: str, error: ServeError | None = None) -> None:
        """End ``wait`` as a signal would, or with an error. From another thread, once."""
        self._error = error
        self.stopped_by = why
        os.write(self._sink, b"\0")

    def close(self) -> None:
        """Close the pipe. Later signals still do not kill the process. Call it once."""
        signal.set_wakeup_fd(-1)
        os.close(self._source)
        os.close(self._sink)

    def _on_stop(self, number: int, frame: object) -> None:
        self.stopped_by = signal.Signals(number).name

    def _begin(self, task: Callable[[], None], number: int, frame: object) -> None:
        # A thread, because a handler runs between two steps of whatever the main thread does.
        threading.Thread(target=task, name=signal.Signals(number).name, daemon=True).start()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
