"""What is required of a database file before SQLite opens it: it exists, and this user may read and write it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from chatroom.errors import DatabaseMissing, StorageError
from chatroom.storage import file_errors


def make_file(path: Path) -> None:
    """Make an empty file (mode 0600) and its directories (0700), if there is none. Raises ``StorageError``."""
    try:
        for directory in reversed(path.absolute().parents):
            if not directory.is_dir():
                if directory.exists():
                    raise StorageError(f"{path}: cannot create the database: {directory} is not a directory")
                directory.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        if error.errno == errno.EEXIST and path.exists():
            return
        raise file_errors.from_os(path, "create the database", error) from error


def require_usable(path: Path) -> None:
    """Raise ``DatabaseMissing``, or ``StorageError`` with one line that says why the file cannot be used."""
    # SQLite says "unable to open database file" for each of these.
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise DatabaseMissing(
            f"{path}: there is no database; chatroomctl serve, user create or db migrate makes one"
        ) from None
    except OSError as error:
        raise file_errors.from_os(path, "open the database", error) from error
    if not path.is_file():
        raise StorageError(f"{path}: not a file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise StorageError(f"{path}: cannot write to the database: {os.strerror(errno.EACCES)}")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise StorageError(f"{path}: cannot write to its directory, where SQLite needs its log")
