"""Background work on the history: indexing, pruning, scrubbing deleted text, and the write-ahead log.

The work is done in steps. Each is a transaction of some milliseconds, because a message that is said meanwhile waits
for the write lock. The upkeep thread decides when to take a step (``chatroom.server.upkeep``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from chatroom.chat.stored.entries import IndexLag, LogTrim
from chatroom.errors import DatabaseBusy
from chatroom.storage.sql.history_rows import COLUMNS, INDEXED, MessageRow
from chatroom.storage.sql.timestamps import Clock, utc_now
from chatroom.storage.sqlite import history_index
from chatroom.storage.sqlite.database import WAL_LIMIT, SqliteDatabase
from chatroom.storage.sqlite.file_opening import open_database

STEP_S = 0.002
"""How long a step works before it commits."""
_CHUNK = 10
"""Rows between two looks at the clock."""
_SCRUB_AFTER = 50_000
"""The full-text index is rewritten after so many pruned entries. After a redaction it is rewritten at once."""
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
_ROOM = 0.95
"""The part of its size limit to which a database is pruned, so that it does not exceed it again at once."""


class SqliteUpkeep:
    """Implements ``chatroom.chat.stored.history_stores.HistoryUpkeep``.

    FTS5 writes the full-text index in pieces, the segments, and merges them. The schema switches automatic merges off,
    because a single one can take long. The steps here merge a few pages at a time.
    """

    __slots__ = ("_database", "_merged", "_merging", "_prune_to", "_seen", "_waiting", "longest_hold_s")

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        # No checkpoint after every step: ``trim_log`` makes them. The log grows to twice that limit only if another
        # connection prevents it.
        database.log_limit = 2 * LOG_LIMIT
        self.longest_hold_s = 0.0
        """The longest time that ``trim_log`` held the write lock."""
        # A power cut may take the newest steps, and they are done again.
        database.execute("PRAGMA synchronous=NORMAL")
        self._merged = False
        """True if the full-text index has nothing to merge since the last indexing here."""
        self._merging = False
        """True while the full-text index is rewritten."""
        self._prune_to = 0
        """The highest message id to delete because the database is too large; 0 for none."""
        self._seen: int | None = None
        """The highest message id that ``_waiting`` has counted; None before the first look."""
        self._waiting = 0
        """Entries that wait to be indexed, up to ``_seen``."""

    def measure_lag(self) -> IndexLag:
        """Count the entries written since the last call, and those that wait to be indexed."""
        # Only rows above ``_seen`` are counted. All that wait can be a hundred thousand.
        row = self._database.row(
            f"SELECT count(*), coalesce(max(id), ?1, {INDEXED}), count(*) FILTER (WHERE id > {INDEXED}) FROM messages"
            f" WHERE id > coalesce(?1, {INDEXED})",
            (self._seen,),
        )
        assert row is not None
        came, self._seen, waiting = row
        self._waiting += waiting
        return IndexLag(came, self._waiting)

    def index_some(self, most: int = 500, *, least: int = 1) -> bool:
        """Index up to ``most`` entries, if at least ``least`` are waiting. Returns True if there may be more to do."""
        database = self._database
        # Merge before more is indexed: with a thousand segments FTS5 merges all of them at once.
        if not self._merged and self._merge_some(_MERGE_PAGES):
            return True
        self._merged = True
        waiting = database.number(
            f"SELECT count(*) FROM (SELECT 1 FROM messages WHERE id > {INDEXED} LIMIT ?)", (max(most, least),)
        )
        if not waiting:
            self._waiting = 0
        if not waiting or waiting < least:
            return False
        done = counted = 0
        seen = self._seen or 0
        with self._step() as has_time:
            while done < most and (done == 0 or has_time()):
                found = database.rows(
                    f"SELECT {COLUMNS} FROM messages WHERE id > {INDEXED} ORDER BY id LIMIT ?",
                    (min(_CHUNK, most - done),),
                )
                rows = [MessageRow._make(row) for row in found]
                if not rows:
                    break
                history_index.index(database, rows)
                database.execute("UPDATE history_state SET value = ? WHERE name = 'indexed'", (rows[-1].id,))
                done += len(rows)
                counted += len([row for row in rows if row.id <= seen])
        self._waiting = max(0, self._waiting - counted)
        self._merged = False
        return True

    def last_indexed(self) -> int:
        """The highest message id that is indexed."""
        return self._database.number(f"SELECT {INDEXED}")

    def prune_some(self, *, before_ms: int | None = None, most_bytes: int | None = None) -> int:
        """Delete some of the oldest entries if they are too old or the database is too large. Returns how many.

        By size the work takes turns: this method deletes as many entries as should be enough, then ``scrub_some`` must
        make the file smaller, and only then this method looks at the size again.
        """
        message_ids: list[int] = []
        if before_ms is not None:
            # CROSS JOIN makes SQLite go through the conversations, a few, and in each through the index by time. Both
            # values of ``event`` are named because it comes before the time in that index.
            message_ids = self._message_ids(
                "SELECT p.message_id FROM conversations AS c CROSS JOIN places AS p"
                " ON p.conversation_id = c.id AND p.event IN (0, 1) AND p.time_ms < ? LIMIT 500",
                before_ms,
            )
        if not message_ids and most_bytes is not None:
            if not self._prune_to and not self._scrub_wanted():
                self._prune_to = self._find_surplus(most_bytes)
            if self._prune_to:
                message_ids = self._message_ids(
                    "SELECT id FROM messages WHERE id <= ? ORDER BY id LIMIT 500", self._prune_to
                )
                if not message_ids:
                    self._prune_to = 0
                    with self._database.transaction():
                        history_index.ask_for_scrub(self._database)
        return self.remove_some(message_ids, later=True) if message_ids else 0

    def drop_ended(self, before_ms: int) -> bool:
        """Delete some of what was said in channels that ended before that time. Returns True if there is more to do."""
        message_ids = self._message_ids(
            "SELECT p.message_id FROM conversations AS c CROSS JOIN places AS p ON p.conversation_id = c.id"
            " WHERE c.ended_ms < ? LIMIT 500",
            before_ms,
        )
        if message_ids:
            return self.remove_some(message_ids, later=True) > 0
        # An entry that is not indexed yet has no place, and would lose its conversation.
        if self._database.number(f"SELECT EXISTS (SELECT 1 FROM messages WHERE id > {INDEXED})"):
            return False
        ended = self._message_ids("SELECT id FROM conversations WHERE ended_ms < ? LIMIT 500", before_ms)
        if not ended:
            return False
        with self._step():
            self._database.execute_many("DELETE FROM conversations WHERE id = ?", [(one,) for one in ended])
        return True

    def remove_some(self, message_ids: Sequence[int], *, later: bool = False) -> int:
        """Delete the first of these entries, and return how many. ``later``: their bytes may stay in the files."""
        done = 0
        with self._step() as has_time:
            while done < len(message_ids) and (done == 0 or has_time()):
                history_index.remove(self._database, message_ids[done : done + _CHUNK])
                done = min(done + _CHUNK, len(message_ids))
            if later:
                history_index.record_pruned(self._database, done)
            else:
                history_index.ask_for_scrub(self._database)
        self.merge_some()
        return done

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

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._database.close()

    @contextlib.contextmanager
    def _step(self) -> Iterator[Callable[[], bool]]:
        """A transaction. The block gets a function that returns True as long as the step has time left."""
        with self._database.transaction():
            ends_at = time.monotonic() + STEP_S
            yield lambda: time.monotonic() < ends_at
        # Many steps in a row write more than the journal does.
        if self._database.wal_size() > LOG_LIMIT:
            self.trim_log()

    def _message_ids(self, sql: str, value: int) -> list[int]:
        return [row[0] for row in self._database.rows(sql, (value,))]

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

    def _scrub_wanted(self) -> int:
        """The count of deleted entries to scrub; 0 if there are too few to begin."""
        wanted = self._database.number("SELECT value FROM history_state WHERE name = 'scrub'")
        return wanted if wanted >= _SCRUB_AFTER else 0

    def _find_surplus(self, most_bytes: int) -> int:
        """The highest message id to delete so that the database fits into its limit; 0 if it fits."""
        database = self._database
        used = database.number("PRAGMA page_count") - database.number("PRAGMA freelist_count")
        most = most_bytes // database.number("PRAGMA page_size")
        if used <= most:
            return 0
        # A guess, as if all entries were of the same size. The next look corrects it.
        share = 1 - _ROOM * most / used
        count = database.number("SELECT count(*) FROM messages")
        return database.number(
            "SELECT id FROM messages ORDER BY id LIMIT 1 OFFSET ?", (max(0, int(count * share) - 1),)
        )

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
