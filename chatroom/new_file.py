"""Writes a file beside its name first, and gives it the name only when it is whole.

What was there before stays if the writing fails, and nobody ever reads half a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[IO[str]]:
    """In the block, write the text of a private file (mode 0600). At its end the file is on the disk under its name.

    If the block raises, the old file stays. A symbolic link is replaced, not followed. A device or a pipe has nothing
    to lose and is written to directly. Raises ``OSError``.
    """
    with _naming(path), _new(path, "w", "utf-8") as file:
        yield file


@contextlib.contextmanager
def new_binary_file(path: Path) -> Iterator[IO[bytes]]:
    """As ``new_file``, for bytes."""
    with _naming(path), _new(path, "wb", None) as file:
        yield file


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in the error of a full disk: the system does not know which file a descriptor is for."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL and error.filename is None:
            error.filename = str(path)
        raise


@contextlib.contextmanager
def _new(path: Path, mode: str, encoding: str | None) -> Iterator[IO[Any]]:
    if is_stream(path):
        with open(path, mode, encoding=encoding) as file:
            yield file
        return
    import tempfile  # here, because most commands write no file, and it is large

    try:
        # In the same directory, because os.replace() is atomic only inside one file system.
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.absolute().parent)
    except OSError as error:
        error.filename = str(path)  # the temporary name means nothing to the user
        raise
    try:
        with open(descriptor, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C must not leave the temporary file either
        os.unlink(temporary)
        raise
    sync_directory(path.absolute().parent)


@contextlib.contextmanager
def one_writer(directory: Path) -> Iterator[None]:
    """In the block, no other process that asks for it too changes files of this directory. Waits for such a process."""
    import fcntl  # here, as ``tempfile`` above

    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_stream(path: Path) -> bool:
    """True for a device or a pipe, which is written to and not replaced."""
    # /dev/stdout and the shell's >(command) are links of the kernel to whatever is open.
    if path.absolute().parent.as_posix() in ("/dev", "/dev/fd") or path.absolute().is_relative_to("/proc"):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def sync_directory(directory: Path) -> None:
    """Wait until the names in the directory are on the disk. Otherwise a power cut could undo a renaming."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
