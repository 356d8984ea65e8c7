"""The replay queues: events of a channel that wait while a session is shown what it missed there.

A session that joins a channel is shown the entries it missed, which a worker has to read first. What the channel says
meanwhile waits in the session's replay queue, so that the session reads everything once and in order. The outbox opens
and closes the queues (``Outbox.begin_replay``, ``end_replay``, ``drop_replay``); nothing else changes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.events import Event
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session

ReplayQueue = list["Event"]
"""The events that wait for one session in one channel, oldest first."""


class ReplayQueues:
    """The open replay queues. Guarded by the hub lock."""

    __slots__ = ("_counts", "by_channel")

    def __init__(self) -> None:
        self.by_channel: dict[Channel, dict[Session, ReplayQueue]] = {}
        """The open queues by channel and session. No inner dict is empty."""
        self._counts: Counter[Session] = Counter()
        """In how many channels each session is in replay. None is 0."""

    def sessions(self) -> set[Session]:
        """The sessions in replay."""
        return set(self._counts)

    def has(self, session: Session) -> bool:
        """True if a session is in replay."""
        return session in self._counts

    def open(self, channel: Channel, session: Session) -> ReplayQueue:
        """Open an empty queue, in place of one that is open already."""
        queues = self.by_channel.setdefault(channel, {})
        if session not in queues:
            self._counts[session] += 1
        queue = queues[session] = []
        return queue

    def find(self, channel: Channel, session: Session) -> ReplayQueue | None:
        """Return the open queue of a session in a channel, if there is one."""
        return self.by_channel.get(channel, {}).get(session)

    def close(self, channel: Channel, session: Session) -> ReplayQueue:
        """Close a queue and return its events; none if no queue was open."""
        queues = self.by_channel.get(channel)
        if queues is None or session not in queues:
            return []
        queue = queues.pop(session)
        self._counts[session] -= 1
        if not self._counts[session]:
            del self._counts[session]
        if not queues:
            del self.by_channel[channel]
        return queue

    def add(self, channel: Channel, event: Event, skip: Session | None, channels: Iterable[Channel]) -> None:
        """Queue an event that is said to ``channel`` for the sessions in replay there, except ``skip``.

        ``channels`` are all channels that the event is said to, so that a session queues it once. A session that the
        event was told to directly has it already.
        """
        for session, queue in self.by_channel.get(channel, {}).items():
            if session is not skip and not _was_told(session, event) and self._delivers(channel, session, channels):
                queue.append(event)

    def _delivers(self, channel: Channel, session: Session, channels: Iterable[Channel]) -> bool:
        """True if ``channel`` is the one of ``channels`` that brings an event to the session."""
        for other in channels:
            if session in other.sessions:
                return False  # the session reads it live there
            if session in self.by_channel.get(other, ()):
                return other is channel
        return True

    def withdraw(self, seqs: set[int]) -> None:
        """Take out the events with these sequence numbers."""
        for queues in self.by_channel.values():
            for queue in queues.values():
                queue[:] = [event for event in queue if event.seq not in seqs]


def _was_told(session: Session, event: Event) -> bool:
    """True if the event is the last line that the session was told directly."""
    unread = session.unread
    return bool(unread and unread[-1][0] == event.seq)
