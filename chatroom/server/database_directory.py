"""The database's directory, which a start makes, and removes again if it fails."""

from __future__ import annotations

import contextlib
from pathlib import Path

from chatroom.errors import StorageError


def prepare_directory(database: Path) -> list[Path]:
    """Make the database's directory, for this user alone, unless it exists. Raises ``StorageError``.

    Return the directories that were made, the innermost first.
    """
    missing = [path for path in (database.parent, *database.parent.parents) if not path.exists()]
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        remove_empty(missing)
        raise StorageError(f"{database.parent}: cannot make the directory: {error.strerror}") from error
    return missing


def remove_empty(directories: list[Path]) -> None:
    """Remove the directories that a start has made before it failed, unless there is something in them."""
    with contextlib.suppress(OSError):
        for directory in directories:
            directory.rmdir()
