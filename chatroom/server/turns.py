"""The turns of an I/O thread's connections: which of them run lines in a tick, and how many.

A tick is bounded by lines, by time and by the bytes of long answers. Connections that are left over go on in the next
tick, so that what was answered is written first, and other connections have their turn. A long answer ends its
connection's turn. Such a connection runs behind all that ask for little, as do those of an address that asks for much,
those that are not registered yet, and those with many lines: however many come and go or paste, those who say little
are answered.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from chatroom.chat.delivery.answer_costs import SHORT_BYTES, answer_bytes, count_unread
from chatroom.server.connection import Connection
from chatroom.server.connection_stage import OPEN
from chatroom.server.session_bounds import end_flood, end_session

if TYPE_CHECKING:
    from chatroom.chat.admission.flood import LineBudget
    from chatroom.server.hub import Hub
    from chatroom.server.inbox import Task

LINES_PER_TICK: Final = 64
"""The most lines of one connection that one tick runs. The rest waits for the next tick, so that a paste of one client
does not delay the others."""
LINES_OF_ALL: Final = 2048
"""About how many lines one tick runs, of all connections. If many connections have lines, each runs fewer."""
TICK_S: Final = 0.01
"""After so much time a tick runs no further connection. Two thousand plain messages take less."""
BEHIND_S: Final = 0.004
"""So long a tick then runs those behind the others, and makes pieces of long answers. A line that comes meanwhile
waits for the end of the tick. It may take as long as the writes of the tick before took: with less work in a tick, a
crowd that comes back would cost a write to everyone too often."""
BESIDE_S: Final = 0.001
"""So long it does if it has run lines of others before: what they said is sent at the end of the tick."""
FEW_LINES: Final = 8
"""A connection with more waiting lines runs behind those with fewer: who says a line does not wait for fifty pastes."""
TICK_BYTES: Final = 1_000_000
"""After so many bytes of long answers a tick runs no further connection: they are in memory until they are written."""
_LOOK_LINES: Final = 32
"""After so many lines the tick looks at the clock."""
_FEW_ITEMS: Final = 8
"""With at most so many items to read, an answer is not measured: it is short, or made once in a session's life."""


