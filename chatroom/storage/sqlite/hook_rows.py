"""Writing the events of hooks, on the connection of a store or on the journal's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from chatroom.chat.stored.hook_records import MOST_WAITING, HookEventRow

Execute = Callable[[str, Sequence[object]], sqlite3.Cursor]


def insert_events(execute: Execute, rows: Sequence[HookEventRow]) -> None:
    """Add events with the next numbers of their hooks. Only in a transaction.

    A hook that was removed or paused meanwhile takes none. Of one with too many, the oldest are dropped.
    """
    newest: dict[int, int] = {}
    for row in rows:
        found: tuple[Any, ...] | None = execute(
            "UPDATE hooks SET last_number = last_number + 1 WHERE id = ? AND paused = 0 RETURNING last_number",
            row[:1],
        ).fetchone()
        if found is not None:
            newest[row.hook_id] = found[0]
            execute(
                "INSERT INTO hook_events (hook_id, message_id, time_ms, kind, nick, account, text, number)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, found[0]),
            )
    for hook_id, number in newest.items():
        # By the numbers, so that nothing is counted: a delivered event is gone, and leaves no room for an older one.
        dropped = execute(
            "DELETE FROM hook_events WHERE hook_id = ? AND number <= ?", (hook_id, number - MOST_WAITING)
        ).rowcount
        if dropped:
            execute("UPDATE hooks SET dropped = dropped + ? WHERE id = ?", (dropped, hook_id))


def rename_channel(execute: Execute, folded: str, new_name: str, new_folded: str) -> None:
    """Have the hooks of a channel follow it to its new name. Only in a transaction."""
    execute("UPDATE hooks SET channel = ?, folded = ? WHERE folded = ?", (new_name, new_folded, folded))
