"""Opens the stores of a database, whatever keeps it: a file of SQLite, or a PostgreSQL server.

What an engine needs is imported only if it is the one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.database_address import DatabaseAddress, ServerAddress
from chatroom.errors import StorageError

if TYPE_CHECKING:
    from chatroom.chat.stored.history_stores import Journal, NodeJournal
    from chatroom.storage.postgresql.server_lock import ServerLock
    from chatroom.storage.sql.inspection import Inspection
    from chatroom.storage.sql.sql_stores import SqlStores
    from chatroom.storage.sql.timestamps import Clock
    from chatroom.storage.sql.upkeep_steps import SqlUpkeep
    from chatroom.storage.sqlite.backup import Progress
    from chatroom.storage.write_guard import WriteGuard


def open_stores(
    address: DatabaseAddress,
    *,
    create: bool = False,
    migrate: bool = False,
    writer: str = "cli",
    clock: Clock | None = None,
    busy_timeout_s: float | None = None,
    progress: Progress | None = None,
    guard: WriteGuard | None = None,
    patience_s: float | None = None,
) -> SqlStores:
    """Connect to the database at ``address``, for this thread.

    ``create``: make a missing file and its directories, or our tables in an empty database of a server. ``migrate``:
    upgrade an older one; the caller must hold the ``DaemonLock``. ``writer`` is stored with each logged change; all
    connections of a daemon share one, such as ``daemon:4f1c``. Only for files: ``progress`` is that of the copy that is
    made before an upgrade, ``guard`` the daemon's. Only for servers: ``patience_s`` is how long the server may leave a
    call without an answer before it fails; None for as long as it takes.

    Raises ``DatabaseMissing``, ``DatabaseOutdated``, ``DatabaseNewer``, ``DatabaseDamaged``, ``DatabaseBusy``, and
    ``StorageError`` for an address that cannot be used.
    """
    from chatroom.storage.sql.timestamps import utc_now

    clock = clock or utc_now
    if isinstance(address, Path):
        from chatroom.storage.sqlite import sqlite_stores
        from chatroom.storage.sqlite.database import BUSY_TIMEOUT_S

        return sqlite_stores.open_stores(
            address,
            create=create,
            migrate=migrate,
            writer=writer,
            clock=clock,
            busy_timeout_s=BUSY_TIMEOUT_S if busy_timeout_s is None else busy_timeout_s,
            progress=progress,
            guard=guard,
        )
    require_psycopg(address)
    from chatroom.storage.postgresql import postgresql_stores
    from chatroom.storage.postgresql.server_database import BUSY_TIMEOUT_S

    return postgresql_stores.open_stores(
        address,
        create=create,
        migrate=migrate,
        writer=writer,
        clock=clock,
        busy_timeout_s=BUSY_TIMEOUT_S if busy_timeout_s is None else busy_timeout_s,
        patience_s=patience_s,
    )


def open_journal(
    address: DatabaseAddress, *, full: bool = False, clock: Clock | None = None, guard: WriteGuard | None = None
) -> Journal:
    """Open a journal on a database that ``open_stores`` has migrated. Raises ``StorageError``.

    ``full``: a commit waits until the disk has it, so that it survives a power cut. ``guard`` is the daemon's, and only
    for a file.
    """
    from chatroom.storage.sql.timestamps import utc_now

    if isinstance(address, Path):
        from chatroom.storage.sqlite import journal

        return journal.open_journal(address, full=full, clock=clock or utc_now, guard=guard)
    require_psycopg(address)
    from chatroom.storage.postgresql import server_journal

    return server_journal.open_journal(address, full=full, clock=clock or utc_now)


def open_node_journal(address: ServerAddress, *, clock: Clock | None = None) -> NodeJournal:
    """Open the journal of a node on a database that ``open_stores`` has migrated. Raises ``StorageError``.

    A commit always waits until the server's disk has it: other nodes tell what was committed, and must be right.
    """
    from chatroom.storage.sql.timestamps import utc_now

    require_psycopg(address)
    from chatroom.storage.postgresql import node_journal

    return node_journal.open_node_journal(address, clock=clock or utc_now)


def open_upkeep(address: DatabaseAddress) -> SqlUpkeep:
    """Open the upkeep of a database that ``open_stores`` has migrated. Raises ``StorageError``."""
    return find_upkeep(address)()


def find_upkeep(address: DatabaseAddress) -> Callable[[], SqlUpkeep]:
    """A function that opens the upkeep, and imports nothing: a daemon may open no file any more when it calls it."""
    if isinstance(address, Path):
        from chatroom.storage.sqlite import history_upkeep

        return partial(history_upkeep.open_upkeep, address)
    require_psycopg(address)
    from chatroom.storage.postgresql import server_upkeep

    return partial(server_upkeep.open_upkeep, address)


@contextlib.contextmanager
def upgraded_stores(address: DatabaseAddress, guard: WriteGuard | None = None) -> Iterator[SqlStores]:
    """Connect to an existing database and upgrade it if it is older: all at once, at the end of the block.

    In the block, these stores show the upgraded database, and other connections the older one. If the block raises, or
    the process dies, the database is as it was. The caller must hold the ``DaemonLock``. ``guard`` is that of a file.
    Raises as ``open_stores``.
    """
    if isinstance(address, Path):
        from chatroom.storage.sqlite import sqlite_stores

        assert guard is not None
        with sqlite_stores.upgraded_stores(address, guard) as file_stores:
            yield file_stores
        return
    require_psycopg(address)
    from chatroom.storage.postgresql import postgresql_stores

    with postgresql_stores.upgraded_stores(address) as server_stores:
        yield server_stores


def make_server_lock(address: ServerAddress, cluster: str = "") -> ServerLock:
    """The lock of a server's database, which is not taken yet. Raises ``StorageError`` without the package.

    ``cluster``: the name of the cluster, for a node, which shares the lock with the other nodes.
    """
    require_psycopg(address)
    from chatroom.storage.postgresql.server_lock import ServerLock

    return ServerLock(address, cluster)


def newest_version() -> int:
    """The schema version that this code reads and writes. It is the same for all engines."""
    from chatroom.storage.sqlite import migrate

    return migrate.newest_version()


def read_schema_version(address: DatabaseAddress) -> int:
    """The schema version of a database. Raises ``StorageError``."""
    if isinstance(address, Path):
        from chatroom.storage.sqlite import migrate

        return migrate.read_schema_version(address)
    require_psycopg(address)
    from chatroom.storage.postgresql import server_migrate

    return server_migrate.read_schema_version(address)


def inspect(address: DatabaseAddress) -> Inspection:
    """Open a database of any schema version, to look at it. Raises ``StorageError`` as ``open_stores`` does."""
    if isinstance(address, Path):
        from chatroom.storage.sqlite import file_inspection

        return file_inspection.FileInspection(file_inspection.open_any(address))
    require_psycopg(address)
    from chatroom.storage.postgresql import server_inspection

    return server_inspection.open_any(address)


def require_psycopg(address: ServerAddress) -> None:
    """Raise ``StorageError`` if the package for PostgreSQL is not installed, or finds no library of PostgreSQL's."""
    try:
        import psycopg  # noqa: F401 - only whether it can be imported
    except ImportError:
        raise StorageError(f"{address}: PostgreSQL needs a package: pip install 'chatroom[postgresql]'") from None
