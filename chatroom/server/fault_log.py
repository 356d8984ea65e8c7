"""The way of faults to the operator's log: what the code logs with ``logging``, and what ends a thread.

They go to the screen, as all log lines do. So a stopped terminal holds up no thread, and a fault that repeats is shown
once and then counted.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Hashable
from types import TracebackType

from chatroom.chat.log_levels import area_of
from chatroom.chat.log_line import Level
from chatroom.server.log_thinning import ALIKE_FAULTS, Likeness
from chatroom.server.operator_screen import Screen

_LOGGER = logging.getLogger("chatroom")


class FaultLog(logging.Handler):
    """Shows log records on a screen. ``install`` and ``remove`` are for the main thread."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(logging.WARNING)
        self._screen = screen
        self._missed = 0
        """How many records could not be shown since the last one that was. Guarded by the handler's lock."""
        self.setFormatter(logging.Formatter("%(message)s"))
        self._before = threading.excepthook, sys.unraisablehook

    def install(self) -> None:
        """Begin to show what chatroom logs, what ends a thread, and what Python cannot raise."""
        _LOGGER.addHandler(self)
        _LOGGER.propagate = False
        self._before = threading.excepthook, sys.unraisablehook
        threading.excepthook = _log_end_of_thread
        sys.unraisablehook = _log_unraisable

    def remove(self) -> None:
        """Leave faults to whoever had them before. Idempotent."""
        if self in _LOGGER.handlers:
            _LOGGER.removeHandler(self)
            _LOGGER.propagate = True
            threading.excepthook, sys.unraisablehook = self._before

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record. From any thread."""
        try:
            if self._missed:
                self._screen.show([f"{self._missed} faults were not logged, for lack of memory"], level=Level.WARNING)
                self._missed = 0
            lines = self.format(record).splitlines()
            place = f"{record.pathname}:{record.lineno}"
            level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
            likeness = Likeness(_cause(record), place, 1, ALIKE_FAULTS)
            self._screen.show(lines, likeness, level, area_of(record.pathname))
        except MemoryError:
            self._missed += 1  # logging itself would write a traceback for it, each time


def _cause(record: logging.LogRecord) -> Hashable:
    """Return what two records of the same fault have in common: where an exception was raised, or the whole text."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return record.getMessage()
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return type(error).__name__, where


def _log_end_of_thread(end: threading.ExceptHookArgs) -> None:
    name = end.thread.name if end.thread is not None else "?"
    # An exception of which only the type is known has lost its traceback.
    _LOGGER.error("the thread %s failed", name, exc_info=end.exc_value or True)


def _log_unraisable(found: sys.UnraisableHookArgs) -> None:
    _LOGGER.error("%s", found.err_msg or "an exception was ignored", exc_info=found.exc_value or True)
