"""Background work on the history: indexing, pruning, scrubbing deleted text, and the write-ahead log.

The work is done in steps. Each is a transaction of some milliseconds, because a message that is said meanwhile waits
for the write lock. The upkeep thread decides when to take a step (``chatroom.server.upkeep``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from chatroom.chat.stored.entries import LogTrim
from chatroom.errors import DatabaseBusy
from chatroom.storage.sql.timestamps import Clock, utc_now
from chatroom.storage.sql.upkeep_steps import SqlUpkeep
from chatroom.storage.sqlite.database import WAL_LIMIT, SqliteDatabase
from chatroom.storage.sqlite.file_opening import open_database

_STEP_S = 0.002
"""How long a step works before it commits."""
_CHUNK = 10
"""Rows between two looks at the clock."""
LOG_LIMIT = 4 * WAL_LIMIT
"""Bytes of write-ahead log above which ``trim_log`` does its work. It waits for the disk, so it should be rare."""
_PASSES = 2
"""Checkpoints before the one that takes the write lock: the second copies the little that came during the first."""
_MERGE_PAGES = 25
"""Pages of the full-text index that one step merges, in some milliseconds."""
_MERGES = 4
"""The most merge steps after a removal."""
_FREE_KEPT = 64
"""Pages that stay free in the file, because the next entries need them."""


class SqliteUpkeep(SqlUpkeep):
    """Implements ``chatroom.chat.stored.history_stores.HistoryUpkeep``.

    FTS5 writes the full-text index in pieces, the segments, and merges them. The schema switches automatic merges off,
    because a single one can take long. The steps here merge a few pages at a time.
    """

    _database: SqliteDatabase

    def __init__(self, database: SqliteDatabase) -> None:
        super().__init__(database, _STEP_S, _CHUNK)
        # No checkpoint after every step: ``trim_log`` makes them. The log grows to twice that limit only if another
        # connection prevents it.
        database.log_limit = 2 * LOG_LIMIT
        self.longest_hold_s = 0.0
        """The longest time that ``trim_log`` held the write lock."""
        # A power cut may take the newest steps, and they are done again.
        database.execute("PRAGMA synchronous=NORMAL")
        self._merging = False
        """True while the full-text index is rewritten."""

    def _tidy_index(self) -> bool:
        """Merge a little. Returns True if there was anything to merge."""
        # Before more is indexed: with a thousand segments FTS5 merges all of them at once.
        if not self._is_tidy and self._merge_some(_MERGE_PAGES):
            return True
        self._is_tidy = True
        return False

    def merge_some(self) -> None:
        """Merge some segments of the full-text index. Each indexing and each removal adds one, and each costs a search
        some time.
        """
        for _ in range(_MERGES):
            if not self._merge_some(_MERGE_PAGES):
                break

    def scrub_some(self) -> bool:
        """Remove some deleted text from the files and give free room back. Returns True if there is more to do."""
        # Three phases, of many steps each: rewrite the full-text index, in which deleted words stay until a merge drops
        # them; shrink the file; empty the write-ahead log, which still holds the pages as they were.
        wanted = self._scrub_wanted()
        if wanted:
            # The negative number tells FTS5 to merge all segments into one; the positive ones continue that.
            if self._merge_some(_MERGE_PAGES if self._merging else -_MERGE_PAGES):
                self._merging = True
                return True
            self._merging = False
        if self._vacuum_some():
            return True
        if wanted:
            if not self._empty_log():
                return True
            with self._database.transaction():
                self._database.execute(
                    "UPDATE history_state SET value = max(value - ?, 0) WHERE name = 'scrub'", (wanted,)
                )
        return False

    def trim_log(self) -> LogTrim:
        """Keep the write-ahead log short. Call it about once a second.

        SQLite starts the log from its beginning when all of it is in the file. While others keep writing, that never
        happens by itself. So PASSIVE checkpoints copy most of the log without the write lock, and RESTART takes the
        lock for the small rest.
        """
        held_s, trimmed = 0.0, True
        if self._database.wal_size() > LOG_LIMIT:
            for _ in range(_PASSES):
                self._checkpoint("PASSIVE")
            began_at = time.monotonic()
            trimmed = self._checkpoint("RESTART")
            held_s = time.monotonic() - began_at
            self.longest_hold_s = max(self.longest_hold_s, held_s)
        return LogTrim(self._database.wal_size(), held_s, trimmed)

    @contextlib.contextmanager
    def _step(self) -> Iterator[Callable[[], bool]]:
        """A transaction. The block gets a function that returns True as long as the step has time left."""
        with super()._step() as has_time:
            yield has_time
        # Many steps in a row write more than the journal does.
        if self._database.wal_size() > LOG_LIMIT:
            self.trim_log()

    def _merge_some(self, pages: int) -> bool:
        """Merge some pages of the full-text index. Returns True if there was anything to merge."""
        with self._step():
            before = self._database.total_changes
            self._database.execute("INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)", (pages,))
            # FTS5 has no other answer than the count of changes: below 2 means that nothing was merged.
            return self._database.total_changes - before >= 2

    def _vacuum_some(self) -> bool:
        """Give some free pages of the file back to the file system. Returns True if there may be more."""
        surplus = self._database.number("PRAGMA freelist_count") - _FREE_KEPT
        if surplus <= 0:
            return False
        with self._step() as has_time:
            while surplus > 0 and has_time():
                # One page for each statement. Python's sqlite3 runs a statement that returns no columns for one step
                # only, and this pragma frees one page in a step.
                self._database.execute("PRAGMA incremental_vacuum(1)")
                surplus -= 1
        return True

    def _empty_log(self) -> bool:
        """Empty the write-ahead log's file. Returns False if another connection prevented it."""
        # PASSIVE copies without the write lock, and so leaves little to TRUNCATE, which takes it.
        self._checkpoint("PASSIVE")
        return self._checkpoint("TRUNCATE")

    def _checkpoint(self, mode: Literal["PASSIVE", "RESTART", "TRUNCATE"]) -> bool:
        """Make a checkpoint without waiting for a lock. Returns True if it was completed."""
        if not self._database.has_room_for_checkpoint():
            return False
        try:
            with self._database.without_waiting():
                row = self._database.row(f"PRAGMA wal_checkpoint({mode})")
        except DatabaseBusy:
            row = None
        return row is not None and row[0] == 0


def open_upkeep(path: Path, *, clock: Clock = utc_now, busy_timeout_s: float = 1.0) -> SqliteUpkeep:
    """Open the upkeep of the database at ``path``, which ``open_stores`` has migrated. Raises ``StorageError``."""
    return SqliteUpkeep(open_database(path, clock=clock, busy_timeout_s=busy_timeout_s))
