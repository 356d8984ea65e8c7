"""Where the log is written: to stderr or to a file."""

from __future__ import annotations

import os
from pathlib import Path

from chatroom.errors import ServeError

_STDERR = 2
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY
_Identity = tuple[int, int]
"""The device and inode of a file."""


class LogOutput:
    """Writes the bytes of the log. The main thread calls ``open``, then one thread ``write``."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        """The file; None is stderr."""
        self._descriptor = _STDERR
        self._identity: _Identity | None = None
        """The file that is open."""
        self._is_torn = False
        """True if the last write ended within a line."""

    @property
    def is_journal(self) -> bool:
        """True if the log goes to the systemd journal: it names the stream that it reads (systemd.exec(5))."""
        if self.path is not None:
            return False
        try:
            found = os.fstat(_STDERR)
        except OSError:
            return False
        return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"

    def open(self) -> None:
        """Open the file, or make it with mode 0600. Raises ``ServeError``."""
        try:
            self._follow()
        except OSError as error:
            raise ServeError(f"log.file {self.path}: cannot be opened: {error.strerror}") from error

    def write(self, data: bytes) -> bool:
        """Write all of the data. Return False if that fails: the disk is full, the terminal or pipe is gone."""
        try:
            self._follow()
        except OSError:
            pass  # the old file, which has another name now, is better than nothing
        try:
            _write(self._descriptor, b"\n" + data if self._is_torn else data)
        except OSError:
            self._is_torn = self.path is not None
            return False
        self._is_torn = False
        return True

    def close(self) -> None:
        """Close the file, if one is open."""
        if self._descriptor != _STDERR:
            os.close(self._descriptor)
            self._descriptor, self._identity = _STDERR, None

    def _follow(self) -> None:
        """Open the file anew if it was moved away or deleted, as logrotate does. Raises ``OSError``."""
        if self.path is None or (self._identity is not None and self._identity == _identify(self.path)):
            return
        # Not waiting for the reader of a named pipe.
        descriptor = os.open(self.path, _FLAGS | os.O_NONBLOCK, 0o600)
        self.close()
        os.set_blocking(descriptor, True)
        found = os.fstat(descriptor)
        self._descriptor, self._identity = descriptor, (found.st_dev, found.st_ino)


def _identify(path: Path) -> _Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _write(descriptor: int, data: bytes) -> None:
    """Write all of the data without Python's own buffer.

    The interpreter takes the buffer's lock when it ends, and a write to a stopped terminal would hold it.
    """
    while data:
        data = data[os.write(descriptor, data) :]
