"""Where the temporary files of tests are: in memory, if the machine has enough of it.

Each test makes a directory, most make a database in it, and many a daemon or a server of PostgreSQL that keeps files
there. To make, to sync and to remove them takes the kernel of a busy machine many times as long on a disk. No test
needs one: a process that is killed loses nothing that it has written, wherever that is.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
"""Linux's file system in memory, for everybody."""
_NEEDED_BYTES = 2 * 2**30
"""So much of the memory has to be free: a run of all tests takes half a gigabyte."""


def keep_in_memory() -> None:
    """Have this process, and those that it starts, make their temporary files in memory. Idempotent.

    If ``TMPDIR`` names a place already, or the memory is small, nothing changes.
    """
    if "TMPDIR" not in os.environ and _is_fit(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = str(MEMORY)  # Python has read TMPDIR before


def short_directory() -> str:
    """Return a directory whose path is so short that one in it can have a Unix socket, and that any user may enter."""
    return str(MEMORY) if tempfile.gettempdir() == str(MEMORY) else "/tmp"


def _is_fit(directory: Path) -> bool:
    """True if programs may run from there too, which tests write, and if it has enough room."""
    try:
        found = os.statvfs(directory)
        free = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return False
    room = min(found.f_bavail * found.f_frsize, int(free[1]) * 1024 if free else 0)
    return os.access(directory, os.W_OK) and not found.f_flag & os.ST_NOEXEC and room >= _NEEDED_BYTES
