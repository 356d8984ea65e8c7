"""Textual's driver for a terminal, which also takes that the terminal goes away, or that somebody else stops us.

A terminal window that is closed hangs up. Then nothing can be written, and every read ends at once: without this class
Textual waits without end for room in its queue of writes, while its other thread reads as fast as it can.

That thread also looks ten times a second if it is to end. Here it sleeps until a key is pressed, so that a chat in
which nothing happens costs nothing.
"""

from __future__ import annotations

import os
import selectors
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable
from contextlib import suppress
from queue import Full
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from chatroom.client.fullscreen.alt_keys import KeyParser
from chatroom.client.fullscreen.pinning import pinned

_LOOK_S = 0.2
"""How long to wait for room in the queue before it is looked at whether anybody still writes."""
_FAREWELL_S = 0.1
"""How long the terminal's last answers are waited for, so that they do not reach the shell."""
_MOST_READ = 4096
_MOST_CELLS = 1000
"""No terminal that does not know its size is wider or higher. Textual makes objects for all rows and columns."""


class TerminalDriver(LinuxDriver):
    """The terminal that the program was started in."""

    class HungUp(Message):
        """The terminal is gone. There is no signal for a terminal that is not the program's own."""

    def __init__(self, app: App[Any], **given: Any) -> None:
        super().__init__(app, **given)
        self._ending = os.eventfd(0)  # written to end the thread that reads
        self._size = self._size or self._get_terminal_size()  # Textual's own look for it believes ``COLUMNS`` too

    def _get_terminal_size(self) -> tuple[int, int]:
        """Ask the terminal. ``COLUMNS`` and ``LINES`` are asked only if it does not know its size.

        They may be what the size was when a shell exported them, or any number.
        """
        with suppress(OSError):
            columns, rows = os.get_terminal_size()
            if columns and rows:
                return columns, rows
        columns, rows = super()._get_terminal_size()
        return min(columns, _MOST_CELLS), min(rows, _MOST_CELLS)

    # Reading

    def run_input_thread(self) -> None:
        """Read what the user types, until ``disable_input``."""
        parser = KeyParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.PollSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._ending, selectors.EVENT_READ)
            ends = is_at_end = False
            while not ends and not is_at_end:
                ready = {key.fd for key, _ in selector.select(_wait_s(parser))}
                ends = self._ending in ready
                if ends:
                    selector.unregister(self._ending)
                    ready = {key.fd for key, _ in selector.select(_FAREWELL_S)}
                if self.fileno in ready:
                    data = self._read()
                    is_at_end = not data
                    text = decode(data)
                    self._hand_over(parser.feed(text) if text else ())  # an empty text would end the parser
                self._hand_over(parser.tick())
        if is_at_end and self.input_tty:
            self.process_message(self.HungUp())

    def _read(self) -> bytes:
        """Read what is there; ``b""`` at the end."""
        try:
            return os.read(self.fileno, _MOST_READ)
        except OSError:  # of a terminal that has hung up
            return b""

    def _hand_over(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)

    def send_message(self, message: Message) -> None:
        """Hand a message to the program. Textual makes a task for each, which takes one more turn of the loop."""
        self._loop.call_soon_threadsafe(self._app.post_message, message)

    def disable_input(self) -> None:
        """End the thread that reads."""
        os.eventfd_write(self._ending, 1)
        super().disable_input()
        os.eventfd_read(self._ending)  # the next thread goes on

    # Writing

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

    # Stopping

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


def _wait_s(parser: KeyParser) -> float | None:
    """Return for how long to wait for a key; None for ever. After an Escape it is soon known if more belongs to it."""
    ends_at = parser._timeout_time
    return None if ends_at is None else max(ends_at - time.monotonic(), 0.0)
