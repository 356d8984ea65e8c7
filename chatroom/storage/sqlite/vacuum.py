"""Rewrites a database without its free pages, and with the pages of each table together.

SQLite's plain ``VACUUM`` would need the room three times: for the new file, for the write-ahead log and for itself; and
its temporary file would be in memory, because ``temp_store`` keeps messages out of other files. ``VACUUM INTO`` needs
it once, beside the database, and the old file stays whole until the new one is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from chatroom.errors import DiskFull
from chatroom.storage import file_errors
from chatroom.storage.sqlite.backup import leave_wal
from chatroom.storage.sqlite.database import SqliteDatabase

_MIB = 1024 * 1024
_SPARE_BYTES = 16 * _MIB
"""What must stay free beside the new file."""
_INSTRUCTIONS = 100_000
"""How many of SQLite's instructions run between two looks at how far it is."""


@contextlib.contextmanager
def rewritten(database: SqliteDatabase, on_progress: Callable[[int, int], None]) -> Iterator[Path]:
    """In the block, there is a new file beside the database with all that is in it, on the disk, with mode 0600.

    ``on_progress`` is called with the bytes written and those expected. At the end of the block the file is removed, if
    it is still there. Raises ``DiskFull`` before anything is written if there is too little room.
    """
    path = Path(os.path.realpath(database.path))
    page_bytes = database.number("PRAGMA page_size")
    wanted = page_bytes * (database.number("PRAGMA page_count") - database.number("PRAGMA freelist_count"))
    _require_room(path, wanted)
    target = path.with_name(f"{path.name}.vacuum-{os.getpid()}")
    try:
        # Empty and ours, so that SQLite does not make it with the mode of the umask.
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except OSError as error:
        raise file_errors.from_os(path, "write the new file", error) from error
    try:
        with database.watched(lambda: on_progress(min(os.stat(target).st_size, wanted), wanted), _INSTRUCTIONS):
            database.execute("VACUUM INTO ?", (str(target),))
        leave_wal(descriptor)
        os.fsync(descriptor)
        yield target
    except OSError as error:
        raise file_errors.from_os(path, "write the new file", error) from error
    finally:
        os.close(descriptor)
        target.unlink(missing_ok=True)


def _require_room(path: Path, wanted: int) -> None:
    found = os.statvfs(path.parent)
    free = found.f_bavail * found.f_frsize
    if free < wanted + _SPARE_BYTES:
        raise DiskFull(
            f"{path}: the new file needs up to {(wanted + _SPARE_BYTES) // _MIB + 1} MiB beside the old one, and"
            f" {free // _MIB} MiB are free"
        )
