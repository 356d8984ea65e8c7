"""An I/O thread: its epoll, its connections, its tick.

In a tick the thread reads every readable socket, takes the hub lock, runs the lines, releases the lock, and writes once
to each connection that has something to read. It never waits for a peer: what a socket does not take stays in the
connection's backlog until epoll reports the socket writable.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.relief import OVERLOADED
from chatroom.server.answer_turns import AnswerTurns, GoOn
from chatroom.server.connection import Connection, State
from chatroom.server.hub import Hub
from chatroom.server.inbox import Accepted, Inbox, Task
from chatroom.server.long_reads import LongReads
from chatroom.server.open_connections import OpenConnections
from chatroom.server.ready_sockets import ReadySockets
from chatroom.server.timers import Timers
from chatroom.server.turns import Turns

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.server.halt import Halt

MOST_FAILURES = 10
"""How many ticks may fail one after the other before the thread ends, and with it the daemon."""
FAILURE_PAUSE_S = 0.02
"""The pause after a failed tick; longer after each further one."""
SLOW_TICK_S = 1.0
"""A tick that took longer is reported: meanwhile nobody was answered."""
_IDLE_WAIT_S = 1.0
"""The longest wait for sockets: liveness checks are due by the second."""
_STOPPING_WAIT_S = 0.02
"""The longest wait while the thread stops, so that it notices its deadline."""
_HELD_WAIT_S = 0.01
"""The longest wait while the thread is held: what is under way is to end soon."""
MOST_ACCEPTED = 64
"""The most connections that one tick begins."""
GATHER_FROM = 32
"""After a tick that wrote to at least this many connections, the thread pauses before the next one.

