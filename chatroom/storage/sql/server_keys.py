"""The secrets of a database: random bytes that stay the same over restarts."""

from __future__ import annotations

import os

from chatroom.storage.sql.contract import Database

_KEY_BYTES = 32


def get_server_key(database: Database, name: str) -> bytes:
    """The secret called ``name``, 32 bytes. It is made at the first call."""
    row = database.row("SELECT value FROM server_keys WHERE name = ?", (name,))
    if row is None:
        with database.transaction():
            # Another process may have made it since the query above: then both use that one.
            database.execute(
                "INSERT INTO server_keys (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (name, os.urandom(_KEY_BYTES)),
            )
        row = database.row("SELECT value FROM server_keys WHERE name = ?", (name,))
        assert row is not None
    return bytes(row[0])
