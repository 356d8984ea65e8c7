"""The files that a server lives on, which no export must replace."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from chatroom.ctl.invocation import Invocation
from chatroom.errors import AlreadyExists

_BESIDE = {"-wal": "write-ahead log", "-shm": "shared memory", "-reserve": "reserve on the disk", ".lock": "lock"}
"""What stands beside the database, by what is behind its name."""


def require_other_file(invocation: Invocation, file: str) -> None:
    """Raise ``AlreadyExists`` if ``file``, by whatever name or link, is one of this server's own files."""
    own: dict[str, str] = {}
    if isinstance(invocation.address, Path):
        own[str(invocation.address)] = "the database itself"
        for suffix, what in _BESIDE.items():
            own[os.path.realpath(invocation.address) + suffix] = f"the {what} of the database"
    if invocation.config_file is not None:
        own[str(invocation.config_file)] = "the configuration"
    for path, what in own.items():
        with contextlib.suppress(OSError, ValueError):  # one of them is not there, or the name has a NUL
            if os.path.samefile(file, path):
                raise AlreadyExists(f"{file}: is {what}")
