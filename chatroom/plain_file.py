"""Opens files of settings, passwords and certificates for reading: plain files, which keep nobody waiting.

To open a named pipe waits until somebody writes to it, and a device may have no end.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_OWN_DESCRIPTORS = ("/dev/fd", "/proc/self/fd")
"""The directories of what this process has open already, such as a shell's ``<(command)``."""


def open_plain(path: str | Path) -> BinaryIO:
    """Open a file for reading, after following links. What was open before (``/dev/stdin``) may be of any kind.

    Raises ``OSError``, also if it is no plain file. ``/dev/null`` is an empty file.
    """
    if _is_open_here(path):
        return open(path, "rb")
    # Before it is opened: to open a device may do something, and the writer of a pipe would lose its reader.
    _require_plain(os.stat(path))
    # Without waiting, if it has become a pipe meanwhile.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY))  # noqa: SIM115
    try:
        _require_plain(os.fstat(file.fileno()))
    except BaseException:
        file.close()
        raise
    return file


def read_plain(path: str | Path) -> bytes:
    """Return what is in a file. Raises as ``open_plain`` does."""
    with open_plain(path) as file:
        return file.read()


def read_plain_text(path: str | Path, encoding: str = "utf-8", errors: str = "strict") -> str:
    """Return the text of a file, whose lines end with LF then. Raises ``UnicodeDecodeError``, and as ``open_plain``."""
    with io.TextIOWrapper(open_plain(path), encoding, errors) as file:
        return file.read()


def require_plain(path: str | Path) -> None:
    """Raise ``OSError`` if ``open_plain`` would, for a library that opens the file by its name."""
    open_plain(path).close()


def _require_plain(status: os.stat_result) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if kind != stat.S_IFREG and not (kind == stat.S_IFCHR and status.st_rdev == os.makedev(1, 3)):
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(kind, 'something else')}, not a file")


def _is_open_here(path: str | Path) -> bool:
    name = os.path.abspath(path)
    return name == "/dev/stdin" or os.path.dirname(name) in _OWN_DESCRIPTORS
