"""Following what other processes write to the database: bans and accounts changed from a shell.

Runs in the store worker, between its jobs: what it reads and what the daemon itself writes reach the hub in the order
in which they happened. Each row is looked up by itself, so 100,000 bans are never read again for one.

A channel changes at the daemon alone, whose memory may be ahead of the disk by what is on its way there: its row is not
read again. What the shell does to one is to delete an account it knew, and that is followed by the account.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.enforcement import apply_account, apply_rules

if TYPE_CHECKING:
    from chatroom.chat.stored.records import Change
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World
    from chatroom.server.hub import Task

_ROWS_A_TASK = 500


class ChangeFollower:
    """Remembers how far it has read. Belongs to the store worker's thread."""

    def __init__(self, world: World, post: Callable[[Task], None], last_change_id: int) -> None:
        self._world = world
        self._post = post
        self._last_id = last_change_id
        self._is_first_look = True

    def look(self, stores: Stores) -> None:
        """Post to the hub what has changed since the last look."""
        # The first look is due whatever SQLite says: it tells of commits since this connection was opened, and there
        # may have been one between then and the reading of everything at the start.
        if not stores.changed_elsewhere() and not self._is_first_look:
            return
        self._is_first_look = False
        newest = stores.last_change_id()
        changes = [change for change in stores.changes_after(self._last_id) if change.id <= newest]
        self._last_id = newest
        for start in range(0, len(changes), _ROWS_A_TASK):
            self._apply(stores, changes[start : start + _ROWS_A_TASK])
        if len(changes) > _ROWS_A_TASK:
            # 100,000 new bans are there to stay: looking for garbage among them would halt the chat, 50 ms a time.
            self._post(gc.freeze)

    def _apply(self, stores: Stores, changes: Sequence[Change]) -> None:
        """Read the rows of some changes, each once however often it changed, and post what they hold now."""
        world, now = self._world, datetime.now(UTC)
        rows: dict[tuple[str, int], None] = {(change.table, change.row_id): None for change in changes}
        bans = [(row_id, stores.bans.find_rule(row_id, now)) for table, row_id in rows if table == "bans"]
        accounts = [(row_id, stores.accounts.find_entry(row_id)) for table, row_id in rows if table == "accounts"]

        def apply() -> None:
            for account_id, entry in accounts:
                apply_account(world, account_id, entry)
            apply_rules(world, bans)

        self._post(apply)
