"""Textual's driver for a terminal, which also takes that the terminal goes away, or that somebody else stops us.

A terminal window that is closed hangs up. Then nothing can be written, and every read ends at once: without this class
Textual waits without end for room in its queue of writes, while its other thread reads as fast as it can.
"""

from __future__ import annotations

import os
from queue import Full

from textual.drivers.linux_driver import LinuxDriver

from chatroom.client.fullscreen.pinning import pinned

_LOOK_S = 0.2
"""How long to wait for room in the queue before it is looked at whether anybody still writes."""


class TerminalDriver(LinuxDriver):
    """The terminal that the program was started in."""

    @property
    def is_gone(self) -> bool:
        """True if there was a terminal, and it has hung up."""
        return self.input_tty and not os.isatty(self.fileno)

    def write(self, data: str) -> None:
        """Write to the terminal; to nobody if it is gone."""
        self._put(pinned(data))

    def _put(self, data: str | None) -> None:
        writer = self._writer_thread
        while writer is not None and writer.is_alive():  # it ends with the first write that fails
            try:
                writer._queue.put(data, timeout=_LOOK_S)
                return
            except Full:
                continue

    def close(self) -> None:
        """Wait until all is written, or the terminal is gone."""
        self._put(None)  # the last one for the thread that writes
        if self._writer_thread is not None:
            self._writer_thread.join()

    def _sigcont_application(self, *signal_and_frame: object) -> None:
        """Take the terminal again. If it was not given back, because of a SIGSTOP from outside, that comes first."""
        if self._must_signal_resume:
            super()._sigcont_application(*signal_and_frame)
        else:
            # Not here: the signal may have come while this thread was about to write.
            self._loop.call_soon_threadsafe(self._take_again)

    def _take_again(self) -> None:
        if self._auto_restart:
            self.suspend_application_mode()
            self.resume_application_mode()
            self._app.refresh(layout=True)
