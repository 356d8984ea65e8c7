"""Brings a database to the schema that this code needs, one numbered SQL file (a migration) at a time.

The schema version is the number of the last migration in the table ``migrations``. A migration and its row are one
transaction, which has the write lock of the stores: so nobody else writes meanwhile, and two processes that migrate at
the same time apply each migration once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache

from chatroom.database_address import ServerAddress
from chatroom.errors import DatabaseDamaged, DatabaseMissing, DatabaseNewer, DatabaseOutdated, StorageError
from chatroom.storage.migration_files import Migration, read_migrations
from chatroom.storage.postgresql.server_database import BUSY_TIMEOUT_S, PostgresqlDatabase
from chatroom.storage.sql.timestamps import utc_now

_OURS = "chatroom"
"""The comment of the table ``migrations``, which tells our tables from those of another program."""
_BEING_FILLED = "chatroom, being filled"
"""The same while an import or a copy fills the database (``server_filling``)."""


@cache
def load_migrations() -> tuple[Migration, ...]:
    """All migrations of PostgreSQL, in order. Raises ``StorageError`` as ``read_migrations``."""
    return read_migrations("postgresql")


def newest_version() -> int:
    """The schema version that this code reads and writes."""
    return load_migrations()[-1].number


def read_version(database: PostgresqlDatabase) -> int:
    """The schema version, 0 for an empty database.

    Raises ``DatabaseDamaged`` if its tables are not ours, and ``StorageError`` if it is being filled, or if the user
    may see nothing in it.
    """
    # Only the schema in which our tables are made: an extension may have tables in others.
    with database.snapshot():
        if database.row("SELECT current_schema()") == (None,):
            raise StorageError(
                f"{database.address}: there is no schema that this user may use: make it the owner of the database, or"
                " look at its search_path"
            )
        tables = database.number("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")
        if not tables:
            return 0
        comment = _read_comment(database)
        if comment == _BEING_FILLED:
            raise StorageError(
                f"{database.address}: an import or a copy into this database has not come to its end: run it again"
            )
        if comment != _OURS:
            raise DatabaseDamaged(f"{database.address}: a database with tables, but not with chatroom's")
        return database.number("SELECT max(number) FROM migrations")


def is_being_filled(database: PostgresqlDatabase) -> bool:
    """True if an import or a copy fills the database, or was interrupted."""
    return _read_comment(database) == _BEING_FILLED


def mark_being_filled(database: PostgresqlDatabase, is_filling: bool) -> None:
    """Keep everybody but who fills it from opening the database, or let them. Only in a transaction."""
    # A comment takes no parameters.
    database.run_script(f"COMMENT ON TABLE migrations IS '{_BEING_FILLED if is_filling else _OURS}'")


def _read_comment(database: PostgresqlDatabase) -> str | None:
    row = database.row("SELECT obj_description(to_regclass('migrations'), 'pg_class')")
    return None if row is None else row[0]


def bring_up(database: PostgresqlDatabase, *, create: bool, migrate: bool) -> None:
    """Bring the database to ``newest_version``.

    ``create``: make the schema in an empty one. ``migrate``: upgrade an older one; no daemon may serve it, because it
    cannot go on with another schema. Raises ``DatabaseMissing``, ``DatabaseNewer``, ``DatabaseOutdated``,
    ``DatabaseDamaged``.
    """
    version, newest = read_version(database), newest_version()
    if version > newest:
        raise DatabaseNewer(
            f"{database.address}: written by a newer chatroom (its version is {version}, this one knows {newest})"
        )
    if version == 0:
        if not create:
            raise DatabaseMissing(
                f"{database.address}: the database is empty; chatroomctl serve, user create or db migrate fills it"
            )
        # All in one transaction: to another process, only some of them would be an older database.
        with database.transaction():
            _apply(database, 0)
        return
    if version < newest and not migrate:
        raise DatabaseOutdated(
            f"{database.address}: has version {version}, this chatroom needs {newest}: run chatroomctl db migrate"
        )
    while version < newest:
        with database.transaction():
            version = _apply(database, version, most=1)


@contextlib.contextmanager
def upgrading(database: PostgresqlDatabase) -> Iterator[bool]:
    """Bring an existing database to ``newest_version`` in one transaction, which is committed at the end of the block.

    If the block raises or the process dies in it, nothing has happened. Yields False if the database is at
    ``newest_version`` already: then there is no transaction. Raises as ``bring_up``.
    """
    version = read_version(database)
    if version == 0 or version >= newest_version():
        bring_up(database, create=False, migrate=False)
        yield False
        return
    with database.together():
        _apply(database, version)
        yield True


def read_schema_version(address: ServerAddress) -> int:
    """The schema version of a database. Raises ``StorageError``."""
    with contextlib.closing(PostgresqlDatabase(address, "cli", utc_now, BUSY_TIMEOUT_S)) as database:
        return read_version(database)


def _apply(database: PostgresqlDatabase, version: int, *, most: int | None = None) -> int:
    """Apply the next migrations, and return the number of the last one. Only in a transaction."""
    if version > 0 or database.row("SELECT to_regclass('migrations')") != (None,):
        version = database.number("SELECT max(number) FROM migrations")  # another process may have applied some by now
    for migration in load_migrations()[version:][:most]:
        database.run_script(migration.sql)
        database.execute(
            "INSERT INTO migrations (number, name, applied_ms) VALUES (?, ?, ?)",
            (migration.number, migration.name, database.now_ms()),
        )
        version = migration.number
    return version