class Turns:
    """The connections of one I/O thread with lines to run, or whose peer is gone. Each is in one of two queues, once.

    Only the thread itself calls the methods, ``run`` under the hub lock.
    """

    __slots__ = (
        "_call_later",
        "_costs",
        "_end_s",
        "_give_up",
        "_has_run",
        "_hub",
        "behind",
        "is_held",
        "ready",
        "written_s",
    )

    def __init__(
        self, hub: Hub, call_later: Callable[[float, Task], None], give_up: Callable[[Connection], None]
    ) -> None:
        """``give_up`` closes a connection whose turn has failed, and logs why."""
        self._hub = hub
        self._costs = hub.world.costs
        self._call_later = call_later
        self._give_up = give_up
        self.ready: list[Connection] = []
        """The connections that run first (``Connection.queued``)."""
        self.behind: deque[Connection] = deque()
        """The connections that run behind the others: the last turn ended with a long answer, the address is busy, they
        are not registered yet, or they have many lines. At least one runs in a tick."""
        self.is_held = False
        """True while no lines run, because the chat is about to be handed over."""
        self.written_s = 0.0
        """How long the writes of the last tick took. The I/O thread sets it."""
        self._has_run = False
        """True if this tick has run lines of those who run first."""
        self._end_s = 0.0
        """What ``find_end`` has found in this tick; 0 if nobody has asked for it."""

    def add(self, connection: Connection) -> None:
        """Let an open connection have a turn, unless it stands in a queue already."""
        if not connection.queued and connection.state is OPEN:
            connection.queued = True
            (self.ready if connection.session.registration is None else self.behind).append(connection)

    def find_end(self) -> float:
        """Return until when, on the monotonic clock in seconds, the tick may go on with long answers. After ``run``."""
        if not self._end_s:
            patience_s = max(BESIDE_S if self._has_run else BEHIND_S, self.written_s)
            self._end_s = time.monotonic() + min(patience_s, TICK_S)
        return self._end_s

    def run(self, mono_ms: int) -> None:
        """Run lines of the connections that were in the queues, as far as the tick's budget goes."""
        ready, behind, costs = self.ready, self.behind, self._costs
        costs.tick_bytes, self._end_s, self._has_run = 0, 0.0, False
        if self.is_held:
            return
        began_s, count, done, lines, is_spent = time.monotonic(), len(ready), 0, 0, False
        late = len(behind)
        total = count + late
        has_busy = costs.latest_even_ms > mono_ms
        most = LINES_PER_TICK if total * LINES_PER_TICK <= LINES_OF_ALL else max(LINES_OF_ALL // total, 1)
        try:
            for connection in ready[:count]:
                done += 1
                if connection.state is not OPEN:
                    connection.queued = False
                    continue
                if len(connection.lines) > FEW_LINES or (has_busy and costs.is_busy(connection.session, mono_ms)):
                    behind.append(connection)
                    late += 1
                    continue
                connection.queued = False
                self._has_run = True
                try:
                    lines += self._run_lines(connection, mono_ms, most)
                except Exception:
                    # The same lines would fail again.
                    self._give_up(connection)
                if lines >= _LOOK_LINES:  # always after a long answer
                    lines, has_busy = 0, costs.latest_even_ms > mono_ms
                    if costs.tick_bytes >= TICK_BYTES or time.monotonic() - began_s >= TICK_S:
                        is_spent = True
                        break
        finally:
            del ready[:done]  # one that fails has no second turn
        if late:
            self._run_behind(late, mono_ms, most, is_spent=is_spent)

    def _run_behind(self, late: int, mono_ms: int, most: int, *, is_spent: bool) -> None:
        """Run lines of so many connections behind the others, as far as the time goes; of one if it is spent."""
        behind, costs, end_s = self.behind, self._costs, self.find_end()
        for _ in range(late):
            connection = behind.popleft()
            connection.queued = False
            if connection.state is OPEN:
                try:
                    self._run_lines(connection, mono_ms, most)
                except Exception:
                    self._give_up(connection)
                if is_spent or costs.tick_bytes >= TICK_BYTES or time.monotonic() >= end_s:
                    break

    def _run_lines(self, connection: Connection, mono_ms: int, most: int) -> int:
        """Run the connection's next lines. Return how many, or ``_LOOK_LINES`` if they took long."""
        session, lines, costs = connection.session, connection.lines, self._costs
        if lines:
            session.heard_mono_ms = mono_ms
        costs.work_bytes = 0  # that of the tick's tasks, and what other connections' lines left, is not theirs
        hub, budget, unread = self._hub, session.budget, session.unread
        before = len(unread) if unread else 0
        run, is_long = 0, False
        for line in () if session.waiting or session.closing else lines:
            if run == most:
                break
            if budget is not None and not budget.take(mono_ms):
                connection.lines = lines[run:]
                self._hold_back(connection, budget, mono_ms)
                return run
            run += 1
            if hub.run_line(session, line):
                continue  # a plain message, after which a session neither waits nor ends
            unread = session.unread
            if (unread and len(unread) - before > _FEW_ITEMS) or costs.work_bytes > SHORT_BYTES:
                is_long = costs.pay(session, answer_bytes(session, before), mono_ms)
                if is_long:
                    break
                before = count_unread(session)
            if session.waiting or session.closing:
                break
        lines = connection.lines = lines[run:] if run < len(lines) else ()
        if (lines or connection.ended or connection.paused) and not session.closing:
            is_long = self._go_on_later(connection, is_long)
        return _LOOK_LINES if is_long else run

    def _go_on_later(self, connection: Connection, is_long: bool) -> bool:
        """Queue a connection with further lines, or end the session of a peer that is gone.

        ``is_long`` is True if the lines that were run took long. Return True if they did, or ending the session does.
        """
        session, lines = connection.session, connection.lines
        if connection.ended and not connection.uncut and (not lines or session.waiting):
            is_long = self._end_unless_waiting(connection) or is_long
        elif lines and not session.waiting:
            connection.queued = True
            (self.behind if is_long or session.registration is not None else self.ready).append(connection)
        if lines or connection.paused:
            connection.throttle_reading()
        return is_long

    def _end_unless_waiting(self, connection: Connection) -> bool:
        """End the session of a peer that is gone, unless a verb of it waits. Return True if that took long."""
        if connection.session.waiting:
            return False
        end_session(self._hub.world, connection)
        return True  # all who share a channel with the user were told

    def _hold_back(self, connection: Connection, budget: LineBudget, mono_ms: int) -> None:
        """Let a session over its rate limit wait; end it if too many of its lines wait already.

        By the wall clock, one that is set back would silence all sessions.
        """
        world = self._hub.world
        if len(connection.lines) > world.settings.limits.queue_lines:
            end_flood(world, connection)
            return
        connection.throttle_reading()
        wait_s = max(budget.wait_ms(mono_ms), 1) / 1000
        self._call_later(wait_s, lambda: self.add(connection))
