"""Failed logins that are stored, so that a restart does not give a guesser new free tries.

The wall clock decides nothing: it can be set. What the database has at the start counts as if it had failed just then,
and is over ten minutes later, as ever (``LoginThrottle``). So neither a clock that jumps nor a daemon that is killed
frees anybody, and nobody is delayed for longer than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatroom.chat.admission.flood import MOST_KEYS, WINDOW_MS, LoginThrottle
from chatroom.chat.stored.records import FailedLogins

if TYPE_CHECKING:
    from chatroom.chat.work_queue import WorkQueue


class KeptFailures:
    """Has the counts of failed logins stored. Guarded by the hub lock.

    A wrong password is no write of its own: ``flush``, once a second at most, writes all counts that have changed. If
    the database refuses it, they are written after the next failed login.
    """

    __slots__ = ("_changed", "_is_writing", "_most_keys", "_stored", "_throttle", "_work", "waits")

    def __init__(self, throttle: LoginThrottle, work: WorkQueue, most_keys: int = MOST_KEYS) -> None:
        self._throttle = throttle
        self._work = work
        self._most_keys = most_keys
        self._stored: dict[str, int] = {}
        """For each key that the database has: when it was changed last, on the monotonic clock. The newest is last."""
        self._changed: dict[str, FailedLogins] = {}
        """What the next write stores."""
        self._is_writing = False
        self.waits = False
        """True if there is something to ``flush``. Any thread may read it."""

    def restore(self, found: Iterable[FailedLogins], mono_ms: int) -> None:
        """Take over what is stored, at the start: oldest first."""
        for one in found:
            self._throttle.restore(one.key, one.failures, mono_ms)
            self._stored[one.key] = mono_ms

    def save(self, keys: Iterable[str], wall_ms: int, mono_ms: int) -> None:
        """Have the counts of some keys stored, because a login has failed. ``wall_ms`` is only shown to people."""
        for key in keys:
            self._change(key, wall_ms, mono_ms)
        while len(self._stored) > self._most_keys:
            self._discard(next(iter(self._stored)))

    def forgive(self, keys: Iterable[str], wall_ms: int, mono_ms: int) -> None:
        """Have the counts of some keys stored that have gone down. Does nothing for those that are not stored."""
        for key in keys:
            if key in self._stored:
                self._change(key, wall_ms, mono_ms)

    def expire(self, mono_ms: int) -> None:
        """Have those removed that no longer count. Call it once a minute."""
        for key, changed_ms in list(self._stored.items()):
            if mono_ms - changed_ms < WINDOW_MS:
                break
            del self._stored[key]
            if self._throttle.count(key, mono_ms):
                self._stored[key] = mono_ms  # tries that waited for their turn
            else:
                self._discard(key)

    def _change(self, key: str, wall_ms: int, mono_ms: int) -> None:
        count = self._throttle.count(key, mono_ms)
        self._stored.pop(key, None)
        if count:
            self._stored[key] = mono_ms
        self._changed[key] = FailedLogins(key, count, wall_ms)
        self.waits = True

    def _discard(self, key: str) -> None:
        self._stored.pop(key, None)
        self._changed[key] = FailedLogins(key, 0, 0)
        self.waits = True

    def flush(self) -> None:
        """Have written what waits, unless a write is under way."""
        if self._is_writing or not self._changed:
            return
        rows, self._changed = list(self._changed.values()), {}
        self._is_writing, self.waits = True, False

        def then(outcome: object) -> None:
            self._is_writing = False
            if isinstance(outcome, Exception):
                for row in rows:
                    self._changed.setdefault(row.key, row)

        self._work.write(lambda stores: stores.failed_logins.save(rows), then)
