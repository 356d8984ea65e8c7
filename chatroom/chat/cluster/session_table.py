"""The sessions of a world of several nodes: one table of all, which knows those of each node."""

from __future__ import annotations

from typing import NamedTuple

from chatroom.chat.admission.flood import limit_key
from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.people.session import Session


class Gap(NamedTuple):
    """What a session's home is to show it, as a further device of its user."""

    after: int
    """The message id behind which it begins."""
    said_at: int
    """The last message id before its home could read that. A home that has told no more has not shown it either."""


class SessionTable(dict[int, Session]):
    """All sessions, by their ids. It is changed by ``table[id] = session`` and ``pop`` only."""

    __slots__ = ("by_home", "came_after", "elsewhere", "gaps", "own")

    def __init__(self) -> None:
        super().__init__()
        self.own: dict[int, Session] = {}
        """The sessions whose connections this node has."""
        self.by_home: dict[str, dict[int, Shadow]] = {}
        """The others, by home. No home is left without a session."""
        self.elsewhere: dict[str, int] = {}
        """How many of the others there are from each address, as ``limit_key`` names it. Read by any thread."""
        self.came_after: dict[int, int] = {}
        """The last message id before a session of this node became a further device of a user."""
        self.gaps: dict[int, Gap] = {}
        """What sessions of other nodes are to be shown of what a node that is gone has not told their users."""

    def __setitem__(self, number: int, session: Session) -> None:
        super().__setitem__(number, session)
        if not isinstance(session, Shadow):
            self.own[number] = session
        else:
            self.by_home.setdefault(session.home, {})[number] = session
            self._count(session, 1)

    def pop(self, number: int, default: Session | None = None) -> Session:  # type: ignore[override]
        """As ``dict.pop``."""
        self.own.pop(number, None)
        self.came_after.pop(number, None)
        self.gaps.pop(number, None)
        session: Session = super().pop(number, default)  # type: ignore[arg-type]
        if isinstance(session, Shadow):
            shadows = self.by_home[session.home]
            del shadows[number]
            if not shadows:
                del self.by_home[session.home]
            self._count(session, -1)
        return session

    def _count(self, shadow: Shadow, more: int) -> None:
        key = limit_key(shadow.version, shadow.address)
        count = self.elsewhere.get(key, 0) + more
        if count > 0:
            self.elsewhere[key] = count
        else:
            self.elsewhere.pop(key, None)
