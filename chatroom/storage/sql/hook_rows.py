"""Writing the events of hooks, on the connection of a store or on the journal's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chatroom.chat.stored.hook_records import CHANNEL_DELETED, MOST_WAITING, HookEventRow, name_hooks
from chatroom.chat.stored.records import Actor
from chatroom.irc.names import casefold
from chatroom.storage.sql import audit_store, change_store
from chatroom.storage.sql.contract import Database, Result

Execute = Callable[[str, Sequence[object]], Result]


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


def pause_channel(database: Database, channel: str, by: Actor) -> list[int]:
    """Pause the hooks of a channel that is deleted. Returns the ids of those that were not. Only in a transaction.

    Those that were paused already get the reason too: whoever resumes them must know.
    """
    rows = database.rows("SELECT id, paused FROM hooks WHERE folded = ? ORDER BY id", (casefold(channel),))
    if not rows:
        return []
    paused = [hook_id for hook_id, was_paused in rows if not was_paused]
    database.execute(
        "UPDATE hooks SET paused = 1, failing_since_ms = NULL, failure = ? WHERE folded = ?",
        (CHANNEL_DELETED, casefold(channel)),
    )
    change_store.add_rows(database, "hooks", [hook_id for hook_id, _ in rows])
    if paused:
        audit_store.add_row(database, by, "hook.pause", channel, f"{name_hooks(paused)}: {CHANNEL_DELETED}")
    return paused
