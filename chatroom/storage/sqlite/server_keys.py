"""Random bytes that must be the same after a restart, made when they are first asked for."""

from __future__ import annotations

import os

from chatroom.storage.sqlite.database import Database

_KEY_BYTES = 32


def get_server_key(database: Database, name: str) -> bytes:
    """The key called ``name``, 32 bytes."""
    row = database.row("SELECT value FROM server_keys WHERE name = ?", (name,))
    if row is None:
        with database.transaction():
            database.execute(
                "INSERT INTO server_keys (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (name, os.urandom(_KEY_BYTES)),
            )
        row = database.row("SELECT value FROM server_keys WHERE name = ?", (name,))
        assert row is not None
    return bytes(row[0])
