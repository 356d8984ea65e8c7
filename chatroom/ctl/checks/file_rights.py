"""Paths and permissions: whose the files are, who else can read or change them, and whether they are there."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from chatroom import paths
from chatroom.ctl.checks.scene import Scene, owner_name
from chatroom.findings import Finding
from chatroom.storage.file_modes import find_open_files


def find(scene: Scene) -> Iterator[Finding]:
    """Yield what is wrong with the files of a set-up."""
    if isinstance(scene.database, Path):
        yield from find_open_files(scene.database)
        yield from _find_other_owners(scene.database)
        yield from _find_open_directory(scene.database.parent)
    for listen in scene.settings.listen:
        for key in listen.key:
            yield from _find_readable_key(key)
    log = scene.settings.log.file
    if log is not None:
        yield from _find_unwritable(log)


def _find_other_owners(database: Path) -> Iterator[Finding]:
    """Yield a finding if a file beside the database is not the daemon's, as after a command of root."""
    real = os.path.realpath(database)
    if not os.path.exists(real):
        return
    owner = owner_name(Path(real))
    for path in [*paths.database_files(database), Path(f"{real}.lock")]:
        if path.exists() and owner_name(path) != owner:
            yield Finding(
                f"{path} belongs to {owner_name(path)}, and the database to {owner}",
                f"run: chown {owner} {shlex.quote(str(path))}",
            )


def _find_open_directory(directory: Path) -> Iterator[Finding]:
    if not directory.exists():
        return
    mode = os.stat(directory).st_mode
    if mode & 0o022 and not mode & stat.S_ISVTX:
        yield Finding(
            f"{directory}: other users can replace the database in it", f"run: chmod go-w {shlex.quote(str(directory))}"
        )


def _find_readable_key(key: Path) -> Iterator[Finding]:
    # A group may read it: a renewal gives the key to the daemon's group.
    if key.exists() and os.stat(key).st_mode & 0o007:
        yield Finding(
            f"{key}: every user of this machine can read the private key", f"run: chmod o= {shlex.quote(str(key))}"
        )


def _find_unwritable(log: Path) -> Iterator[Finding]:
    directory = log.parent
    if not directory.is_dir():
        yield Finding(
            f"log.file: there is no directory {directory}", f"run: mkdir -m 700 {shlex.quote(str(directory))}"
        )
    elif log.exists() and not log.is_file():
        yield Finding(f"log.file: {log} is not a file", "name another one")
