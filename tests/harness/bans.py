"""The bans of a test's database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from chatroom.chat.stored.records import Ban
from chatroom.storage.sqlite.sqlite_stores import open_stores


def in_force(database: Path) -> list[Ban]:
    """Return the bans in force, oldest first."""
    with open_stores(database) as stores:
        return stores.bans.list_in_force(datetime.now(UTC))[::-1]


def targets(database: Path) -> list[str]:
    """Return the targets of the bans in force, oldest first."""
    return [ban.target for ban in in_force(database)]
