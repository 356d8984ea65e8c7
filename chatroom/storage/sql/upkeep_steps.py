"""Background work: indexing and pruning the history, and forgetting old turns, in steps.

Each step is a short transaction. The upkeep thread decides when to take a step (``chatroom.server.upkeep``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from chatroom.chat.stored.entries import IndexLag, LogTrim
from chatroom.storage.sql import history_index, stored_turns
from chatroom.storage.sql.contract import Database
from chatroom.storage.sql.history_rows import COLUMNS, INDEXED, MessageRow

SCRUB_AFTER = 50_000
"""What is deleted is removed from the files after so many pruned entries. After a redaction it is done at once."""
ROOM = 0.95
"""The part of its size limit to which a database is pruned, so that it does not exceed it again at once."""


class SqlUpkeep:
    """The part of ``chatroom.chat.stored.history_stores.HistoryUpkeep`` that is the same for all engines.

    ``step_s`` is how long a step works before it commits, ``chunk`` the rows between two looks at the clock.
    """

    def __init__(self, database: Database, step_s: float, chunk: int) -> None:
        self._database = database
        self._step_s = step_s
        self._chunk = chunk
        self._is_tidy = False
        """True if the full-text index has nothing to tidy up since the last indexing here."""
        self._prune_to = 0
        """The highest message id to delete because the database is too large; 0 for none."""
        self._seen: int | None = None
        """The highest message id that ``_waiting`` has counted; None before the first look."""
        self._waiting = 0
        """Entries that wait to be indexed, up to ``_seen``."""

    def _tidy_index(self) -> bool:
        """Tidy up the full-text index a little before more is put into it. Returns True if it was not tidy."""
        self._is_tidy = True
        return False

    def merge_some(self) -> None:
        """Tidy up the full-text index a little after a removal."""

    def _measure_history(self) -> int:
        """What counts for the size limit, in bytes."""
        return self._database.sizes().used

    def _find_surplus(self, most_bytes: int) -> int:
        """The highest message id to delete so that the database fits into its limit; 0 if it fits."""
        used = self._measure_history()
        if used <= most_bytes:
            return 0
        # A guess, as if all entries were of the same size. The next look corrects it.
        share = 1 - ROOM * most_bytes / used
        count = self._database.number("SELECT count(*) FROM messages")
        return self._database.number(
            "SELECT id FROM messages ORDER BY id LIMIT 1 OFFSET ?", (max(0, int(count * share) - 1),)
        )

    def measure_lag(self) -> IndexLag:
        """Count the entries written since the last call, and those that wait to be indexed."""
        # Only rows above ``_seen`` are counted. All that wait can be a hundred thousand.
        row = self._database.row(
            f"SELECT count(*), coalesce(max(id), CAST(?1 AS BIGINT), {INDEXED}),"
            f" count(*) FILTER (WHERE id > {INDEXED}) FROM messages WHERE id > coalesce(CAST(?1 AS BIGINT), {INDEXED})",
            (self._seen,),
        )
        assert row is not None
        came, self._seen, waiting = row
        self._waiting += waiting
        return IndexLag(came, self._waiting)

    def index_some(self, most: int = 500, *, least: int = 1) -> bool:
        """Index up to ``most`` entries, if at least ``least`` are waiting. Returns True if there may be more to do."""
        database = self._database
        if self._tidy_index():
            return True
        waiting = database.number(
            f"SELECT count(*) FROM (SELECT 1 FROM messages WHERE id > {INDEXED} LIMIT ?) AS waiting",
            (max(most, least),),
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
                    (min(self._chunk, most - done),),
                )
                rows = [MessageRow._make(row) for row in found]
                if not rows:
                    break
                history_index.index(database, rows)
                database.execute("UPDATE history_state SET value = ? WHERE name = 'indexed'", (rows[-1].id,))
                done += len(rows)
                counted += len([row for row in rows if row.id <= seen])
        self._waiting = max(0, self._waiting - counted)
        self._is_tidy = False
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
                " WHERE p.conversation_id = c.id AND p.event IN (0, 1) AND p.time_ms < ? LIMIT 500",
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
            "SELECT p.message_id FROM conversations AS c CROSS JOIN places AS p"
            " WHERE p.conversation_id = c.id AND c.ended_ms < ? LIMIT 500",
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
                history_index.remove(self._database, message_ids[done : done + self._chunk])
                done = min(done + self._chunk, len(message_ids))
            if later:
                history_index.record_pruned(self._database, done)
            else:
                history_index.ask_for_scrub(self._database)
        self.merge_some()
        return done

    def forget_turns(self) -> bool:
        """Forget some of what nodes have stored long ago. Returns True if there may be more to do."""
        old = stored_turns.find_old(self._database, 500)
        if old:
            with self._step():
                stored_turns.forget(self._database, old)
        return bool(old)

    def scrub_some(self) -> bool:
        """Remove some deleted text from the files and give free room back. Returns True if there is more to do."""
        raise NotImplementedError

    def trim_log(self) -> LogTrim:
        """Keep the write-ahead log short. Call it about once a second."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._database.close()

    @contextlib.contextmanager
    def _step(self) -> Iterator[Callable[[], bool]]:
        """A transaction. The block gets a function that returns True as long as the step has time left."""
        with self._database.transaction():
            ends_at = time.monotonic() + self._step_s
            yield lambda: time.monotonic() < ends_at

    def _message_ids(self, sql: str, value: int) -> list[int]:
        return [row[0] for row in self._database.rows(sql, (value,))]

    def _scrub_wanted(self) -> int:
        """The count of deleted entries to scrub; 0 if there are too few to begin."""
        wanted = self._database.number("SELECT value FROM history_state WHERE name = 'scrub'")
        return wanted if wanted >= SCRUB_AFTER else 0
