"""The journal of a node: it commits in turns, and only while no later turn has been declared to be the one.

The row ``cluster.turn`` of ``history_state`` is the fence. Each transaction of turn T reads it with a shared lock that
lasts until its end, and fails if it is higher than T. A node that takes over from a holder that has died raises it to
its own turn. That waits for a commit under way; afterwards no earlier turn can commit.

The row is not raised by each transaction: the old versions of a row that is changed a thousand times a second could not
be cleared away while a long query runs (a dump), and every commit would go through them. So it is only raised

* by ``claim``;
* if a conversation ends or gets another name, so that other nodes forget the ids that they keep in memory;
* every ``STEP`` turns, so that no turn that has committed is that far above it (``next_turn``).

Only the node of the turn commits, so message ids become visible in their order, which the upkeep relies on: what it has
indexed, nothing is added to. An event that a node could not store in its turn comes too late for that, if another node
has committed since, and is left out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg

from chatroom.chat.stored.entries import Entry, EntryRow, Kind
from chatroom.chat.stored.kept_turns import KeptTurn
from chatroom.database_address import ServerAddress
from chatroom.errors import DatabaseBusy, Fenced
from chatroom.storage.postgresql.connecting import NoAnswer
from chatroom.storage.postgresql.server_journal import ServerJournal
from chatroom.storage.postgresql.server_lock import LOCKS, locks_of
from chatroom.storage.sql.history_rows import SELECT, to_entry
from chatroom.storage.sql.rename_notes import note_in_history
from chatroom.storage.sql.timestamps import Clock, utc_now

STEP = 1000
"""How many turns may commit before the row is raised."""
CLAIM_PATIENCE_S = 10.0
"""How long ``claim`` waits for those who commit."""
_ROW = "cluster.turn"
_LAST_SAID = int(Kind.TAGMSG)
"""The highest kind of what somebody has said. Those above it are events."""
_RAISE = f"UPDATE history_state SET value = ? WHERE name = '{_ROW}' AND value <= ?"
# The stores have turns in which nothing was said.
_HIGHEST = (
    "SELECT greatest(value, (SELECT max(turn) FROM stored_turns), (SELECT max(turn) FROM rename_notes))"
    f" FROM history_state WHERE name = '{_ROW}'"
)
_KEEP = (
    "INSERT INTO kept_turn (only_row, after_id, home, records) VALUES (?, ?, ?, ?) ON CONFLICT (only_row)"
    " DO UPDATE SET after_id = excluded.after_id, home = excluded.home, records = excluded.records"
)
# Prepared: to plan it takes as long as all the rest of a commit.
_PREPARE = (
    "PREPARE fence (bigint) AS SELECT value, (SELECT coalesce(max(id), 0) FROM messages) FROM history_state"
    f" WHERE name = '{_ROW}' AND value <= $1 FOR SHARE"
)
# The journals of other nodes that are in a transaction: each has a lock of its own (``ServerJournal``).
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid != pg_backend_pid()"
    f" AND pid IN (SELECT pid FROM pg_locks WHERE {locks_of(LOCKS, '> 1')})"
)


class ServerNodeJournal(ServerJournal):
    """Implements ``chatroom.chat.stored.history_stores.NodeJournal``. A commit always waits for the server's disk."""

    __slots__ = ("_highest", "_home", "_raised", "_seen", "_turn")

    def __init__(self, address: ServerAddress, clock: Clock) -> None:
        """Raises ``StorageError`` if the server cannot be used."""
        self._turn, self._home = 0, ""
        self._seen = -1
        """The row when the ids in ``_known`` were read."""
        self._raised = -1
        """What this transaction has raised the row to; -1 if it has not."""
        self._highest = 0
        """The highest message id that was committed before this transaction."""
        super().__init__(address, clock, full=True, setup=f"; {_PREPARE}")
        self.execute(f"INSERT INTO history_state (name, value) VALUES ('{_ROW}', 0) ON CONFLICT DO NOTHING")

    def use_turn(self, turn: int, home: str = "") -> None:
        """Have the transactions that follow be those of a turn. ``home`` is that of the node which has it."""
        self._turn, self._home = turn, home

    def next_turn(self) -> int:
        """A turn that is later than all that have ever committed."""
        self._make_sure()
        row = self.execute(_HIGHEST).fetchone()
        return int(row[0]) + STEP if row is not None else 1

    def claim(self, turn: int) -> None:
        """Let no earlier turn commit any more, and have the transactions that follow be those of this one."""
        give_up_at = time.monotonic() + CLAIM_PATIENCE_S
        while True:
            self._make_sure()
            try:
                is_raised = self.execute(_RAISE, (turn, turn)).rowcount == 1
                break
            except DatabaseBusy:
                if time.monotonic() >= give_up_at:
                    raise
            # Whoever it is, its turn is over: a commit is made by now, or never will be.
            self.execute(_END_OTHERS)
        if not is_raised:
            raise self._fenced(turn)
        self._turn = turn

    def untold(self, above: int, most: int = 1000) -> list[Entry]:
        """The entries with a message id above that one, in order; ``most`` of them at a time."""
        rows = self.execute(f"{SELECT} WHERE m.id > ? ORDER BY m.id LIMIT ?", (above, most)).fetchall()
        return [to_entry(row) for row in rows]

    def keep_turn(self, kept: KeptTurn) -> None:
        """Keep what the turn changes, instead of what was kept before."""
        self.execute(_KEEP, (1, *kept))

    def find_kept(self, after_id: int) -> KeptTurn | None:
        """What a turn has changed that began after that message id, if that was kept."""
        row = self.execute("SELECT after_id, home, records FROM kept_turn WHERE after_id = ?", (after_id,)).fetchone()
        return None if row is None else KeptTurn(*row)

    def write(self, entries: Sequence[EntryRow]) -> None:
        """Add entries in the order of their message ids, but for events that are too late."""
        late = [entry for entry in entries if entry[0] <= self._highest]
        if any(entry[3] <= _LAST_SAID for entry in late):
            self.rollback()
            raise self._fenced(self._turn)
        super().write(entries[len(late) :] if late else entries)

    def end_channel(self, name: str) -> None:
        """End the channel's conversation."""
        super().end_channel(name)
        self._raise()

    def rename_channel(self, name: str, new_name: str) -> None:
        """Give the channel's conversation, with all its entries, another name."""
        super().rename_channel(name, new_name)
        self._raise()

    def _note_rename(self, name: str, new_name: str) -> None:
        note_in_history(self.execute, name, new_name, self._home, self._turn)

    def commit(self) -> None:
        """Make the transaction permanent."""
        super().commit()
        if self._raised >= 0:
            self._seen = self._raised

    def _send_begin(self, connection: psycopg.Connection) -> None:
        begin = f"BEGIN; EXECUTE fence ({self._turn})".encode()  # one message
        try:
            cursor = connection.execute(begin)
        except psycopg.errors.InvalidSqlStatementName:
            # After a ROLLBACK, psycopg has the server forget all that is prepared, also what is not psycopg's own.
            self.rollback()
            connection.execute(_PREPARE.encode())
            cursor = connection.execute(begin)
        cursor.nextset()
        row = cursor.fetchone()
        if row is None:
            self.rollback()
            raise self._fenced(self._turn)
        self._raised = -1
        value, self._highest = row
        if value != self._seen:
            self._known.clear()
            self._seen = value
        if self._turn >= value + STEP:
            self._raise()

    def _raise(self) -> None:
        if self._raised < self._turn:
            self.execute(_RAISE, (self._turn, self._turn))
            self._raised = self._turn

    def _make_sure(self) -> None:
        """Have a connection that works. Not in a transaction."""
        connection = self._connection
        if connection is not None:
            try:
                connection.execute(b"SELECT 1")
                return
            except psycopg.Error as error:
                self._drop()
                if isinstance(error, NoAnswer):  # a new connection would wait as long
                    raise self._fault(error) from error
        self._connect()

    def _fenced(self, turn: int) -> Fenced:
        return Fenced(f"turn {turn} is over: another node goes on, and has fenced the database off")


def open_node_journal(address: ServerAddress, *, clock: Clock = utc_now) -> ServerNodeJournal:
    """Open the journal of a node on the database at ``address``, which ``open_stores`` has migrated.

    Raises ``StorageError``.
    """
    return ServerNodeJournal(address, clock)
