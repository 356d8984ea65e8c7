"""What ends because time has passed: failed logins, channels, accounts and requests for accounts.

The store worker looks now and then. It also has failed logins written, which wait for that so that a flood of wrong
passwords costs one write a second.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.unused_accounts import end_unused_accounts
from chatroom.chat.unused_channels import look_at_channels
from chatroom.commands.connecting.approving import end_old_requests
from chatroom.server.clocks import ClockWatch, read_clocks
from chatroom.server.upkeep import MOST_SET_AHEAD_MS

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.world import World
    from chatroom.server.inbox import Task

_SECOND_MS = 1000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS

log = logging.getLogger(__name__)


class Expiry:
    """Posts to the hub what is due, by the monotonic clock. Belongs to the store worker's thread.

    Channels, accounts and requests have dates, so the wall clock judges them, and it may be wrong: on the first day
    after a start, and for a day after it was set far ahead, none of them ends. Users have that day to come back, too,
    if the daemon did not run for long.
    """

    def __init__(self, world: World, post: Callable[[Task], None]) -> None:
        self._world = world
        self._post = post
        start_ms = world.start_mono_ms
        # These are on the monotonic clock.
        self._second_mono_ms = start_ms
        """When failed logins may be written next."""
        self._minute_mono_ms = start_ms + _MINUTE_MS
        """When failed logins are looked at next."""
        self._hour_mono_ms = start_ms + _HOUR_MS
        """When channels, accounts and requests are looked at next."""
        self._believe_at_mono_ms = start_ms + _DAY_MS
        """Until this moment nothing is deleted for its age: the wall clock may be wrong."""
        self._clock_watch = ClockWatch(world.start_wall_ms, start_ms)

    def look(self, stores: Stores) -> None:
        """Post what is due."""
        world, (wall_ms, mono_ms) = self._world, read_clocks()
        if world.kept_failures.waits and mono_ms >= self._second_mono_ms:
            self._second_mono_ms = mono_ms + _SECOND_MS
            self._post(world.kept_failures.flush)
        if mono_ms >= self._minute_mono_ms:
            self._minute_mono_ms = mono_ms + _MINUTE_MS
            self._post(lambda: world.kept_failures.expire(world.mono_ms))
        if mono_ms >= self._hour_mono_ms:
            self._hour_mono_ms = mono_ms + _HOUR_MS
            self._look_at_dates(stores, wall_ms, mono_ms)

    def _look_at_dates(self, stores: Stores, wall_ms: int, mono_ms: int) -> None:
        world, settings = self._world, self._world.settings
        channel_days, account_days = settings.channels.expire_days, settings.accounts.expire_days
        request_days = settings.accounts.requests_expire_days
        if self._clock_watch.look(wall_ms, mono_ms) > MOST_SET_AHEAD_MS:
            self._believe_at_mono_ms = max(self._believe_at_mono_ms, mono_ms + _DAY_MS)
            if channel_days or account_days:
                log.warning("the clock was set far ahead: for a day, no channel or account ends because it is unused")
        if mono_ms < self._believe_at_mono_ms:
            channel_days = account_days = request_days = 0
        self._post(partial(look_at_channels, world, channel_days))
        now = datetime.fromtimestamp(wall_ms / 1000, UTC)
        if request_days:
            asked_before = now - timedelta(days=request_days)
            self._post(lambda: end_old_requests(world, asked_before, request_days))
        if account_days:
            before = now - timedelta(days=account_days)
            unused = stores.accounts.list_unused(before)
            self._post(lambda: end_unused_accounts(world, unused, before, account_days))
