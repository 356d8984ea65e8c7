"""Keeps a second daemon, of another machine, from serving a server's database: a lock of a session there.

The lock on this machine (``daemon_lock``) cannot know of it. The server releases the lock when the connection ends,
also because the machine of its daemon is gone (``connecting``).

The nodes of a cluster share the lock. Each has a second one, whose number is made from the cluster's name, so that they
see nodes of another cluster.
"""

from __future__ import annotations

import contextlib
import time
import zlib

import psycopg
from psycopg import pq

from chatroom.database_address import ServerAddress
from chatroom.errors import AlreadyServing, StorageError
from chatroom.storage.postgresql import postgresql_errors
from chatroom.storage.postgresql.connecting import PATIENCE_S, connect

LOCKS = 0x63686174
"""The first number of our locks of a session: ``chat`` in ASCII. Pairs are apart from single ones (``WRITE_LOCK``)."""
_NUMBER = 1
"""The second number of a daemon's lock. Journals have higher ones."""
_CLUSTERS = LOCKS + 1
"""The first number of the locks that tell to which cluster a node belongs."""
_WAIT_FOR_LOCK = f"SELECT pg_advisory_lock({LOCKS}, {_NUMBER})".encode()
# PostgreSQL 14 and later can look, while a session waits, whether its client is still there.
_NOTICE_THE_END = (
    b"SELECT set_config('client_connection_check_interval', '1000', false)"
    b" WHERE current_setting('server_version_num')::int >= 140000"
)
_TRY_LOCK = f"SELECT pg_try_advisory_lock({LOCKS}, {_NUMBER})".encode()
_OWN_PID = b"SELECT pg_backend_pid()"
_UNLOCK_ALL = b"SELECT pg_advisory_unlock_all()"


def locks_of(first: int, condition: str) -> str:
    """The SQL condition for the rows of ``pg_locks`` of who has a lock of a session with that first number.

    ``condition`` is for its second one, which is ``objid``.
    """
    return (
        f"locktype = 'advisory' AND granted AND objsubid = 2 AND classid = {first} AND objid {condition}"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )


_FIND_HOLDER = (
    "SELECT coalesce(host(client_addr), 'this machine or a socket'), mode"
    " FROM pg_locks JOIN (SELECT pid, client_addr FROM pg_stat_activity) AS clients USING (pid) WHERE "
)
_IS_LOCKED = locks_of(LOCKS, f"= {_NUMBER}")
_PATIENCE_S = 2.0
"""How long ``acquire`` tries: the connection of a daemon that was killed may not have ended yet."""
_PAUSE_S = 0.05
_LOOK_EVERY_S = 1.0


