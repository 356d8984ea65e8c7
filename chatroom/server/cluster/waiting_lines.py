"""The lines of a node's clients that wait for a turn (``cluster_hub.py``), oldest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.work_queue import PATIENCE_MS

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.people.session import Session


class _Waiting(NamedTuple):
    session: Session
    line: str
    since_mono_ms: int


class WaitingLines:
    """A session has one at most, because its further lines wait behind it.

    A session that is shown what it missed in a channel reads what is said there behind that. So its own line waits too:
    its echo would overtake the others.
    """

    def __init__(self, world: ClusterWorld) -> None:
        self._world = world
        self._lines: deque[_Waiting] = deque()
        self._behind: list[_Waiting] = []
        """Those of sessions that are still to be shown what they missed."""

    def __bool__(self) -> bool:
        return bool(self._lines or self._behind)

    @property
    def want_turn(self) -> bool:
        """True if there is one that could run."""
        return bool(self._lines) or not all(self._is_behind(one.session) for one in self._behind)

    def may_run(self, session: Session) -> bool:
        """True if a line of a session need not wait for what it is shown."""
        return not self._world.outbox.replays.has(session)

    def add(self, session: Session, line: str) -> None:
        """Let a line, and the session's further ones, wait."""
        session.begin_wait()
        self._lines.append(_Waiting(session, line, self._world.mono_ms))

    def take(self) -> Iterator[tuple[Session, str]]:
        """Take the lines out that can run now, one by one. Call ``end_wait`` for each session."""
        self._lines.extendleft(reversed(self._behind))
        self._behind.clear()
        while self._lines:
            one = self._lines.popleft()
            if self._is_behind(one.session):
                self._behind.append(one)
            else:
                yield one.session, one.line

    def _is_behind(self, session: Session) -> bool:
        # If it ends, nobody reads the echo, and its line is to be said before that.
        return not (self.may_run(session) or self._world.has_ended(session))

    def take_late(self) -> list[tuple[Session, str]]:
        """Take the lines out that have waited too long. Call ``end_wait`` for each session.

        Those of sessions that are not registered yet go on waiting.
        """
        up_to = self._world.mono_ms - PATIENCE_MS
        if not any(lines[0].since_mono_ms <= up_to for lines in (self._lines, self._behind) if lines):
            return []
        late, kept = [], deque[_Waiting]()
        for one in (*self._behind, *self._lines):
            is_late = one.since_mono_ms <= up_to and one.session.registration is None
            if is_late or one.session.closing:
                late.append((one.session, one.line))
            else:
                kept.append(one)
        self._lines = kept
        self._behind.clear()
        return late

    def forget_closed(self) -> None:
        """Forget the lines of the sessions that are closed."""
        self._lines = deque(one for one in (*self._behind, *self._lines) if not one.session.closing)
        self._behind.clear()
