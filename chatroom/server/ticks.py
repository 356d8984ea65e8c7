"""The ticks of an I/O thread: what it does between two waits for its sockets.

In a tick the thread reads every readable socket, takes the hub lock, runs the lines, releases the lock, and writes once
to each connection that has something to read. It never waits for a peer: what a socket does not take stays in the
connection's backlog until epoll reports the socket writable.
"""

from __future__ import annotations

import logging
import select
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from chatroom.chat.relief import OVERLOADED
from chatroom.server.answer_turns import AnswerTurns
from chatroom.server.connection import Connection
from chatroom.server.connection_stage import State
from chatroom.server.inbox import Accepted, Inbox, Task
from chatroom.server.long_reads import LongReads
from chatroom.server.open_connections import OpenConnections
from chatroom.server.ready_sockets import ReadySockets
from chatroom.server.timers import Timers
from chatroom.server.turns import Turns

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.server.hub import Hub, TickThread

SLOW_TICK_S: Final = 1.0
"""A tick that took longer is reported: meanwhile nobody was answered."""
_HELD_WAIT_S: Final = 0.01
"""The longest wait while the thread is held: what is under way is to end soon."""
MOST_ACCEPTED: Final = 64
"""The most connections that one tick begins."""

log = logging.getLogger(__name__)


class Ticks:
    """The ticks of one I/O thread, and what they work on. Only the thread itself calls a method.

    They are apart from the thread so that they can be compiled: mypyc compiles no subclass of ``threading.Thread`` that
    has subclasses. ``Connection``, ``OpenConnections``, ``Timers`` and others have their own rules; what stands here is
    read in every tick.
    """

    __slots__ = (
        "_accepted",
        "_hub",
        "_index",
        "_lingering",
        "_owner",
        "_tasks",
        "_wheel",
        "after_writes",
        "answers",
        "began_s",
        "heard",
        "inbox",
        "long_reads",
        "sockets",
        "table",
        "timers",
        "turns",
        "written",
    )

    def __init__(
        self,
        thread: TickThread,
        index: int,
        hub: Hub,
        epoll: select.epoll,
        wake_fd: int,
        released: Callable[[Session], None],
    ) -> None:
        """``released`` is called in the thread for each session whose connection is closed."""
        self._index = index
        self._hub = hub
        self._owner = thread
        self.inbox = Inbox()
        self._tasks: deque[Task] = deque()
        """Tasks out of the inbox that have not run yet. If a tick fails, the next one runs the rest."""
        self._accepted: deque[Accepted] = deque()
        """Sockets out of the inbox that are not begun yet."""
        self.timers = Timers()
        """Tasks that run later, without the hub lock."""
        self.turns = Turns(hub, thread.call_later, self._give_up)
        self.answers = AnswerTurns(hub, thread.call_later)
        self.long_reads = LongReads(self.turns.add, self._give_up)
        self.table = table = OpenConnections(index, hub, thread, epoll, released)
        self.sockets = ReadySockets(epoll, wake_fd, table, self.turns, self.long_reads, self._give_up)
        # Parts of the table, which every tick needs.
        self._lingering, self._wheel = table.lingering, table.wheel
        self.began_s = 0.0
        """When the tick under way began, on the monotonic clock; 0 between two ticks. Any thread may read it."""
        self.heard = 0
        """How many sockets had something for the last tick."""
        self.written = 0
        """How many writes the last tick made."""
        self.after_writes: Callable[[bool], None] | None = None
        """Called when the writes of a tick are made, with True if there were any; None if nobody wants to know."""

    @property
    def is_idle(self) -> bool:
        """True if no task and no accepted socket waits. From any thread while this one stands still."""
        return not (self._tasks or self._accepted or self.inbox.tasks or self.inbox.accepted)

    def wait_s(self, most_s: float) -> float:
        """Return how long the thread may wait for sockets: ``most_s`` at most, and 0 if there is something to do."""
        turns = self.turns
        if turns.is_held:
            return _HELD_WAIT_S
        is_busy = turns.ready or turns.behind or self.long_reads.waiting or self.answers.waiting
        if is_busy or self._wheel.due or self._accepted:
            return 0.0
        wait_s = most_s
        timers = self.timers.heap
        if timers:
            wait_s = min(wait_s, max(0.0, timers[0][0] - time.monotonic()))
        if self._lingering.until_s:
            wait_s = min(wait_s, self._lingering.wait_s())
        return wait_s

    def run(self, events: list[tuple[int, int]]) -> None:
        """Make a tick. ``events`` are those of epoll."""
        self.heard = len(events)
        self.sockets.read(events)
        if self.long_reads.waiting:
            self.long_reads.cut()
        inbox = self.inbox
        # Looked at without its lock: whatever comes just after the look also wakes the thread for another tick.
        if inbox.tasks or inbox.accepted:
            tasks, accepted = inbox.take()
            self._tasks.extend(tasks)
            self._accepted.extend(accepted)
        now_s = self.began_s = time.monotonic()
        if self.timers.heap:
            self.timers.run_due(now_s)
        if self._lingering.until_s:
            self.table.close_overdue(now_s)
        hub, thread = self._hub, self._owner
        with hub.lock:
            self._run_rules(now_s)
            lines = hub.take_log()
            pending, thread.pending = thread.pending, []
            told_seq = hub.told_seq
        # Other threads are woken before this one writes: they write at the same time.
        if len(hub.threads) > 1:
            hub.wake_writers(self._index)
        write_began_s = time.monotonic()
        self.write(pending)
        self.table.note_written(told_seq)
        if lines:
            hub.screen.show(lines)
        self.began_s = 0.0
        ended_s = time.monotonic()
        self.turns.written_s = ended_s - write_began_s
        lasted_s = ended_s - now_s
        if lasted_s > SLOW_TICK_S:
            log.warning("a tick of io-%d took %.1f s", self._index, lasted_s)

    def _run_rules(self, now_s: float) -> None:
        """Run the tick's tasks and lines. Under the hub lock."""
        hub, turns, wheel = self._hub, self.turns, self._wheel
        hub.begin()
        accepted = self._accepted
        for _ in range(min(len(accepted), MOST_ACCEPTED)):
            self.table.begin(accepted.popleft())
        tasks = self._tasks
        while tasks:
            hub.run_task(tasks.popleft())
        turns.run(hub.world.mono_ms)
        if self.answers.waiting:
            self.answers.run(turns.find_end())
        if wheel.due or wheel.next_s <= now_s:
            self.table.look_after(now_s)
        hub.end()

    def write(self, pending: list[tuple[Session, bytes | None]]) -> None:
        """Write to each session its bytes, or begin to close its connection (None)."""
        self.written = len(pending)
        turns = self.turns
        for session, data in pending:
            connection: Connection = session.connection
            try:
                if data is not None:
                    connection.write(data)
                else:
                    self.table.begin_close(connection)
            except Exception:
                self._give_up(connection)
            if connection.ended and not connection.queued:
                turns.add(connection)  # the write found the peer gone, or its send queue is full
        if self.table.messages:
            self.table.messages.clear()
        if self.after_writes is not None:
            self.after_writes(bool(pending))

    def _give_up(self, connection: Connection | None) -> None:
        """Log why a connection could not be read or written, and give it up. None: no connection's fault."""
        log.exception("a connection failed")
        if connection is None:
            return
        if connection.state is State.OPEN:
            connection.drop(OVERLOADED)
            self.turns.add(connection)
        else:
            self.table.close(connection)
