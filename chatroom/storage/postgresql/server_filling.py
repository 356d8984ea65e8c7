"""Fills an empty database of a server. Until that is done, nobody else can open it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from chatroom.database_address import ServerAddress
from chatroom.errors import AlreadyExists, StorageError
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.postgresql.postgresql_stores import PostgresqlStores
from chatroom.storage.postgresql.server_database import BUSY_TIMEOUT_S, PostgresqlDatabase
from chatroom.storage.postgresql.server_lock import ServerLock
from chatroom.storage.postgresql.server_migrate import bring_up, is_being_filled, mark_being_filled
from chatroom.storage.sql.table_copy import KEYS
from chatroom.storage.sql.timestamps import utc_now

_EMPTIED = (*KEYS, "changes", "places", "message_words", "kept_turn", "rename_notes", "stored_turns", "given_ids")


class FilledServer:
    """Implements ``chatroom.storage.filling.FilledDatabase``."""

    __slots__ = ("is_in_place", "stores")

    def __init__(self, stores: PostgresqlStores) -> None:
        self.stores = stores
        self.is_in_place = False

    def put_in_place(self, at: datetime) -> list[Path]:
        """Let others open the database. No file was there before."""
        with self.stores.database.transaction():
            mark_being_filled(self.stores.database, False)
        self.is_in_place = True
        return []


@contextlib.contextmanager
def filled_server(address: ServerAddress, *, resumes: bool) -> Iterator[FilledServer]:
    """In the block, fill an empty database. No daemon starts there meanwhile.

    ``resumes``: it begins with what an interrupted filling has left there, and leaves what it has done by the end of
    the block. Otherwise the database is empty again if it is not put in place by then. Raises ``AlreadyServing`` if a
    daemon runs, ``AlreadyExists`` if somebody has put anything into the database, and ``StorageError``.
    """
    with (
        DaemonLock.acquire(address),
        _locked_there(address),
        contextlib.closing(PostgresqlDatabase(address, "cli", utc_now, BUSY_TIMEOUT_S)) as database,
    ):
        stores = PostgresqlStores(database)
        if not is_being_filled(database):
            bring_up(database, create=True, migrate=False)
            with database.transaction():
                if not stores.archive.is_empty():
                    raise AlreadyExists(f"{address} is not empty: fill a new database, which createdb makes")
                _empty(database)
                mark_being_filled(database, True)
        elif not resumes:
            with database.transaction():
                _empty(database)
        filled = FilledServer(stores)
        try:
            yield filled
        finally:
            if not resumes and not filled.is_in_place:
                # Without a connection the mark stays, and the next import does this.
                with contextlib.suppress(StorageError), database.transaction():
                    _empty(database)
                    mark_being_filled(database, False)


@contextlib.contextmanager
def _locked_there(address: ServerAddress) -> Iterator[None]:
    """In the block, no daemon of another machine serves the database."""
    lock = ServerLock(address)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _empty(database: PostgresqlDatabase) -> None:
    database.run_script(f"TRUNCATE {', '.join(_EMPTIED)}; UPDATE history_state SET value = 0")
