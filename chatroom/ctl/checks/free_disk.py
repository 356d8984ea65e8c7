"""The disk of the database: whether it has room, and is of a kind that SQLite can work on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from chatroom.ctl.checks.scene import Scene
from chatroom.ctl.output import size
from chatroom.findings import Finding

_MIB = 1024 * 1024
_FEW_FILES = 100
_OF_NETWORKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ncpfs", "fuse.sshfs", "fuse.glusterfs"})
"""File systems whose other side is another machine."""


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with the disk."""
    if not isinstance(scene.database, Path):
        return  # "check" does not look there at all
    directory = _nearest(scene.database.parent)
    found = os.statvfs(directory)
    free, least = found.f_bavail * found.f_frsize, scene.settings.database.warn_free_mb * _MIB
    if free < least:
        yield Finding(
            f"{size(free)} are free on the disk of {scene.database}, less than database.warn_free_mb"
            f" ({scene.settings.database.warn_free_mb})",
            "make room; history.max_size_mb bounds the history",
        )
    if found.f_files and found.f_favail < _FEW_FILES:  # some file systems count no files
        yield Finding(f"the disk of {scene.database} has room for {found.f_favail} more files", "delete files")
    kind = find_file_system(directory, Path("/proc/self/mounts"))
    if kind in _OF_NETWORKS:
        yield Finding(
            f"{scene.database} is on a file system of a network ({kind}), where SQLite's locks do not hold",
            "set database.path to a file on a disk of this machine",
        )


def _nearest(directory: Path) -> Path:
    """Return the directory, or the nearest one above it that exists."""
    return next(one for one in (directory, *directory.parents) if one.is_dir())


def find_file_system(directory: Path, mounts: Path) -> str:
    """Return the kind of file system that a directory is on, by a table of mounts; empty if it cannot be found out."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    real = directory.resolve()
    found = ("", "")
    for line in lines:
        words = line.split(" ")
        point = words[1].replace("\\040", " ")
        # The last of several at the same place is the one in use.
        if real.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, words[2])
    return found[1]
