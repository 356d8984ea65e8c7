"""The backups that a daemon makes by itself: their names, whose they are, and which of them go.

A file is taken for a backup of a database if its name says so and it holds that database's secret. So nothing else is
ever deleted: neither other files in the directory, nor the backups of another database with the same name.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from chatroom.errors import StorageError
from chatroom.storage import file_errors
from chatroom.storage.sql.server_keys import get_server_key
from chatroom.storage.sqlite.backup import Progress, require_room, write_copy
from chatroom.storage.sqlite.copy_check import open_copy, require_sound
from chatroom.storage.sqlite.database import SqliteDatabase

_STAMP = "%Y%m%dT%H%M%SZ"
_KEY = "cloak"
"""The secret that tells databases from each other: each has one from its first start on."""
_LEFT_FOR_S = 3600
"""A file of an unfinished backup that nobody has written to for this long is removed."""
_DEAD_FOR_S = 60
"""The same, if no process has the number in its name. Another machine's may have it: they can share a directory."""


class Backup(NamedTuple):
    """A backup, as its name tells."""

    path: Path
    made_at: datetime


class BackupDirectory:
    """The backups of one database in a directory. For one thread."""

    def __init__(self, directory: Path, database: Path) -> None:
        self._directory = directory
        self._stem = Path(os.path.realpath(database)).stem
        self._name = re.compile(rf"{re.escape(self._stem)}-([0-9]{{8}}T[0-9]{{6}}Z)\.db")

    def list_all(self) -> list[Backup]:
        """Return the files that are called like a backup, newest first. Empty if there is no directory.

        Whether they are of this database, ``is_of`` says. Raises ``OSError``.
        """
        try:
            names = os.listdir(self._directory)
        except FileNotFoundError:
            return []
        return sorted(self._recognize(names), key=lambda one: one.made_at, reverse=True)

    def find_newest(self, database: SqliteDatabase, now: datetime) -> Backup | None:
        """Return the newest backup of the database that is not from the future. Raises ``OSError``."""
        secret = get_server_key(database, _KEY)
        return next((one for one in self.list_all() if one.made_at <= now and _is_of(one.path, secret)), None)

    def make(
        self,
        database: SqliteDatabase,
        now: datetime,
        *,
        keep_free_bytes: int,
        progress: Progress,
        rest: Callable[[], bool],
    ) -> Backup:
        """Copy the database into the directory, and check the copy. Others can read and write meanwhile.

        ``progress`` and ``rest`` are those of ``write_copy`` and ``require_sound``. Raises ``StorageError``, which is
        ``DiskFull`` if less than ``keep_free_bytes`` would be left.
        """
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._remove_unfinished()
        except OSError as error:
            raise file_errors.from_os(self._directory, "write backups", error) from error
        target = self._directory / f"{self._stem}-{now.strftime(_STAMP)}.db"
        require_room(database, target, keep_free_bytes)
        write_copy(
            database,
            target,
            progress=progress,
            sync_each_step=True,
            check=lambda copy: require_sound(copy, target, rest=rest),
        )
        return Backup(target, now)

    def rotate(self, database: SqliteDatabase, keep: int, made: Backup) -> list[Path]:
        """Delete the oldest backups of the database, so that ``keep`` are left, ``made`` among them. Returns these.

        One that is later than ``made`` was made by a wrong clock, and goes before the others. Raises ``OSError``.
        """
        secret = get_server_key(database, _KEY)
        others = [one for one in self.list_all() if one.path != made.path]
        others.sort(key=lambda one: one.made_at > made.made_at)  # it leaves the order of each kind as it is
        deleted = []
        kept = 1
        for one in others:
            if not _is_of(one.path, secret):
                continue
            kept += 1
            if kept > keep:
                one.path.unlink()
                deleted.append(one.path)
        return deleted

    def _recognize(self, names: list[str]) -> Iterator[Backup]:
        for name in names:
            found = self._name.fullmatch(name)
            if found is None:
                continue
            path = self._directory / name
            with contextlib.suppress(OSError, ValueError):  # it has just gone, or the digits are no date
                if stat.S_ISREG(os.lstat(path).st_mode):
                    yield Backup(path, datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC))

    def _remove_unfinished(self) -> None:
        """Remove what a killed daemon has left. Another one may be at work here, so only what nobody writes to."""
        for name in os.listdir(self._directory):
            base, dot, number = name.rpartition(".partial-")
            if not dot or not number.isdecimal() or self._name.fullmatch(base) is None:
                continue
            path = self._directory / name
            with contextlib.suppress(FileNotFoundError):
                idle_s = time.time() - os.lstat(path).st_mtime
                if idle_s > (_LEFT_FOR_S if _is_alive(int(number)) else _DEAD_FOR_S):
                    path.unlink()


def _is_alive(pid: int) -> bool:
    """True if another process of this machine has that number."""
    return pid != os.getpid() and os.path.exists(f"/proc/{pid}")


def _is_of(path: Path, secret: bytes) -> bool:
    """True if a file is a copy of the database with that secret."""
    try:
        with open_copy(path) as copy:
            row = copy.row("SELECT value FROM server_keys WHERE name = ?", (_KEY,))
    except StorageError:
        return False
    return row is not None and bytes(row[0]) == secret
