"""Work on the history that nobody waits for: indexing, pruning, removing deleted text from the files, the log.

Each step is a transaction that ends after some milliseconds. The daemon's tick does not wait for the write lock: what
is said meanwhile is committed, and told, right after.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from chatroom.chat.stored.entries import IndexLag, LogTrim
from chatroom.errors import DatabaseBusy
from chatroom.storage.sqlite import history_index
from chatroom.storage.sqlite.database import WAL_LIMIT, Database, open_database
from chatroom.storage.sqlite.history_rows import COLUMNS, INDEXED, MessageRow
from chatroom.storage.sqlite.timestamps import Clock, utc_now

STEP_S = 0.002
"""How long a step is to take: what somebody says meanwhile waits for its end."""
_CHUNK = 10
"""How many rows are done between two looks at the clock."""
_SCRUB_AFTER = 50_000
"""After how many pruned entries the index of words is written anew; after a redaction at once."""
LOG_LIMIT = 4 * WAL_LIMIT
"""Bytes of write-ahead log above which it is made to begin anew: rarely, because that waits for the disk."""
_PASSES = 2
"""How often the log is copied while others write: the second time only what came during the first."""
_MERGE_PAGES = 25
"""How many pages of the index of words are written in a step: some milliseconds of work."""
_MERGES = 4
"""How many such steps follow a removal at most."""
_FREE_KEPT = 64
"""Pages that are left free: what is written next needs them again."""
_ROOM = 0.95
"""Down to which part of its bound a database that is too large is pruned."""


class SqliteUpkeep:
    """Implements ``chatroom.chat.stored.history_stores.HistoryUpkeep``. Belongs to the thread that made it."""

    __slots__ = ("_database", "_merged", "_merging", "_prune_to", "_seen", "_waiting", "longest_hold_s")

    def __init__(self, database: Database) -> None:
        self._database = database
        # Who keeps the log small need not have it copied after every step as well.
        database.log_limit = 2 * LOG_LIMIT
        self.longest_hold_s = 0.0
        """The longest that the write lock was held for the log's sake."""
        # Losing the newest index entries to a power cut costs nothing: they are made again.
        database.execute("PRAGMA synchronous=NORMAL")
        self._merged = False
        """Whether there is nothing to join in the index of words, as far as this connection knows."""
        self._merging = False
        """Whether the index of words is being written anew."""
        self._prune_to = 0
        """Up to which number entries go because the database is too large."""
        self._seen: int | None = None
        """Up to which number entries are counted in ``_waiting``."""
        self._waiting = 0

    def measure_lag(self) -> IndexLag:
        """How much came since the last call, and how much waits to be indexed. Cheap: looks at what came."""
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
        """Make some entries quick to find, once ``least`` of them are waiting; whether there is more to do."""
        database = self._database
        # First, or a long backlog would leave thousands of pieces, which SQLite then joins at one go.
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
                rows = database.rows(
                    f"SELECT {COLUMNS} FROM messages WHERE id > {INDEXED} ORDER BY id LIMIT ?",
                    (min(_CHUNK, most - done),),
                )
                if not rows:
                    break
                history_index.index(database, [MessageRow._make(row) for row in rows])
                database.execute("UPDATE history_state SET value = ? WHERE name = 'indexed'", (rows[-1][0],))
                done += len(rows)
                counted += len([row for row in rows if row[0] <= seen])
        self._waiting = max(0, self._waiting - counted)
        self._merged = False
        return True

    def prune_some(self, *, before_ms: int | None = None, most_bytes: int | None = None) -> int:
        """Delete some of the oldest entries, if they are too old or the database too large; how many it were.

        By size the work is done in turns: so many entries that it should be enough, then ``scrub_some`` until the file
        is smaller, and only then another look.
        """
        numbers: list[int] = []
        if before_ms is not None:
            # CROSS JOIN makes SQLite go through the conversations, a few, and in each through the index by time. Both
            # values of ``event`` are named because it comes before the time in that index.
            numbers = self._numbers(
                "SELECT p.message_id FROM conversations AS c CROSS JOIN places AS p"
                " ON p.conversation_id = c.id AND p.event IN (0, 1) AND p.time_ms < ? LIMIT 500",
                before_ms,
            )
        if not numbers and most_bytes is not None:
            if not self._prune_to and not self._scrub_wanted():
                self._prune_to = self._find_surplus(most_bytes)
            if self._prune_to:
                numbers = self._numbers("SELECT id FROM messages WHERE id <= ? ORDER BY id LIMIT 500", self._prune_to)
                if not numbers:
                    self._prune_to = 0
                    with self._database.transaction():
                        history_index.ask_for_scrub(self._database)
        return self.remove_some(numbers, later=True) if numbers else 0

    def remove_some(self, numbers: Sequence[int], *, later: bool = False) -> int:
        """Delete the first ones of these entries; how many it were. ``later``: their bytes may stay for a while."""
        done = 0
        with self._step() as has_time:
            while done < len(numbers) and (done == 0 or has_time()):
                history_index.remove(self._database, numbers[done : done + _CHUNK])
                done = min(done + _CHUNK, len(numbers))
            if later:
                history_index.record_pruned(self._database, done)
            else:
                history_index.ask_for_scrub(self._database)
        self.merge_some()
        return done

    def merge_some(self) -> None:
        """Join some of the pieces that index and removal leave in the index of words, each time one.

        Thousands of pieces would be slow to look through, and SQLite would join them at one go.
        """
        for _ in range(_MERGES):
            if not self._merge_some(_MERGE_PAGES):
                break

    def scrub_some(self) -> bool:
        """Do some of what removes deleted text from the files, and gives their room back; whether there is more."""
        wanted = self._scrub_wanted()
        if wanted:
            # A negative number begins it: all that the index is made of is to become one piece.
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
        """Keep the write-ahead log from growing; call it every second or so, or after every so many MiB.

        The log begins anew once all of it is in the file, and under steady writing that never comes about by itself. So
        most of it is copied while others write; only for the small remainder the write lock is held.
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
        """A transaction; gives a function that says whether there is time left in it."""
        with self._database.transaction():
            ends_at = time.monotonic() + STEP_S
            yield lambda: time.monotonic() < ends_at
        # Work that goes on for long must not keep the log from beginning anew.
        if self._database.wal_size() > LOG_LIMIT:
            self.trim_log()

    def _numbers(self, sql: str, value: int) -> list[int]:
        return [row[0] for row in self._database.rows(sql, (value,))]

    def _merge_some(self, pages: int) -> bool:
        """Join some of the pieces that the index of words is made of; whether there was anything to join."""
        with self._step():
            before = self._database.total_changes
            self._database.execute("INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)", (pages,))
            # The statement itself counts as one; this is how SQLite says that there was nothing to do.
            return self._database.total_changes - before >= 2

    def _vacuum_some(self) -> bool:
        """Give some of the file's free pages back to the file system; whether there are more."""
        surplus = self._database.number("PRAGMA freelist_count") - _FREE_KEPT
        if surplus <= 0:
            return False
        with self._step() as has_time:
            while surplus > 0 and has_time():
                # A page at a time: Python ends a statement without columns after its first step.
                self._database.execute("PRAGMA incremental_vacuum(1)")
                surplus -= 1
        return True

    def _scrub_wanted(self) -> int:
        wanted = self._database.number("SELECT value FROM history_state WHERE name = 'scrub'")
        return wanted if wanted >= _SCRUB_AFTER else 0

    def _find_surplus(self, most_bytes: int) -> int:
        """The number up to which entries have to go for the database to fit, 0 where it does."""
        database = self._database
        used = database.number("PRAGMA page_count") - database.number("PRAGMA freelist_count")
        most = most_bytes // database.number("PRAGMA page_size")
        if used <= most:
            return 0
        share = 1 - _ROOM * most / used
        count = database.number("SELECT count(*) FROM messages")
        return database.number(
            "SELECT id FROM messages ORDER BY id LIMIT 1 OFFSET ?", (max(0, int(count * share) - 1),)
        )

    def _empty_log(self) -> bool:
        """Write all of the log into the file and leave it without a byte; whether nobody was in the way."""
        # PASSIVE first: it copies without the write lock, and leaves little for the one that takes it.
        self._checkpoint("PASSIVE")
        return self._checkpoint("TRUNCATE")

    def _checkpoint(self, mode: Literal["PASSIVE", "RESTART", "TRUNCATE"]) -> bool:
        """Copy the log into the file, without waiting. Returns True if that is done and ``mode`` was fulfilled."""
        try:
            with self._database.without_waiting():
                row = self._database.row(f"PRAGMA wal_checkpoint({mode})")
        except DatabaseBusy:
            row = None
        return row is not None and row[0] == 0


def open_upkeep(path: Path, *, clock: Clock = utc_now, busy_timeout_s: float = 1.0) -> SqliteUpkeep:
    """Connect to the database at ``path``, which ``open_stores`` has brought up. Raises ``StorageError``."""
    return SqliteUpkeep(open_database(path, clock=clock, busy_timeout_s=busy_timeout_s))
