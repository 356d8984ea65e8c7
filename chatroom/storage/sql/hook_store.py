"""The tables ``hooks`` and ``hook_events``."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from chatroom.chat.admission.tokens import hash_secret, make_secret, make_token
from chatroom.chat.stored.hook_records import (
    MOST_HOOKS,
    Hook,
    HookEventRow,
    IncomingHook,
    IssuedHook,
    NewHook,
    WaitingEvent,
)
from chatroom.chat.stored.records import Actor
from chatroom.errors import AlreadyExists, NotFound, TooMany
from chatroom.irc.names import casefold
from chatroom.storage.sql import audit_store, change_store
from chatroom.storage.sql.contract import Database, Row
from chatroom.storage.sql.hook_rows import insert_events, pause_channel
from chatroom.storage.sql.timestamps import from_ms, from_ms_or_none

SECRET_PREFIX = "whsec_"  # noqa: S105 - what stands before each secret
"""Before the base64 of a key (Standard Webhooks, "Signature scheme")."""
_KEY_BYTES = 32
_COLUMNS = (
    "id, channel, name, url, events, prefix, mention, hears_hooks, paused, created_by, created_ms,"
    " (SELECT count(*) FROM hook_events WHERE hook_id = id), done, dropped, done_ms, failing_since_ms, failure"
)

_REAL_FAILURE = "CASE WHEN failing_since_ms IS NULL THEN '' ELSE failure END"
"""The failure of a delivery. Without a moment, it is why the hook was paused."""


class SqlHooks:
    """Implements ``chatroom.chat.stored.hook_stores.HookStore``."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- managing hooks ---------------------------------------------------------------------------

    def add(self, new: NewHook, by: Actor) -> IssuedHook:
        """Make a hook, with a new secret or token."""
        database, folded, token = self._database, casefold(new.channel), make_secret()
        key = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
        direction = "out" if new.is_outgoing else "in"
        with database.transaction():
            if database.number("SELECT count(*) FROM hooks") >= MOST_HOOKS:
                raise TooMany(f"there are {MOST_HOOKS} hooks already: remove one first")
            names = "SELECT name FROM hooks WHERE folded = ? AND direction = 'in'"
            if direction == "in" and casefold(new.name) in {
                casefold(row[0]) for row in database.rows(names, (folded,))
            }:
                raise AlreadyExists(f"{new.channel} has an incoming hook called {new.name} already")
            hook_id = database.number(
                "INSERT INTO hooks (direction, channel, folded, name, url, secret, token_hash, events, prefix, mention,"
                " hears_hooks, created_by, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (
                    *(direction, new.channel, folded, new.name, new.url),
                    *((key, "") if new.is_outgoing else ("", hash_secret(token))),
                    *(" ".join(new.events), new.prefix, new.mention, int(new.hears_hooks), by.name, database.now_ms()),
                ),
            )
            change_store.add_row(database, "hooks", hook_id)
            added = self._get(hook_id)
            audit_store.add_row(database, by, "hook.add", added.channel, _detail(added))
        return IssuedHook(added, key if new.is_outgoing else make_token(hook_id, token))

    def remove(self, hook_id: int, by: Actor) -> Hook:
        """Delete a hook with what waits for it, and return it."""
        with self._database.transaction():
            removed = self._get(hook_id)
            self._database.execute("DELETE FROM hooks WHERE id = ?", (hook_id,))
            change_store.add_row(self._database, "hooks", hook_id)
            audit_store.add_row(self._database, by, "hook.remove", removed.channel, _detail(removed))
        return removed

    def set_paused(self, hook_id: int, paused: bool, by: Actor) -> Hook:
        """Pause a hook, or have it go on."""
        with self._database.transaction():
            self._get(hook_id)
            self._database.execute(
                f"UPDATE hooks SET paused = ?, failure = {_REAL_FAILURE} WHERE id = ?", (int(paused), hook_id)
            )
            change_store.add_row(self._database, "hooks", hook_id)
            found = self._get(hook_id)
            action = "hook.pause" if paused else "hook.resume"
            audit_store.add_row(self._database, by, action, found.channel, _detail(found))
        return found

    def pause_channel(self, channel: str, by: Actor) -> list[int]:
        """Pause the hooks of a channel that is deleted and was not stored."""
        with self._database.transaction():
            return pause_channel(self._database, channel, by)

    def find(self, hook_id: int) -> Hook | None:
        """The hook with that id, or None."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM hooks WHERE id = ?", (hook_id,))
        return None if row is None else _hook(row)

    def list_all(self) -> list[Hook]:
        """All hooks, the oldest first."""
        return [_hook(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM hooks ORDER BY id")]

    def list_incoming(self) -> list[IncomingHook]:
        """All incoming hooks as the daemon keeps them in memory."""
        sql = "SELECT id, channel, name, token_hash, paused FROM hooks WHERE direction = 'in' ORDER BY id"
        return [IncomingHook._make((*row[:-1], bool(row[-1]))) for row in self._database.rows(sql)]

    def get_secret(self, hook_id: int) -> str:
        """The secret of an outgoing hook."""
        row = self._database.row("SELECT secret FROM hooks WHERE id = ?", (hook_id,))
        if row is None:
            raise _not_found(hook_id)
        return str(row[0])

    # -- events -----------------------------------------------------------------------------------

    def add_events(self, rows: Sequence[HookEventRow]) -> None:
        """Have events wait for their hooks."""
        with self._database.transaction(minor=True):
            insert_events(self._database.execute, rows)

    def list_waiting(self) -> list[int]:
        """The ids of the hooks that are not paused and have events waiting."""
        has_some = "EXISTS (SELECT 1 FROM hook_events WHERE hook_id = id)"
        return [
            row[0] for row in self._database.rows(f"SELECT id FROM hooks WHERE paused = 0 AND {has_some} ORDER BY id")
        ]

    def count_waiting(self) -> int:
        """How many events wait, of all hooks."""
        return self._database.number("SELECT count(*) FROM hook_events")

    def next_event(self, hook_id: int) -> WaitingEvent | None:
        """The oldest event that waits for a hook."""
        row = self._database.row(
            "SELECT hook_id, number, message_id, time_ms, kind, nick, account, text, refusals, channel, url, secret"
            " FROM hook_events JOIN hooks ON hooks.id = hook_id WHERE hook_id = ? AND paused = 0"
            " ORDER BY number LIMIT 1",
            (hook_id,),
        )
        return None if row is None else WaitingEvent._make(row)

    def end_delivery(self, event: WaitingEvent) -> None:
        """Delete an event that was delivered, and count it."""
        # minor, as all of this: a full disk needs bans more than it needs hooks, and an event may be delivered twice.
        with self._database.transaction(minor=True):
            self._delete(event)
            self._database.execute(
                "UPDATE hooks SET done = done + 1, done_ms = ?, failing_since_ms = NULL,"
                " failure = CASE WHEN failing_since_ms IS NULL THEN failure ELSE '' END WHERE id = ?",
                (self._database.now_ms(), event.hook_id),
            )

    def fail_delivery(self, event: WaitingEvent, why: str, *, is_refusal: bool) -> None:
        """Record that an event could not be delivered."""
        with self._database.transaction(minor=True):
            self._database.execute(
                "UPDATE hooks SET failing_since_ms = coalesce(failing_since_ms, ?), failure = ?"
                " WHERE id = ? AND paused = 0",  # why it is paused must stay
                (self._database.now_ms(), why, event.hook_id),
            )
            self._database.execute(
                "UPDATE hook_events SET refusals = refusals + ? WHERE hook_id = ? AND number = ?",
                (int(is_refusal), event.hook_id, event.number),
            )

    def give_up(self, event: WaitingEvent) -> None:
        """Delete an event that the receiver does not take, and count it as dropped."""
        with self._database.transaction(minor=True):
            if self._delete(event):
                self._database.execute("UPDATE hooks SET dropped = dropped + 1 WHERE id = ?", (event.hook_id,))

    def count_said(self, hook_id: int) -> None:
        """Count a message of an incoming hook."""
        with self._database.transaction(minor=True):
            self._database.execute(
                "UPDATE hooks SET done = done + 1, done_ms = ? WHERE id = ?", (self._database.now_ms(), hook_id)
            )

    def _delete(self, event: WaitingEvent) -> bool:
        sql = "DELETE FROM hook_events WHERE hook_id = ? AND number = ?"
        return self._database.execute(sql, (event.hook_id, event.number)).rowcount > 0

    def _get(self, hook_id: int) -> Hook:
        found = self.find(hook_id)
        if found is None:
            raise _not_found(hook_id)
        return found


def _not_found(hook_id: int) -> NotFound:
    return NotFound(f"there is no hook {hook_id}")


def _detail(one: Hook) -> str:
    """What the audit has of a hook. The path of a URL may be a secret of the receiver."""
    if one.is_outgoing:
        return f"hook {one.id}, {' '.join(one.events)} to {urlsplit(one.url).hostname}"
    return f"hook {one.id}, incoming, {one.name}"


def _hook(row: Row) -> Hook:
    hook_id, channel, name, url, events, prefix, mention, hears_hooks, paused, by, created_ms, *counts = row
    waiting, done, dropped, done_ms, failing_since_ms, failure = counts
    kinds: Any = tuple(events.split())
    flags = bool(hears_hooks), bool(paused)
    moments = from_ms_or_none(done_ms), from_ms_or_none(failing_since_ms)
    return Hook(
        *(hook_id, channel, name, url, kinds, prefix, mention, *flags, by, from_ms(created_ms)),
        *(waiting, done, dropped, *moments, failure),
    )
