"""What ends because time has passed, by the monotonic clock: looked at now and then, from the store worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.server.clocks import read_clocks

if TYPE_CHECKING:
    from chatroom.chat.world import World
    from chatroom.server.inbox import Task

_MINUTE_MS = 60_000


class Expiry:
    """Posts to the hub what is due. Belongs to the store worker's thread."""

    def __init__(self, world: World, post: Callable[[Task], None]) -> None:
        self._world = world
        self._post = post
        self._minute_mono_ms = world.start_mono_ms + _MINUTE_MS
        """When failed logins are looked at next."""

    def look(self) -> None:
        """Post what is due."""
        world, (_, mono_ms) = self._world, read_clocks()
        if mono_ms >= self._minute_mono_ms:
            self._minute_mono_ms = mono_ms + _MINUTE_MS
            self._post(lambda: world.kept_failures.expire(world.mono_ms))
