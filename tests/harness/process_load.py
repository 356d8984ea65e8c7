"""What a process uses of the machine: threads, sockets, memory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple


class Load(NamedTuple):
    """What a process uses at one moment."""

    threads: int
    sockets: int
    resident_bytes: int


def read_load(pid: int) -> Load:
    """Read what a process uses now."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    return Load(
        len(list((process / "task").iterdir())),
        _count_sockets(process / "fd"),
        pages * os.sysconf("SC_PAGE_SIZE"),
    )


def _count_sockets(directory: Path) -> int:
    count = 0
    for link in directory.iterdir():
        with contextlib.suppress(OSError):  # closed just now
            count += os.readlink(link).startswith("socket:")
    return count
