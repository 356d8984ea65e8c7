"""What the store worker does between its jobs: it looks at the disk, at changes of others, and at what is due."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.log_line import LogWarning
from chatroom.server.change_follower import ChangeFollower
from chatroom.server.disk_watch import DiskWatch
from chatroom.server.expiry import Expiry
from chatroom.server.filter_hits import FilterHits

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores
    from chatroom.server.hub import Hub
    from chatroom.server.turnstile import Turnstile
    from chatroom.storage.postgresql.server_lock import ServerLock
    from chatroom.storage.write_guard import WriteGuard


class StoreWatch:
    """The looks, one after the other. Belongs to the store worker's thread; ``facts`` may be called from any."""

    def __init__(
        self,
        hub: Hub,
        guard: WriteGuard | None,
        turnstile: Turnstile,
        last_change_id: int,
        server_lock: ServerLock | None = None,
    ) -> None:
        world, post = hub.world, partial(hub.post_outcome, 0)
        self._world, self._post = world, post
        self._turnstile = turnstile
        self._server_lock = server_lock
        """None for a database in a file."""
        self._disk = None if guard is None else DiskWatch(world, post, guard)
        """None for a database on a server, whose disk is the server's."""
        self._follower = ChangeFollower(world, post, last_change_id)
        self._filter_hits = FilterHits(world, post)
        self._expiry = Expiry(world, post)

    def look(self, stores: Stores) -> None:
        """Look once, unless the turnstile is closed. It does not wait: jobs must go on meanwhile."""
        if not self._turnstile.try_to_enter():
            return
        try:
            if self._disk is not None:
                self._disk.look()
            self._look_at_lock()
            self._follower.look(stores)
            self._filter_hits.look()
            self._expiry.look(stores)
        finally:
            self._turnstile.leave()

    def _look_at_lock(self) -> None:
        line = "" if self._server_lock is None else self._server_lock.look()
        if line:
            self._post(lambda: self._world.log_line(line, LogWarning))

    @property
    def last_change_id(self) -> int:
        """The last change of other processes that was posted to the hub. Only while the turnstile is closed."""
        return self._follower.last_id

    def facts(self) -> dict[str, str]:
        """What ``STATUS`` says of the disk."""
        return {} if self._disk is None else self._disk.facts()
