"""What the store worker does between its jobs: it looks at the disk, at changes of others, and at what is due."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from chatroom.server.change_follower import ChangeFollower
from chatroom.server.disk_watch import DiskWatch
from chatroom.server.expiry import Expiry
from chatroom.server.filter_hits import FilterHits

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores
    from chatroom.server.hub import Hub
    from chatroom.server.turnstile import Turnstile
    from chatroom.storage.write_guard import WriteGuard


class StoreWatch:
    """The looks, one after the other. Belongs to the store worker's thread; ``facts`` may be called from any."""

    def __init__(self, hub: Hub, guard: WriteGuard, turnstile: Turnstile, last_change_id: int) -> None:
        world, post = hub.world, partial(hub.post_outcome, 0)
        self._turnstile = turnstile
        self._disk = DiskWatch(world, post, guard)
        self._follower = ChangeFollower(world, post, last_change_id)
        self._filter_hits = FilterHits(world, post)
        self._expiry = Expiry(world, post)

    def look(self, stores: Stores) -> None:
        """Look once, unless the turnstile is closed. It does not wait: jobs must go on meanwhile."""
        if not self._turnstile.try_to_enter():
            return
        try:
            self._disk.look()
            self._follower.look(stores)
            self._filter_hits.look()
            self._expiry.look(stores)
        finally:
            self._turnstile.leave()

    @property
    def last_change_id(self) -> int:
        """The last change of other processes that was posted to the hub. Only while the turnstile is closed."""
        return self._follower.last_id

    def facts(self) -> dict[str, str]:
        """What ``STATUS`` says of the disk."""
        return self._disk.facts()
