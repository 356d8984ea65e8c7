"""What the sessions of a node are still to be shown of what they missed before they came."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.delivery.replay_queue import ReplayQueues
    from chatroom.chat.people.session import Session


class Unshown:
    """It knows the replays of channels by their queues, and is told of those of direct messages."""

    __slots__ = ("_direct", "_queues")

    def __init__(self, queues: ReplayQueues) -> None:
        self._queues = queues
        self._direct: set[Session] = set()

    def note_direct(self, session: Session, *, is_over: bool) -> None:
        """Note that a session is about to be shown the direct messages that it missed, or has been."""
        (self._direct.discard if is_over else self._direct.add)(session)

    def forget(self) -> None:
        """Forget the direct messages: all sessions have ended, and some of the questions may have no answer."""
        self._direct.clear()

    def find(self) -> dict[int, Collection[str]]:
        """Return it as in ``Told``."""
        found: dict[int, Collection[str]] = {session.id: {""} for session in self._direct}
        for channel, queues in self._queues.by_channel.items():
            for session in queues:
                found[session.id] = {*found.get(session.id, ()), channel.folded}
        return found
