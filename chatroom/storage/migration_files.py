"""Reads the migrations: one folder for each kind of database, with one numbered SQL file for each change of its tables.

The folders have files with the same numbers and names, and both come to the same tables.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

import chatroom
from chatroom.errors import StorageError

Engine = Literal["sqlite", "postgresql"]
"""The name of a folder of ``migrations/``."""

_FILE_NAME = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")


class Migration(NamedTuple):
    """One file of ``migrations/``."""

    number: int
    name: str
    sql: str


def read_migrations(engine: Engine) -> tuple[Migration, ...]:
    """All migrations for that kind of database, in order.

    Raises ``StorageError`` if there are none, or if a number is missing.
    """
    package = Path(chatroom.__file__).resolve().parent
    # A wheel brings them inside of the package; a checkout has them at its top.
    for folder in (package / "_migrations", package.parent / "migrations"):
        if folder.is_dir():
            return _read_folder(folder / engine)
    raise StorageError("the installation is incomplete: there are no migrations")


def _read_folder(folder: Path) -> tuple[Migration, ...]:
    found = []
    for file in folder.iterdir() if folder.is_dir() else ():
        match = _FILE_NAME.fullmatch(file.name)
        if match is not None:
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort()
    if not found or [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise StorageError("the installation is damaged: the migrations are not numbered 1, 2, 3 and so on")
    return tuple(found)
