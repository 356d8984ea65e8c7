"""Databases of earlier releases, kept as text in ``tests/storage/sqlite/frozen``."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

FROZEN = sorted((Path(__file__).parents[1] / "storage" / "sqlite" / "frozen").glob("*.sql"))


def thaw(frozen: Path, path: Path) -> Path:
    """Make the database of a file of ``FROZEN`` at ``path``, and return that."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(frozen.read_text())
    return path
