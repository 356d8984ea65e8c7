"""A file system of its own for a daemon's database, which a test can fill or break. Only root can mount one."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from harness.daemon import Place


@contextlib.contextmanager
def own_disk(place: Place, disk: Path, commands: Sequence[Sequence[str]]) -> Iterator[Path]:
    """Mount a file system on ``disk`` by these commands, have the place's database there, and unmount it at the end.

    If a command fails or is missing, the test is skipped.
    """
    disk.mkdir()
    for command in commands:
        try:
            code = subprocess.run(command, capture_output=True, check=False).returncode
        except FileNotFoundError:
            code = 1
        if code:
            pytest.skip("only root can mount a file system")
    place.database = disk / "chat.db"
    try:
        yield disk
    finally:
        for daemon in place.daemons:
            daemon.kill()
        subprocess.run(["umount", "-l", str(disk)], check=True)
