"""Storing how often each spam filter has matched, a few times a minute: a flood of spam is one write, not thousands."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.filter_actions import save_hits

if TYPE_CHECKING:
    from chatroom.chat.world import World
    from chatroom.server.inbox import Task

SAVE_EVERY_S = 5.0


class FilterHits:
    """Belongs to the store worker's thread, which looks several times a second."""

    def __init__(self, world: World, post: Callable[[Task], None]) -> None:
        self._world = world
        self._post = post
        self._saved_s = 0.0
        """When hits were last stored, on the monotonic clock."""

    def look(self) -> None:
        """Have the hub store the hits, if there are some and the last time was a while ago."""
        # Read without the hub lock: hits that come just now are seen by the next look.
        if self._world.spam.unsaved and time.monotonic() - self._saved_s >= SAVE_EVERY_S:
            self._saved_s = time.monotonic()
            self._post(partial(save_hits, self._world))
