"""What has a connection to a database for itself."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from chatroom.storage.sql.contract import Database


class DatabaseOwner:
    """Closes its connection at the end of a ``with``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
