"""Following what other processes write to the database: bans, accounts, filters and hooks changed from a shell.

It runs in the store worker, between its jobs. The hub therefore learns of these changes and of the daemon's own in the
order in which the database got them. Each changed row is read alone, so one new ban does not read 100,000 others again.

Channels are not followed. Only the daemon changes them, and its memory may be ahead of the row that is still to be
written. If the shell deletes an account, the account's row tells the daemon to take it out of its channels.

It also notices when the wall clock is set back: bans that had run out by the wrong clock are in force again, those of
the server and those of channels.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.account_notices import tell_of_shell_change
from chatroom.chat.admission.spam_filters import FilterSet
from chatroom.chat.ban_ends import look_again
from chatroom.chat.enforcement import apply_account, apply_rules, restore_rules
from chatroom.chat.filter_actions import apply_filters
from chatroom.server.clocks import ClockWatch, read_clocks

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AuditEntry, Change
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World
    from chatroom.server.inbox import Task

DAEMON = "daemon"
"""How the origin of a change begins that a daemon has made."""
_ROWS_A_TASK = 500
"""The most changes that one tick takes in, so that a large import does not halt the chat."""


class ChangeFollower:
    """Reads the changes of others, from a change id on. Belongs to the store worker's thread."""

    def __init__(self, world: World, post: Callable[[Task], None], last_change_id: int) -> None:
        self._world = world
        self._post = post
        self._last_id = last_change_id
        # SQLite only reports commits since this connection was opened, and there may have been one after everything was
        # loaded at the start and before that.
        self._is_due = True
        """True if changes may wait to be read."""
        self._last_audit_id: int | None = None
        """The last audit row that was searched for what the shell does to accounts; None before the first look."""
        self._stores: Stores | None = None
        """The stores of the last look. New ones have seen no commit yet."""
        self._late: deque[tuple[int, list[Change]]] = deque()
        """Changes that wait, each with the moment of the monotonic clock until which they do."""
        self._clock_watch = ClockWatch(world.start_wall_ms, world.start_mono_ms)

    @property
    def last_id(self) -> int:
        """The id of the last change that was posted. For another thread only while this one cannot look."""
        return self._last_id

    def look(self, stores: Stores) -> None:
        """Post to the hub what has changed since the last look."""
        self._watch_clock(stores)
        self._look_at_late(stores)
        if self._last_audit_id is None:
            self._last_audit_id = stores.audit.last_id()
        # SQLite reports a commit once. If it cannot be read now, the next look has to.
        self._is_due = stores.changed_elsewhere() or stores is not self._stores or self._is_due
        self._stores = stores
        if not self._is_due:
            return
        newest = stores.last_change_id()
        changes = [change for change in stores.changes_after(self._last_id) if change.id <= newest]
        changes = self._put_off(changes)
        for start in range(0, len(changes), _ROWS_A_TASK):
            some = changes[start : start + _ROWS_A_TASK]
            self._apply(stores, some)
            self._last_id = some[-1].id
        self._last_id = newest
        if len(changes) > _ROWS_A_TASK:
            # 100,000 new bans stay in memory. Each search for garbage among them would halt the chat for 50 ms.
            self._post(gc.freeze)
        self._is_due = False

    def _put_off(self, changes: list[Change]) -> list[Change]:
        """Keep bans and accounts that another daemon has changed for later. Return the rest.

        The turn of that node tells of them. Read before it, they would act as if they came from the shell. Later they
        are known, unless the node has died in between.
        """
        patience_ms = self._world.change_patience_ms
        if not patience_ms:
            return changes
        late = [each for each in changes if each.origin.startswith(DAEMON) and each.table in ("accounts", "bans")]
        if late:
            self._late.append((read_clocks()[1] + patience_ms, late))
        return [each for each in changes if each not in late]

    def _look_at_late(self, stores: Stores) -> None:
        while self._late and self._late[0][0] <= read_clocks()[1]:
            self._apply(stores, self._late.popleft()[1])

    def _watch_clock(self, stores: Stores) -> None:
        wall_ms, mono_ms = read_clocks()
        set_ms = self._clock_watch.look(wall_ms, mono_ms)
        if set_ms < 0:
            world, believed_ms = self._world, wall_ms - set_ms
            rules = stores.bans.load_rules(datetime.fromtimestamp(wall_ms / 1000, UTC))
            # Those that end later were in force by the wrong clock too.
            again = [rule for rule in rules if not rule.in_force(believed_ms)]
            self._post(lambda: restore_rules(world, again))
            self._post(lambda: look_again(world))

    def _apply(self, stores: Stores, changes: Sequence[Change]) -> None:
        """Read each changed row once, as it is now, and post what it holds."""
        world, now = self._world, datetime.now(UTC)
        rows: dict[tuple[str, int], None] = {(change.table, change.row_id): None for change in changes}
        bans = [(row_id, stores.bans.find_rule(row_id, now)) for table, row_id in rows if table == "bans"]
        # All filters are compiled together, here and not in a tick.
        has_filters = any(table == "filters" for table, _ in rows)
        filters = FilterSet(stores.filters.list_all()) if has_filters else None
        accounts = [(row_id, stores.accounts.find_entry(row_id)) for table, row_id in rows if table == "accounts"]
        has_hooks = any(table == "hooks" for table, _ in rows)
        hooks = (stores.hooks.list_all(), stores.hooks.list_incoming()) if has_hooks else None
        to_tell = self._find_shell_changes(stores) if accounts else []

        def apply() -> None:
            for account_id, entry in accounts:
                apply_account(world, account_id, entry)
            if world.has_duty():  # the devices of an account may be on any node, and read it once
                for row in to_tell:
                    tell_of_shell_change(world, row)
            apply_rules(world, bans)
            if filters is not None:
                apply_filters(world, filters)
            if hooks is not None:
                world.ledger.hooks.use(*hooks)

        self._post(apply)

    def _find_shell_changes(self, stores: Stores) -> list[AuditEntry]:
        """Return what the shell has done to accounts that their sessions are told.

        The audit says it, and who has: the certificate that was removed has no row any more.
        """
        found = stores.audit.shell_changes(self._last_audit_id or 0)
        if found:
            self._last_audit_id = found[-1].id
        return found
