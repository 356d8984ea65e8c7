"""Whether files that hold secrets are closed to other users."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

_SUFFIXES = ("", "-wal", "-shm", "-reserve")


def find_open_files(database: Path) -> list[str]:
    """Return a warning for each file of the database that other users may read or write. Its directory may be closed.

    The daemon makes them with mode 0600; a copy or a restored backup may have another one.
    """
    found = []
    for suffix in _SUFFIXES:
        path = f"{os.path.realpath(database)}{suffix}"
        try:
            mode = stat.S_IMODE(os.stat(path).st_mode)
        except OSError:
            continue
        if mode & 0o077:
            found.append(f"{path}: its mode is {mode:04o}, for other users too; run: chmod 0600 {shlex.quote(path)}")
    return found
