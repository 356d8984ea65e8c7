"""What sessions are still to be shown of what they missed before they came, or perhaps have not been sent yet.

If one of them ends, or its daemon is killed, its account has read nothing there since it came.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.delivery.replay_queue import ReplayQueues
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session


class Unshown:
    """It knows the replays of channels by their queues, and is told of those of direct messages.

    Guarded by the hub lock.
    """

    __slots__ = ("_direct", "_queues", "sent")

    def __init__(self, queues: ReplayQueues) -> None:
        self._queues = queues
        self._direct: set[Session] = set()
        self.sent: dict[tuple[Session, Channel | None], int] = {}
        """The replays that are over and perhaps not written to the socket yet: the last sequence number of each. None
        is that of the direct messages."""

    def note_direct(self, session: Session, *, is_over: bool) -> None:
        """Note that a session is about to be shown the direct messages that it missed, or has been."""
        (self._direct.discard if is_over else self._direct.add)(session)

    def has(self, session: Session, channel: Channel | None, behind: int | None) -> bool:
        """True if a session has not been sent all that it missed in a channel, or of its direct messages (None).

        ``behind`` is the sequence number up to which its socket has taken everything, if there is more for it.
        """
        if channel is None:
            is_shown = session not in self._direct
        else:
            is_shown = self._queues.find(channel, session) is None
        if is_shown and behind is not None:
            return self.sent.get((session, channel), 0) > behind
        return not is_shown

    def forget(self, session: Session) -> None:
        """Forget what was sent to a session that has ended."""
        for key in [key for key in self.sent if key[0] is session]:
            del self.sent[key]

    def forget_all(self) -> None:
        """Forget what is no queue: all sessions have ended, and some of the questions may have no answer."""
        self._direct.clear()
        self.sent.clear()

    def find(self) -> dict[int, Collection[str]]:
        """Return what is still to be shown, as in ``Told``."""
        found: dict[int, Collection[str]] = {session.id: {""} for session in self._direct}
        for channel, queues in self._queues.by_channel.items():
            for session in queues:
                found[session.id] = {*found.get(session.id, ()), channel.folded}
        return found