class ServerLock:
    """The lock. Belongs to one thread after the other: that of the start, then the store worker's."""

    __slots__ = ("_address", "_cluster", "_connection", "_in_line", "_looked_at_s", "_was_refused")

    def __init__(self, address: ServerAddress, cluster: str = "") -> None:
        """``cluster``: the name of the cluster, for a node. The nodes of one cluster share the lock."""
        self._address = address
        self._cluster = cluster
        self._connection: psycopg.Connection | None = None
        """The connection that has the lock; None without it."""
        self._in_line: psycopg.Connection | None = None
        """The connection that gets the lock as soon as the daemon lets go that has it; None if none stands in line."""
        self._looked_at_s = 0.0
        self._was_refused = False

    def acquire(self) -> None:
        """Take the lock. Raises ``AlreadyServing`` if another daemon has it, and ``StorageError``.

        For a node, one that belongs to another cluster or to none.
        """
        give_up_at = time.monotonic() + _PATIENCE_S
        while not self._try():
            if time.monotonic() > give_up_at:
                raise AlreadyServing(f"{self._address}: {self._describe_holder('this database')}")
            time.sleep(_PAUSE_S)
        try:
            self._require_own_session()
        except BaseException:
            self.release()
            raise

    def stand_in_line(self) -> None:
        """Have the lock as soon as the daemon that has it lets go: nobody else gets it in between. Does not wait.

        For a daemon that takes the place of another one. Raises ``StorageError``.
        """
        connection = connect(self._address, patience_s=PATIENCE_S)
        try:
            connection.execute(_NOTICE_THE_END)
        except psycopg.Error as error:
            connection.close()
            raise self._fault(error) from error
        connection.pgconn.send_query(_WAIT_FOR_LOCK)
        connection.pgconn.flush()
        self._in_line = connection

    def look(self) -> str:
        """Take the lock if it was lost, or if it is this daemon's turn.

        Return a line for the log if another daemon has it, once; else an empty text. Does nothing most of the time.
        """
        now_s = time.monotonic()
        if now_s < self._looked_at_s + _LOOK_EVERY_S or not self._is_end_of_line():
            return ""
        self._looked_at_s = now_s
        try:
            if self._is_held() or self._try():
                self._was_refused = False
                return ""
            line = self._describe_holder("this database too")
        except StorageError:
            return ""  # whoever needs the server says so
        if self._was_refused:
            return ""
        self._was_refused = True
        return f"{line}: stop one of them"

    def is_taken(self) -> bool:
        """True if a daemon has the lock, of this machine or of another one. Raises ``StorageError``."""
        return self._find_holder() is not None

    def is_shared(self) -> bool:
        """True if another node of the cluster has the lock too. Raises ``StorageError``."""
        assert self._connection is not None
        try:
            rows = self._connection.execute(f"SELECT 1 FROM pg_locks WHERE {_IS_LOCKED} LIMIT 2".encode()).fetchall()
        except psycopg.Error as error:
            raise self._fault(error) from error
        return len(rows) > 1

    def give_back(self) -> None:
        """Release the lock, and wait for the server's answer: the next one gets it at once. Idempotent."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.execute(_UNLOCK_ALL)
        self.release()

    def release(self) -> None:
        """Release the lock. Idempotent."""
        if self._in_line is not None:
            with contextlib.suppress(psycopg.Error):
                self._in_line.cancel_safe(timeout=1.0)  # a wait does not end by itself with its connection
        for connection in (self._connection, self._in_line):
            if connection is not None:
                connection.close()
        self._connection = self._in_line = None

    def _is_end_of_line(self) -> bool:
        """False while the daemon before this one has the lock."""
        connection = self._in_line
        if connection is None:
            return True
        try:
            connection.pgconn.consume_input()
            if connection.pgconn.is_busy():
                return False
            while (result := connection.pgconn.get_result()) is not None:
                if result.status == pq.ExecStatus.TUPLES_OK:
                    self._connection = connection
        except psycopg.Error:
            pass  # the connection was lost with its place, and the look that follows makes another
        if self._connection is not connection:
            connection.close()
        self._in_line = None
        return True

    def _is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(b"SELECT 1")
        except psycopg.Error:
            self.release()
            return False
        return True

    def _try(self) -> bool:
        connection = connect(self._address, patience_s=PATIENCE_S)
        try:
            if self._take_on(connection):
                self._connection = connection
                return True
        except psycopg.Error as error:
            raise self._fault(error) from error
        finally:
            if self._connection is not connection:
                connection.close()
        return False

    def _take_on(self, connection: psycopg.Connection) -> bool:
        if not self._cluster:
            return connection.execute(_TRY_LOCK).fetchone() == (True,)
        # Its own lock first: of two nodes of different clusters that start at once, at least one sees the other.
        connection.execute(f"SELECT pg_advisory_lock_shared({_CLUSTERS}, {self._number})".encode())
        if connection.execute(f"SELECT 1 FROM pg_locks WHERE {self._is_foreign} LIMIT 1".encode()).fetchone():
            return False
        row = connection.execute(f"SELECT pg_try_advisory_lock_shared({LOCKS}, {_NUMBER})".encode()).fetchone()
        return row == (True,)

    def _require_own_session(self) -> None:
        """Raise ``StorageError`` if a pooler gives this connection's session to other clients as well.

        Then the lock is nobody's, and the news of changes reach nobody. Nothing else would tell. A pooler that lends a
        session for each transaction lends the one that it got back last.
        """
        assert self._connection is not None
        other = connect(self._address, patience_s=PATIENCE_S)
        try:
            ours, theirs = (one.execute(_OWN_PID).fetchone() for one in (self._connection, other))
        except psycopg.Error as error:
            raise self._fault(error) from error
        finally:
            other.close()
        if ours == theirs:
            raise StorageError(
                f"{self._address}: a pooler lends one session to several clients: have it keep one for each client"
                " (pool_mode = session)"
            )

    def _describe_holder(self, database: str) -> str:
        """Say who has the lock, of those that do not share it with this daemon."""
        address, is_node = self._find_holder() or ("elsewhere", bool(self._cluster))
        if not is_node:
            lone = ", and belongs to no cluster" if self._cluster else ""
            return f"another daemon serves {database}, from {address}{lone}"
        if self._cluster:
            return f"a node of another cluster serves {database}, from {address} (cluster.name is the same for all)"
        return f"a node of a cluster serves {database}, from {address}"

    def _find_holder(self) -> tuple[str, bool] | None:
        """The address of a daemon that does not share the lock with this one, and True if it is a node."""
        condition = _IS_LOCKED
        if self._cluster:
            condition = f"{self._is_foreign} OR {_IS_LOCKED} AND mode = 'ExclusiveLock'"
        connection = connect(self._address, patience_s=PATIENCE_S)
        try:
            row = connection.execute(f"{_FIND_HOLDER}{condition}".encode()).fetchone()
        except psycopg.Error as error:
            raise self._fault(error) from error
        finally:
            connection.close()
        return None if row is None else (str(row[0]), row[1] == "ShareLock")

    @property
    def _number(self) -> int:
        """What stands for the cluster's name."""
        return zlib.crc32(self._cluster.encode()) & 0x7FFFFFFF

    @property
    def _is_foreign(self) -> str:
        """The SQL condition for the rows of ``pg_locks`` of nodes of other clusters."""
        return locks_of(_CLUSTERS, f"!= {self._number}")

    def _fault(self, error: psycopg.Error) -> Exception:
        return postgresql_errors.from_postgresql(self._address, error)
