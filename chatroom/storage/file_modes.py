"""Finds files with secrets that other users may read."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from chatroom.findings import Finding
from chatroom.paths import database_files


def find_open_files(database: Path) -> list[Finding]:
    """Return a finding for each file of the database that other users may read or write. Its directory may be closed.

    The daemon makes them with mode 0600; a copy or a restored backup may have another one.
    """
    found = []
    for path in database_files(database):
        try:
            mode = stat.S_IMODE(os.stat(path).st_mode)
        except OSError:
            continue
        if mode & 0o077:
            way_out = f"run: chmod 0600 {shlex.quote(str(path))}"
            found.append(Finding(f"{path}: its mode is {mode:04o}, for other users too", way_out))
    return found
