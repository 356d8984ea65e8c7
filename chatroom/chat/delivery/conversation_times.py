"""The times of what is said in conversations: within one, each event is later than the one before.

The events of a tick would all have the tick's time, and many clients ask for what was said before or after a time: they
would never be shown the others of that millisecond.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable

from chatroom.chat.stored.entries import MOST_AHEAD_MS


class ConversationTimes:
    """The times of the last events. Guarded by the hub lock.

    A channel's conversation is the ``Channel``, so that it follows a rename; others are a ``Conversation``. Times are
    Unix milliseconds. If a conversation has had an event in this millisecond, the next one is later, by at most
    ``MOST_AHEAD_MS`` later than the clock; beyond that they share a millisecond.
    """

    __slots__ = ("_earliest_ms", "_last_ms", "_latest_ms", "_most_ms", "_wall_ms")

    def __init__(self, wall_ms: int, last_ms: int) -> None:
        """``wall_ms`` is the wall clock, and ``last_ms`` the last time of the run before; 0 if there is none."""
        self._wall_ms = wall_ms
        self._most_ms = wall_ms + MOST_AHEAD_MS
        """The latest time that an event of this tick can have."""
        self._last_ms: dict[Hashable, int] = {}
        """By conversation, the time of its last event, if that is not before this tick."""
        self._latest_ms = 0
        """The highest of these times."""
        # The run before may have been ahead of the clock in some conversation.
        self._earliest_ms = last_ms if last_ms <= self._most_ms else 0
        """The time that the last event of each other conversation is taken to have."""

    def begin_tick(self, wall_ms: int) -> None:
        """Begin a tick at this time of the wall clock. If it was set back, the times follow it."""
        self._wall_ms = wall_ms
        self._most_ms = most_ms = wall_ms + MOST_AHEAD_MS
        latest_ms, earliest_ms = self._latest_ms, self._earliest_ms
        if latest_ms and (latest_ms < wall_ms or latest_ms > most_ms):
            # All conversations are behind the clock again. Or it was set back, and no time may stay ahead of it.
            self._last_ms.clear()
            self._latest_ms = latest_ms = 0
        if earliest_ms and not latest_ms and (earliest_ms < wall_ms or earliest_ms > most_ms):
            self._earliest_ms = 0

    @property
    def latest_of_all(self) -> int:
        """The time that no event so far is later than, unless it is in the past: then it may be an earlier one."""
        return max(self._latest_ms, self._earliest_ms)

    def go_on(self, latest_ms: int) -> None:
        """Have the next event of each conversation be later than that, as after the run before."""
        if self._earliest_ms < latest_ms <= self._most_ms:
            self._earliest_ms = latest_ms
            self._last_ms = {key: time_ms for key, time_ms in self._last_ms.items() if time_ms > latest_ms}

    def take(self, conversation: Hashable) -> int:
        """Take the time of a conversation's next event."""
        time_ms = self._last_ms.get(conversation, self._earliest_ms) + 1
        # Without ``max`` and ``min``, because a busy conversation has many lines in a tick.
        if time_ms < self._wall_ms:
            time_ms = self._wall_ms
        elif time_ms > self._most_ms:
            time_ms = self._most_ms
        self._last_ms[conversation] = time_ms
        if time_ms > self._latest_ms:
            self._latest_ms = time_ms
        return time_ms

    def take_latest(self, conversations: Collection[Hashable]) -> int:
        """Take one time for the next event of several conversations, at least one."""
        if len(conversations) == 1:
            return self.take(next(iter(conversations)))
        time_ms = max(map(self.take, conversations))
        for conversation in conversations:
            self._last_ms[conversation] = time_ms
        return time_ms

    def latest(self, conversation: Hashable) -> int:
        """The time that no event of a conversation is later than so far: that of the clock, or of its last event."""
        return max(self._wall_ms, self._last_ms.get(conversation, self._earliest_ms))
