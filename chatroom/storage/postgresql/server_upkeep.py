"""Background work on the history of a server: indexing, pruning, and clearing away what was deleted."""

from __future__ import annotations

from chatroom.chat.stored.entries import LogTrim
from chatroom.database_address import ServerAddress
from chatroom.storage.postgresql.server_database import PostgresqlDatabase
from chatroom.storage.sql.timestamps import Clock, utc_now
from chatroom.storage.sql.upkeep_steps import SqlUpkeep

_STEP_S = 0.02
"""How long a step works before it commits. The journal does not wait for it, only other stores do."""
_CHUNK = 100
"""Rows between two looks at the clock: each look costs three answers of the server."""


class ServerUpkeep(SqlUpkeep):
    """Implements ``chatroom.chat.stored.history_stores.HistoryUpkeep``."""

    _database: PostgresqlDatabase

    def __init__(self, database: PostgresqlDatabase) -> None:
        super().__init__(database, _STEP_S, _CHUNK)

    def scrub_some(self) -> bool:
        """Clear away what was deleted. Returns False: the server does the rest by itself."""
        wanted = self._scrub_wanted()
        if wanted:
            # It writes over the rows, waits for nobody, and keeps nobody waiting. Not in a transaction.
            self._database.execute("VACUUM messages, places, message_words")
            with self._database.transaction():
                self._database.execute(
                    "UPDATE history_state SET value = greatest(value - ?, 0) WHERE name = 'scrub'", (wanted,)
                )
        return False

    def trim_log(self) -> LogTrim:
        """The server keeps its log short by itself."""
        return LogTrim(0, 0.0, True)


def open_upkeep(address: ServerAddress, *, clock: Clock = utc_now, busy_timeout_s: float = 1.0) -> ServerUpkeep:
    """Open the upkeep of the database at ``address``, which ``open_stores`` has migrated. Raises ``StorageError``."""
    # A power cut may take the newest steps, and they are done again. Nobody needs to hear of them.
    return ServerUpkeep(PostgresqlDatabase(address, "upkeep", clock, busy_timeout_s, is_background=True))
