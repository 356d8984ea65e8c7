"""The storage error for a system call that the operating system refused."""

from __future__ import annotations

import os
from pathlib import Path

from chatroom.errors import StorageError


def from_os(path: Path, doing: str, error: OSError) -> StorageError:
    """The storage error for a refused system call. ``doing`` is its purpose as an infinitive: ``open the lock``."""
    return StorageError(f"{path}: cannot {doing}: {error.strerror or os.strerror(error.errno or 0)}")
