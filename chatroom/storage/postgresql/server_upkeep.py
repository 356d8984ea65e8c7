"""Background work on the history of a server: indexing, pruning, and clearing away what was deleted."""

from __future__ import annotations

import psycopg

from chatroom.chat.stored.entries import LogTrim
from chatroom.database_address import ServerAddress
from chatroom.errors import StorageError
from chatroom.storage.postgresql.server_database import PostgresqlDatabase
from chatroom.storage.sql.timestamps import Clock, utc_now
from chatroom.storage.sql.upkeep_steps import SqlUpkeep

_STEP_S = 0.02
"""How long a step works before it commits. The journal does not wait for it, only other stores do."""
_SCRUB_S = 1.0
"""How long a step clears a table away."""
_CHUNK = 100
"""Rows between two looks at the clock: each look costs three answers of the server."""
_ENTRY_BYTES = 400
"""What an entry takes beside its row and its words: its place, and five indexes. Measured with 40,000 messages."""
_WORDS_FACTOR = 1.5
"""The words of a message and their index take so much, compared with the words alone."""


class ServerUpkeep(SqlUpkeep):
    """Implements ``chatroom.chat.stored.history_stores.HistoryUpkeep``."""

    _database: PostgresqlDatabase

    def __init__(self, database: PostgresqlDatabase) -> None:
        super().__init__(database, _STEP_S, _CHUNK)

    def _measure_history(self) -> int:
        """What the entries take, to about a tenth.

        The size of the tables is no measure: deleted rows leave room in them, which no statistic tells of. So it is the
        size of the newest entries, times their number as the server last counted it.
        """
        count = self._database.number("SELECT reltuples FROM pg_class WHERE oid = to_regclass('messages')")
        if count <= 0:
            count = self._database.number("SELECT count(*) FROM messages")
        newest = "SELECT {} FROM (SELECT * FROM {} ORDER BY {} DESC LIMIT 1000) AS newest"
        rows = self._database.number(newest.format("avg(pg_column_size(newest.*))", "messages", "id"))
        words = self._database.number(newest.format("avg(pg_column_size(newest.*))", "message_words", "message_id"))
        return int(count * (_ENTRY_BYTES + rows + _WORDS_FACTOR * words))

    def scrub_some(self) -> bool:
        """Clear away what was deleted, for a second or two. Returns False: what is left, the next round does.

        Only the rows, whose texts must not stay: that keeps nobody waiting, and takes a millisecond if the server has
        looked after its tables. It has not if autovacuum is off, or has just been switched on: then a pass through a
        large table takes long, but what it has done stays done when it is ended. The indexes are left to autovacuum.
        """
        wanted = self._scrub_wanted()
        if wanted and self._clear("messages") and self._clear("message_words"):
            with self._database.transaction():
                self._database.execute(
                    "UPDATE history_state SET value = greatest(value - ?, 0) WHERE name = 'scrub'", (wanted,)
                )
        return False

    def _clear(self, table: str) -> bool:
        """Remove deleted rows from a table's pages. Not in a transaction. False if there was no time for all of it."""
        database = self._database
        database.execute(f"SET statement_timeout = {max(1, round(_SCRUB_S * 1000))}")
        try:
            database.execute(f"VACUUM (INDEX_CLEANUP OFF, TRUNCATE OFF) {table}")
            return True
        except StorageError as error:
            if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                return False
            raise
        finally:
            database.execute("RESET statement_timeout")

    def trim_log(self) -> LogTrim:
        """The server keeps its log short by itself."""
        return LogTrim(0, 0.0, True)


def open_upkeep(address: ServerAddress, *, clock: Clock = utc_now, busy_timeout_s: float = 1.0) -> ServerUpkeep:
    """Open the upkeep of the database at ``address``, which ``open_stores`` has migrated. Raises ``StorageError``."""
    # A power cut may take the newest steps, and they are done again. Nobody needs to hear of them.
    return ServerUpkeep(PostgresqlDatabase(address, "upkeep", clock, busy_timeout_s, is_background=True))
