"""The database file that a process has opened, and whether it is still the one at its path.

A file that is removed or replaced lives on for those that have it open: the kernel, and so SQLite, goes on without a
word, and everything is lost when the last of them closes it.
"""

from __future__ import annotations

import os
from pathlib import Path

_Identity = tuple[int, int]


class DatabaseFile:
    """The file as it was when this was made. From any thread."""

    __slots__ = ("_identity", "_log", "_log_identity", "_path")

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path.absolute())
        self._identity = _identify(self._path)
        self._log = f"{os.path.realpath(path)}-wal"
        self._log_identity: _Identity | None = None
        """Device and inode of the write-ahead log, which lives as long as a connection; None before it was seen."""

    @property
    def identity(self) -> _Identity:
        """Device and inode of the file that was opened."""
        assert self._identity is not None
        return self._identity

    def find_fault(self) -> str:
        """Say what happened to the file; empty if it is still there."""
        # Called in each tick with a message: nothing is built and nothing raised in the usual case.
        try:
            found = os.stat(self._path)
        except OSError:
            return f"{self._path}: the file was removed while the daemon had it open"
        if (found.st_dev, found.st_ino) != self._identity:
            return f"{self._path}: another file was put in its place while the daemon had it open"
        return ""

    def find_log_fault(self) -> str:
        """Say what happened to the write-ahead log, while connections are open; empty if it is still there."""
        found = _identify(self._log)
        if self._log_identity is None:
            self._log_identity = found
        elif found != self._log_identity:
            return f"{self._log}: the file was removed or replaced while the daemon had it open"
        return ""


def _identify(path: str) -> _Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
