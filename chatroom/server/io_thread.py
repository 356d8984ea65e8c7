"""An I/O thread: its epoll, its connections, and the loop that waits for sockets and makes ticks (``Ticks``)."""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatroom.chat.relief import OVERLOADED
from chatroom.server.answer_turns import GoOn
from chatroom.server.connection import Connection
from chatroom.server.connection_stage import State
from chatroom.server.hub import Hub
from chatroom.server.inbox import Accepted, Task
from chatroom.server.open_connections import OpenConnections
from chatroom.server.ticks import Ticks

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.server.halt import Halt

MOST_FAILURES = 10
"""How many ticks may fail one after the other before the thread ends, and with it the daemon."""
FAILURE_PAUSE_S = 0.02
"""The pause after a failed tick; longer after each further one."""
_IDLE_WAIT_S = 1.0
"""The longest wait for sockets: liveness checks are due by the second."""
_STOPPING_WAIT_S = 0.02
"""The longest wait while the thread stops, so that it notices its deadline."""
GATHER_FROM = 32
"""After a tick that wrote to at least this many connections, and read several, the thread pauses before the next one.

In a busy room the clients answer one after the other. Without the pause, each answer would be a tick of its own with a
write to every member. If only one has spoken, nobody has to wait: what comes while its line is written is one tick."""
GATHER_S = 0.000_05
"""The length of the pause; the kernel adds about as much. Some ten writes take as long."""

log = logging.getLogger(__name__)


class IoThread(threading.Thread):
    """One of the threads that own connections. Only the thread itself calls a method that does not say otherwise."""

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
        self._ticks = Ticks(self, index, hub, self._epoll, self._wake_fd, released)
        self._stop_at: float | None = None
        """When the thread ends at the latest; None until it is stopped."""

    # -- from any thread --------------------------------------------------------------------------

    def post(self, task: Task) -> None:
        """Have a task run in the next tick, under the hub lock. From any thread."""
        self._ticks.inbox.add_task(task)
        self.wake()

    def adopt(self, accepted: list[Accepted]) -> None:
        """Take over accepted sockets, in the tick under way if this thread calls it. From any thread."""
        self._ticks.inbox.add_accepted(accepted)
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

    @property
    def tick_began_s(self) -> float:
        """See ``chatroom.server.supervisor.TickingThread``."""
        return self._ticks.began_s

    # -- for a handover ---------------------------------------------------------------------------

    def hold(self) -> None:
        """Read no sockets and run no lines from now on: only tasks, and what workers have done. In a tick."""
        if self._polled is self._epoll:
            self._polled = select.epoll()
            self._polled.register(self._wake_fd, select.EPOLLIN)
            self._ticks.turns.is_held = True

    def go_on(self) -> None:
        """End what ``hold`` began. In a tick, or while the thread stands still."""
        if self._polled is not self._epoll:
            self._polled.close()
            self._polled = self._epoll
            self._ticks.turns.is_held = False

    @property
    def table(self) -> OpenConnections:
        """The connections. For this thread, or another while this one stands still or has not begun."""
        return self._ticks.table

    @property
    def is_idle(self) -> bool:
        """True if no task and no accepted socket waits. From any thread while this one stands still."""
        return self._ticks.is_idle and not self.pending

    def give(self, connection: Connection) -> None:
        """Have the lines run, and the bytes cut, that a connection brings. Before the thread begins."""
        if connection.lines or connection.ended:
            self._ticks.turns.add(connection)
        if connection.uncut:
            self._ticks.long_reads.add(connection)

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Tick until stopped."""
        failures, ticks, turns = 0, self._ticks, self._ticks.turns
        while not self._is_done():
            halt = self.halt
            if halt is not None:
                if not halt.stand_still():
                    return
                self.table.flush_backlogs()  # epoll says nothing of sockets while the thread is held
            try:
                # The pause comes after the writes, so a lone message never waits for it.
                if ticks.written >= GATHER_FROM and ticks.heard > 1 and not turns.ready and not turns.behind:
                    time.sleep(GATHER_S)
                wait_s = ticks.wait_s(_IDLE_WAIT_S if self._stop_at is None else _STOPPING_WAIT_S)
                self._tick(self._polled.poll(wait_s, ticks.sockets.most))
                failures = 0
                continue
            except Exception:
                log.exception("a tick of %s failed", self.name)
            failures += 1
            if failures > MOST_FAILURES:
                raise RuntimeError(f"{failures} ticks of {self.name} failed, one after the other")
            self._recover()
            time.sleep(failures * FAILURE_PAUSE_S)
        for connection in list(self.table.by_fd.values()):
            self.table.close(connection)
        self._epoll.close()

    def _tick(self, events: list[tuple[int, int]]) -> None:
        self._ticks.run(events)

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
            for connection in self.table.by_fd.values():
                if connection.state is State.OPEN and connection.session.heard_mono_ms == world.mono_ms:
                    connection.drop(OVERLOADED)
                    self._ticks.turns.add(connection)
        self._ticks.write(pending)

    def _is_done(self) -> bool:
        if self._stop_at is None:
            return False
        return not self.table.by_fd or time.monotonic() >= self._stop_at

    # -- lines; under the hub lock ----------------------------------------------------------------

    def wake_connection(self, connection: Connection) -> None:
        """Run a connection's waiting lines in this tick or the next. In a tick of this thread."""
        self._ticks.turns.add(connection)

    def end_oldest_handshake(self) -> bool:
        """Close the oldest connection in its WebSocket handshake, soon. False if there is none. From any thread."""
        if not self.table.opening:
            return False
        self.post(self.table.end_oldest_handshake)
        return True

    def close_now(self, connection: Connection) -> None:
        """Close a connection of this thread that has been told to end, without the time to read why. In a tick."""
        self.table.close(connection)

    def answer_later(self, connection: Connection, go_on: GoOn) -> None:
        """Make the next piece of a long answer in a later tick. In a tick of this thread."""
        self._ticks.answers.add(connection, go_on)

    def call_later(self, delay_s: float, task: Task) -> None:
        """Have a task run in this thread after a delay, without the hub lock. From this thread."""
        self._ticks.timers.add(delay_s, task)

    # -- connections ------------------------------------------------------------------------------

    def watch(self, listening: socket.socket, accept: Task) -> None:
        """Call ``accept``, without the hub lock, whenever a listening socket has connections. From this thread."""
        self._ticks.sockets.watch(listening, accept)

    def unwatch(self, listening: socket.socket) -> None:
        """Stop watching a listening socket, if it is watched. From this thread."""
        self._ticks.sockets.unwatch(listening)