In a busy room the clients answer one after the other. Without the pause, each answer would be a tick of its own with a
write to every member."""
GATHER_S = 0.000_05
"""The length of the pause; the kernel adds about as much. Some ten writes take as long."""

log = logging.getLogger(__name__)


class IoThread(threading.Thread):
    """One of the threads that own connections. Only the thread itself calls a method that does not say otherwise.

    It has more attributes than other classes because it is the loop's whole state: what has rules of its own is in a
    class of its own (``Connection``, ``OpenConnections``, ``Timers``), and the rest is read in every tick.
    """

    def __init__(self, index: int, hub: Hub, released: Callable[[Session], None]) -> None:
        """``released`` is called in this thread for each session whose connection is closed."""
        super().__init__(name=f"io-{index}")
        self.index = index
        self.hub = hub
        self.pending: list[tuple[Session, bytes | None]] = []
        """See ``chatroom.server.hub.TickThread``."""
        self._epoll = select.epoll()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake_fd, select.EPOLLIN)
        self._polled = self._epoll
        """Where the thread waits: another one, with ``_wake_fd`` only, while it is held."""
        self.halt: Halt | None = None
        """Where the thread stands still before its next tick, for a handover; None if it goes on. Only the handover's
        thread sets it, and wakes this one then."""
        self._inbox = Inbox()
        self._tasks: deque[Task] = deque()
        """Tasks out of the inbox that have not run yet. If a tick fails, the next one runs the rest."""
        self._accepted: deque[Accepted] = deque()
        """Sockets out of the inbox that are not begun yet."""
        self._timers = Timers()
        """Tasks that run later, without the hub lock."""
        self._turns = Turns(hub, self.call_later, self._give_up)
        self._answers = AnswerTurns(hub, self.call_later)
        self._long_reads = LongReads(self._turns.add, self._give_up)
        self._table = table = OpenConnections(index, hub, self, self._epoll, released)
        self._sockets = ReadySockets(self._epoll, self._wake_fd, table, self._turns, self._long_reads, self._give_up)
        # Parts of the table, which every tick needs.
        self._connections, self._lingering, self._wheel = table.by_fd, table.lingering, table.wheel
        self._stop_at: float | None = None
        """When the thread ends at the latest; None until it is stopped."""
        self._written = 0
        """How many writes the last tick made."""
        self.tick_began_s = 0.0
        """See ``chatroom.server.supervisor.TickingThread``."""

    # -- from any thread --------------------------------------------------------------------------

    def post(self, task: Task) -> None:
        """Have a task run in the next tick, under the hub lock. From any thread."""
        self._inbox.add_task(task)
        self.wake()

    def adopt(self, accepted: list[Accepted]) -> None:
        """Take over accepted sockets, in the tick under way if this thread calls it. From any thread."""
        self._inbox.add_accepted(accepted)
        if threading.current_thread() is not self:
            self.wake()

    def wake(self) -> None:
        """Make the thread tick: its present or next wait for sockets ends at once. From any thread."""
        os.eventfd_write(self._wake_fd, 1)

    def stop(self, patience_s: float) -> None:
        """Write what is left, wait that long for slow peers to read it, and end. From any thread."""

        def set_stop() -> None:
            self._stop_at = time.monotonic() + patience_s

        self.post(set_stop)

    # -- for a handover ---------------------------------------------------------------------------

    def hold(self) -> None:
        """Read no sockets and run no lines from now on: only tasks, and what workers have done. In a tick."""
        if self._polled is self._epoll:
            self._polled = select.epoll()
            self._polled.register(self._wake_fd, select.EPOLLIN)
            self._turns.is_held = True

    def go_on(self) -> None:
        """End what ``hold`` began. In a tick, or while the thread stands still."""
        if self._polled is not self._epoll:
            self._polled.close()
            self._polled = self._epoll
            self._turns.is_held = False

    @property
    def table(self) -> OpenConnections:
        """The connections. For this thread, or another while this one stands still or has not begun."""
        return self._table

    @property
    def is_idle(self) -> bool:
        """True if no task and no accepted socket waits. From any thread while this one stands still."""
        return not (self._tasks or self._accepted or self._inbox.tasks or self._inbox.accepted or self.pending)

    def give(self, connection: Connection) -> None:
        """Have the lines run, and the bytes cut, that a connection brings. Before the thread begins."""
        if connection.lines or connection.ended:
            self._turns.add(connection)
        if connection.uncut:
            self._long_reads.add(connection)

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Tick until stopped."""
        failures = 0
        while not self._is_done():
            halt = self.halt
            if halt is not None:
                if not halt.stand_still():
                    return
                self._table.flush_backlogs()  # epoll says nothing of sockets while the thread is held
            try:
                # The pause comes after the writes, so a lone message never waits for it.
                if self._written >= GATHER_FROM and not self._turns.ready and not self._turns.behind:
                    time.sleep(GATHER_S)
                self._tick(self._polled.poll(self._wait_s(), self._sockets.most))
                failures = 0
                continue
            except Exception:
                log.exception("a tick of %s failed", self.name)
            failures += 1
            if failures > MOST_FAILURES:
                raise RuntimeError(f"{failures} ticks of {self.name} failed, one after the other")
            self._recover()
            time.sleep(failures * FAILURE_PAUSE_S)
        for connection in list(self._connections.values()):
            self._table.close(connection)
        self._epoll.close()

    def _recover(self) -> None:
        """Drop what a failed tick held, and give up the connections whose lines ran in it.

        What else it took (tasks, connections) is still in its list.
        """
        hub = self.hub
        with hub.lock:
            world = hub.world
            world.ledger.abandon()
            self.pending += world.outbox.abandon()
            pending, self.pending = self.pending, []
            for connection in self._connections.values():
                if connection.state is State.OPEN and connection.session.heard_mono_ms == world.mono_ms:
                    connection.drop(OVERLOADED)
                    self._turns.add(connection)
        self._write(pending)

    def _is_done(self) -> bool:
        if self._stop_at is None:
            return False
        return not self._connections or time.monotonic() >= self._stop_at

    def _wait_s(self) -> float:
        turns = self._turns
        if turns.is_held:
            return _HELD_WAIT_S
        is_busy = turns.ready or turns.behind or self._long_reads.waiting or self._answers.waiting
        if is_busy or self._wheel.due or self._accepted:
            return 0
        wait_s = _IDLE_WAIT_S if self._stop_at is None else _STOPPING_WAIT_S
        timers = self._timers.heap
        if timers:
            wait_s = min(wait_s, max(0.0, timers[0][0] - time.monotonic()))
        if self._lingering.until_s:
            wait_s = min(wait_s, self._lingering.wait_s())
        return wait_s

    def _tick(self, events: list[tuple[int, int]]) -> None:
        self._sockets.read(events)
        if self._long_reads.waiting:
            self._long_reads.cut()
        inbox = self._inbox
        # Looked at without its lock: whatever comes just after the look also wakes the thread for another tick.
        if inbox.tasks or inbox.accepted:
            tasks, accepted = inbox.take()
            self._tasks.extend(tasks)
            self._accepted.extend(accepted)
        now_s = self.tick_began_s = time.monotonic()
        if self._timers.heap:
            self._timers.run_due(now_s)
        if self._lingering.until_s:
            self._table.close_overdue(now_s)
        hub, wheel = self.hub, self._wheel
        with hub.lock:
            hub.begin()
            if self._accepted:
                self._begin_accepted()
            tasks = self._tasks
            while tasks:
                hub.run_task(tasks.popleft())
            self._turns.run(hub.world.mono_ms)
            if self._answers.waiting:
                self._answers.run(self._turns.find_end())
            if wheel.due or wheel.next_s <= now_s:
                self._table.look_after(now_s)
            hub.end()
            lines = hub.take_log()
            pending, self.pending = self.pending, []
            told_seq = hub.told_seq
        # Other threads are woken before this one writes: they write at the same time.
        if len(hub.threads) > 1:
            hub.wake_writers(self.index)
        write_began_s = time.monotonic()
        self._write(pending)
        self._table.note_written(told_seq)
        if lines:
            hub.screen.show(lines)
        self.tick_began_s = 0.0
        ended_s = time.monotonic()
        self._turns.written_s = ended_s - write_began_s
        lasted_s = ended_s - now_s
        if lasted_s > SLOW_TICK_S:
            log.warning("a tick of %s took %.1f s", self.name, lasted_s)

    def _begin_accepted(self) -> None:
        accepted = self._accepted
        for _ in range(min(len(accepted), MOST_ACCEPTED)):
            self._table.begin(accepted.popleft())

    def _write(self, pending: list[tuple[Session, bytes | None]]) -> None:
        self._written = len(pending)
        for session, data in pending:
            connection: Connection = session.connection
            try:
                if data is not None:
                    connection.write(data)
                else:
                    self._table.begin_close(connection)
            except Exception:
                self._give_up(connection)
            if connection.ended and not connection.queued:
                self._turns.add(connection)  # the write found the peer gone, or its send queue is full
        if self._table.messages:
            self._table.messages.clear()

    def _give_up(self, connection: Connection | None) -> None:
        """Log why a connection could not be read or written, and give it up. None: no connection's fault."""
        log.exception("a connection failed")
        if connection is None:
            return
        if connection.state is State.OPEN:
            connection.drop(OVERLOADED)
            self._turns.add(connection)
        else:
            self._table.close(connection)

    # -- lines; under the hub lock ----------------------------------------------------------------

    def wake_connection(self, connection: Connection) -> None:
        """Run a connection's waiting lines in this tick or the next. In a tick of this thread."""
        self._turns.add(connection)

    def end_oldest_handshake(self) -> bool:
        """Close the oldest connection in its WebSocket handshake, soon. False if there is none. From any thread."""
        if not self._table.opening:
            return False
        self.post(self._table.end_oldest_handshake)
        return True

    def close_now(self, connection: Connection) -> None:
        """Close a connection of this thread that has been told to end, without the time to read why. In a tick."""
        self._table.close(connection)

    def answer_later(self, connection: Connection, go_on: GoOn) -> None:
        """Make the next piece of a long answer in a later tick. In a tick of this thread."""
        self._answers.add(connection, go_on)

    def call_later(self, delay_s: float, task: Task) -> None:
        """Have a task run in this thread after a delay, without the hub lock. From this thread."""
        self._timers.add(delay_s, task)

    # -- connections ------------------------------------------------------------------------------

    def watch(self, listening: socket.socket, accept: Task) -> None:
        """Call ``accept``, without the hub lock, whenever a listening socket has connections. From this thread."""
        self._sockets.watch(listening, accept)

    def unwatch(self, listening: socket.socket) -> None:
        """Stop watching a listening socket, if it is watched. From this thread."""
        self._sockets.unwatch(listening)
