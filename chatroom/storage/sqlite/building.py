"""Builds a database beside the place of another one, and puts it there only when it is whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from chatroom.storage import file_errors
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.sqlite.restore import COMPANIONS, put_in_place
from chatroom.storage.sqlite.sqlite_stores import SqliteStores, open_stores


class BuiltDatabase:
    """A new database that is being filled, and the place that it is for."""

    __slots__ = ("_target", "stores")

    def __init__(self, stores: SqliteStores, target: Path) -> None:
        self.stores = stores
        self._target = target

    def put_in_place(self, at: datetime) -> list[Path]:
        """Make it the database, and return the files that were there, by their new names.

        The caller holds the ``DaemonLock`` of the place. The stores are closed. Raises ``StorageError``.
        """
        database, path = self.stores.database, self.stores.path
        # One file without a log, like the copy that ``restore`` puts in place; the next start enters WAL mode again.
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        database.execute("PRAGMA journal_mode=DELETE").fetchall()
        database.close()
        try:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise file_errors.from_os(self._target, "write the database", error) from error
        return put_in_place(path, self._target, at)


@contextlib.contextmanager
def build_beside(path: Path, *, resumes: bool = False) -> Iterator[BuiltDatabase]:
    """In the block, fill a new database for ``path``. What is not put in place by the end of the block is removed.

    ``resumes``: go on with what an interrupted block has left, and leave what is not put in place. No daemon starts on
    ``path`` meanwhile. Raises ``AlreadyServing`` if one runs, and ``StorageError``.
    """
    real = Path(os.path.realpath(path))
    building = real.with_name(f"{real.name}.copying" if resumes else f"{real.name}.importing-{os.getpid()}")
    try:
        real.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise file_errors.from_os(path, "make its directory", error) from error
    with DaemonLock.acquire(path):
        # Only a file that this program has made: a name in a directory of others could be anything.
        exclusive = 0 if resumes and building.is_file() else os.O_EXCL
        try:
            os.close(os.open(building, os.O_CREAT | exclusive | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        except OSError as error:
            raise file_errors.from_os(path, "make a database beside it", error) from error
        try:
            with open_stores(building, create=True) as stores:
                if not resumes:
                    # No waiting for the disk, because nobody sees the file before it is whole and synced.
                    stores.database.execute("PRAGMA synchronous=OFF")
                yield BuiltDatabase(stores, path)
        finally:
            if not resumes:
                for suffix in ("", *COMPANIONS):
                    Path(f"{building}{suffix}").unlink(missing_ok=True)
