"""Brings a database to the schema that this code needs, one numbered SQL file (a migration) at a time.

``PRAGMA user_version`` is the schema version: the number of the last migration applied. A migration and its number are
one transaction. So a crash leaves the file at one version or the next, and two processes that migrate at the same time
apply each migration once.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from chatroom.errors import DatabaseDamaged, DatabaseMissing, DatabaseNewer, DatabaseOutdated
from chatroom.storage.migration_files import Migration, read_migrations
from chatroom.storage.sqlite.backup import Progress, write_copy
from chatroom.storage.sqlite.database import SqliteDatabase
from chatroom.storage.sqlite.file_opening import APPLICATION_ID, enter_wal, open_database, prepare_empty


@cache
def load_migrations() -> tuple[Migration, ...]:
    """All migrations of SQLite, in order. Raises ``StorageError`` as ``read_migrations``."""
    return read_migrations("sqlite")


def newest_version() -> int:
    """The schema version that this code reads and writes."""
    return load_migrations()[-1].number


def read_version(database: SqliteDatabase) -> int:
    """The file's schema version, 0 for an empty file. Raises ``DatabaseDamaged`` if the file is not one of ours."""
    with database.snapshot():
        version = database.number("PRAGMA user_version")
        application = database.number("PRAGMA application_id")
        tables = database.number("SELECT count(*) FROM sqlite_schema")
    if (application, version, tables) == (0, 0, 0):
        return 0
    if application != APPLICATION_ID or version < 1:
        raise DatabaseDamaged(f"{database.path}: a database, but not one of chatroom's")
    return version


def nothing_in(path: Path) -> DatabaseMissing:
    """The error of a file that is there and empty."""
    return DatabaseMissing(
        f"{path}: there is no database, the file is empty; chatroomctl serve, user create or db migrate fills it"
    )


def read_schema_version(path: Path) -> int:
    """The schema version of the database at that path. Raises ``StorageError``."""
    with contextlib.closing(open_database(path)) as database:
        return read_version(database)


def bring_up(database: SqliteDatabase, *, create: bool, migrate: bool, progress: Progress | None = None) -> Path | None:
    """Bring the file to ``newest_version``. Returns the path of the copy of an upgraded database, otherwise None.

    ``create``: make the schema in an empty file. ``migrate``: upgrade an older database, after it was copied beside
    itself; the caller must hold the ``DaemonLock``, because a daemon cannot go on with another schema. ``progress`` is
    that of the copy. Raises ``DatabaseMissing``, ``DatabaseNewer``, ``DatabaseOutdated``, ``DatabaseDamaged``.
    """
    version, newest = read_version(database), newest_version()
    if version > newest:
        raise DatabaseNewer(
            f"{database.path}: written by a newer chatroom (its version is {version}, this one knows {newest})"
        )
    copy = None
    if version == 0:
        if not create:
            raise nothing_in(database.path)
        prepare_empty(database)
        _create(database)
    else:
        if version < newest:
            if not migrate:
                raise DatabaseOutdated(
                    f"{database.path}: has version {version}, this chatroom needs {newest}: run chatroomctl db migrate"
                )
            copy = _copy_beside(database, version + 1, progress)
        enter_wal(database)
        for migration in load_migrations()[version:]:
            _apply(database, migration)
    return copy


@contextlib.contextmanager
def upgrading(database: SqliteDatabase) -> Iterator[Path | None]:
    """Bring an existing file to ``newest_version`` in one transaction, which is committed at the end of the block.

    If the block raises or the process dies in it, nothing has happened. Yields the path of the copy that was made
    before, or None if the file is at ``newest_version`` already: then there is no transaction. Raises as ``bring_up``.
    """
    version = read_version(database)
    if version == 0 or version >= newest_version():
        yield bring_up(database, create=False, migrate=False)
        return
    copy = _copy_beside(database, version + 1, None)
    enter_wal(database)
    try:
        with database.together():
            for migration in load_migrations()[version:]:
                _apply(database, migration)
            yield copy
    except BaseException:
        copy.unlink(missing_ok=True)
        raise


def _copy_beside(database: SqliteDatabase, number: int, progress: Progress | None) -> Path:
    """Copy the file as it is before migration ``number``, without replacing an older copy."""
    path = database.path.with_name(f"{database.path.name}.before-{number:04}")
    count = 1
    while path.exists():
        count += 1
        path = database.path.with_name(f"{database.path.name}.before-{number:04}.{count}")
    write_copy(database, path, progress=progress)
    return path


def _create(database: SqliteDatabase) -> None:
    # All migrations in one transaction: to another process, a file with only some of them would be an older database.
    with database.transaction():
        # Another process may have made it by now.
        if database.number("PRAGMA user_version") == 0:
            for migration in load_migrations():
                _run(database, migration)
            # A mark by which ``write_ahead_log`` tells this database from others. SQLite only looks whether it changed.
            database.execute(f"PRAGMA schema_version = {int.from_bytes(os.urandom(4)) >> 1}")


def _apply(database: SqliteDatabase, migration: Migration) -> None:
    with database.transaction():
        # Another process may have applied it by now.
        if database.number("PRAGMA user_version") < migration.number:
            _run(database, migration)


def _run(database: SqliteDatabase, migration: Migration) -> None:
    """Run one migration. Only in a transaction."""
    # Statement by statement, because executescript() would commit the transaction first.
    for statement in split_statements(migration.sql):
        database.execute(statement)
    database.execute(
        "INSERT INTO migrations (number, name, applied_ms) VALUES (?, ?, ?)",
        (migration.number, migration.name, database.now_ms()),
    )
    # Both are in the file's header, which is a part of the transaction like any page. A pragma takes no parameters.
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {migration.number}")


def split_statements(script: str) -> Iterator[str]:
    """The statements of a script. Each must end at the end of a line."""
    # By line, not by semicolon: a trigger has semicolons inside, which ``complete_statement`` knows.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
