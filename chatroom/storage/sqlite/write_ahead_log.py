"""Recognises a write-ahead log (``NAME-wal``) that was not written for the database file beside it.

A process that is killed leaves its log. If the database file is then replaced, by a backup for example, SQLite would
copy the pages of the old log into the new file: what was restored is undone, or the file is damaged.

SQLite has no check against that, but page 1 tells the two apart (https://www.sqlite.org/fileformat2.html). It begins
with the database header. A log in use holds the newer page 1s of its own file, and a checkpoint copies one of them into
the file. So for a file and a log that belong together:

* The file's header says that it is in WAL mode, because SQLite writes that into the file itself before the first log.
* The page size is the same in both.
* The change counter of the file is that of a page 1 in the log, or at most one less than the first of them. The counter
  never goes down, and a transaction that writes page 1 adds at most one to it.
* The schema's counter is hardly behind that of this page 1. It begins with a random number in each new database.
* If the log has no page 1, the number of pages did not change since the log was begun: the header has it.

Only frames that SQLite would copy count: those up to the last commit with the salt of the log and a right checksum.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from chatroom.errors import ForeignLog
from chatroom.storage import file_errors

_HEADER = struct.Struct(">16xHBB4xII8xI48xI4x")
"""The parts of the database header that count here: page size, write and read version, change counter, number of pages,
the schema's counter, and the change counter for which the number of pages is right.
"""
_LOG_HEADER = struct.Struct(">8I")
"""Magic number, format, page size, count of checkpoints, salt (2), checksum (2)."""
_FRAME_HEADER = struct.Struct(">6I")
"""Page number, number of pages after a commit or 0, salt (2), checksum (2)."""
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
"""The first number of a log, with the byte order of the words that its checksums add up."""
_ROLLBACK_MODE = 1
"""The write version of a file that is not in WAL mode."""
_MOST_SCHEMA_CHANGES = 10_000
"""By how much the schema's counter can go up while a log is in use; all migrations together are far fewer."""
_WORD = 0xFFFFFFFF


class _Header(NamedTuple):
    page_size: int
    version: int
    counter: int
    pages: int | None
    """None if the header does not know."""
    schema: int
    """The schema's counter."""


class _Committed(NamedTuple):
    """A transaction of the log."""

    pages: int
    """The number of pages of the database after it."""
    first_page: bytes | None
    """Page 1, if the transaction wrote it."""


def refuse_foreign_log(path: Path) -> None:
    """Raise ``ForeignLog`` if the log beside the database at ``path`` belongs to another file.

    If this process has the database open, nothing is checked: the log is the one that SQLite uses then, and to close
    another descriptor of the file would drop the locks that SQLite has on it.
    """
    real = Path(os.path.realpath(path))
    log = Path(f"{real}-wal")
    try:
        if not log.exists() or log.stat().st_size <= _LOG_HEADER.size or _is_open_here(real):
            return
        with real.open("rb") as file, log.open("rb") as log_file:
            before = _states(file, log_file)
            # If one of them has changed meanwhile, a process works on them that found them to belong together.
            if not _is_foreign(file, log_file) or _states(file, log_file) != before:
                return
    except FileNotFoundError:  # another process was the last to close the database, and that removes the log
        return
    except OSError as error:
        raise file_errors.from_os(path, "read the database and its log", error) from error
    raise ForeignLog(
        f"{path}: {log.name} beside it is the log of another database file, and would undo what was restored; move "
        f'{log.name} and {real.name}-shm away to use {real.name} as it is, or run "chatroomctl db restore FILE"'
    )


def _is_open_here(path: Path) -> bool:
    """True if this process has a descriptor of the file."""
    wanted = path.stat()
    for name in os.listdir("/proc/self/fd"):
        try:
            found = os.stat(f"/proc/self/fd/{name}")
        except OSError:  # the descriptor of this very list, which is closed by now
            continue
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False


def _states(file: BinaryIO, log: BinaryIO) -> tuple[bytes, bytes]:
    return os.pread(file.fileno(), _HEADER.size, 0), os.pread(log.fileno(), _LOG_HEADER.size, 0)


def _is_foreign(file: BinaryIO, log: BinaryIO) -> bool:
    header = _read_header(file.read(_HEADER.size))
    if header is None:  # an empty file, beside which SQLite removes the log; or not a database
        return False
    first: int | None = None
    differs = False
    for committed in _read_transactions(log, header.page_size):
        if committed is None or header.version == _ROLLBACK_MODE:
            return True
        if committed.first_page is None:
            differs = differs or header.pages not in (None, committed.pages)
            continue
        page = _read_header(committed.first_page)
        if page is None:
            return True
        if first is None:
            first = page.counter
        # Modulo 2**32, where the counters begin again.
        fits = (header.counter - first + 1) & _WORD <= (page.counter - first + 1) & _WORD
        # A file that was made just now has no schema yet: the first one is in the log.
        if fits and (not header.schema or (page.schema - header.schema) & _WORD <= _MOST_SCHEMA_CHANGES):
            return False
    # Without a page 1 in the log, the number of pages is the only sign.
    return first is not None or differs


def _read_header(page: bytes) -> _Header | None:
    if len(page) < _HEADER.size or not page.startswith(b"SQLite format 3\0"):
        return None
    size, version, _, counter, pages, schema, valid_for = _HEADER.unpack_from(page)
    # The field has two bytes: 1 stands for 65536.
    return _Header(65536 if size == 1 else size, version, counter, pages if counter == valid_for else None, schema)


def _read_transactions(log: BinaryIO, page_size: int) -> Iterator[_Committed | None]:
    """Yield what SQLite would take from the log; None if it has transactions of another page size."""
    start = log.read(_LOG_HEADER.size)
    if len(start) < _LOG_HEADER.size:
        return
    magic, _, size, _, *salt, one, two = _LOG_HEADER.unpack(start)
    order = _MAGIC.get(magic)
    if order is None or _checksum(order, start[:24], (0, 0)) != (one, two):
        return
    checksum, first_page = (one, two), None
    while len(frame := log.read(_FRAME_HEADER.size + size)) == _FRAME_HEADER.size + size:
        number, pages, *frame_salt, one, two = _FRAME_HEADER.unpack_from(frame)
        content = frame[_FRAME_HEADER.size :]
        checksum = _checksum(order, content, _checksum(order, frame[:8], checksum))
        if frame_salt != salt or checksum != (one, two):
            return
        if number == 1:
            first_page = content
        if pages:
            yield _Committed(pages, first_page) if size == page_size else None
            first_page = None


def _checksum(order: str, data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    one, two = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & _WORD
        two = (two + odd + one) & _WORD
    return one, two
