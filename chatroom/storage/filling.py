"""Fills an empty database, whatever keeps it, and puts it in its place when it is whole."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from chatroom.database_address import DatabaseAddress
from chatroom.storage.opening import require_psycopg

if TYPE_CHECKING:
    from chatroom.storage.sql.sql_stores import SqlStores


class FilledDatabase(Protocol):
    """A database that is being filled. Nobody else can open it before it is put in place."""

    @property
    def stores(self) -> SqlStores:
        """Its stores."""
        ...

    def put_in_place(self, at: datetime) -> list[Path]:
        """Make it the database, and return the files that were there, by their new names.

        The stores are not used any more. Raises ``StorageError``.
        """
        ...


def filled_database(address: DatabaseAddress, *, resumes: bool = False) -> AbstractContextManager[FilledDatabase]:
    """In the block, fill a new database for ``address``. No daemon of this machine starts there meanwhile.

    ``resumes``: go on with what an interrupted filling has left, and leave what is done if this one is interrupted.
    Otherwise nothing is left of it. Raises ``AlreadyServing`` if a daemon runs there, ``AlreadyExists`` if a server's
    database is not empty, and ``StorageError``.
    """
    if isinstance(address, Path):
        from chatroom.storage.sqlite.building import build_beside

        return build_beside(address, resumes=resumes)
    require_psycopg(address)
    from chatroom.storage.postgresql.server_filling import filled_server

    return filled_server(address, resumes=resumes)
