"""All stores of one thread, on one connection to a server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from chatroom.database_address import ServerAddress
from chatroom.storage.postgresql.server_database import BUSY_TIMEOUT_S, PostgresqlDatabase
from chatroom.storage.postgresql.server_migrate import bring_up, upgrading
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sql.timestamps import Clock, utc_now


class PostgresqlStores(SqlStores):
    """The stores, and what only a server has."""

    def __init__(self, database: PostgresqlDatabase) -> None:
        super().__init__(database)
        self._server = database

    @property
    def database(self) -> PostgresqlDatabase:
        """The connection."""
        return self._server

    @property
    def address(self) -> ServerAddress:
        """The database of the server."""
        return self._server.address


@contextlib.contextmanager
def upgraded_stores(address: ServerAddress) -> Iterator[PostgresqlStores]:
    """Connect to an existing database and upgrade it if it is older: all at once, at the end of the block."""
    with (
        contextlib.closing(PostgresqlDatabase(address, "cli", utc_now, BUSY_TIMEOUT_S)) as database,
        upgrading(database) as is_upgraded,
    ):
        stores = PostgresqlStores(database)
        stores.is_upgraded = is_upgraded
        yield stores


def open_stores(
    address: ServerAddress,
    *,
    create: bool = False,
    migrate: bool = False,
    writer: str = "cli",
    clock: Clock = utc_now,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    patience_s: float | None = None,
) -> PostgresqlStores:
    """Connect to the database at ``address``, for this thread.

    ``create``: make our tables in an empty database. ``migrate``: upgrade an older one; no daemon may serve it.
    ``writer`` is stored with each logged change; all connections of a daemon share one, such as ``daemon:4f1c``.
    ``patience_s`` is that of ``PostgresqlDatabase``.

    Raises ``DatabaseMissing``, ``DatabaseOutdated``, ``DatabaseNewer``, ``DatabaseDamaged``, ``DatabaseBusy``, and
    ``StorageError`` for a server that cannot be used.
    """
    database = PostgresqlDatabase(address, writer, clock, busy_timeout_s, patience_s=patience_s)
    try:
        bring_up(database, create=create, migrate=migrate)
        return PostgresqlStores(database)
    except BaseException:
        database.close()
        raise
