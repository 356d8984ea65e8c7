"""An I/O thread: its epoll, its connections, its tick.

Read everything readable; take the hub lock, run the lines, release it; write each connection that has something to be
told once. No thread ever waits for a peer: what a socket does not take is kept until epoll says otherwise.
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

from chatroom.chat.admission.flood import LineBudget
from chatroom.chat.liveness import first_look_ms, look_after
from chatroom.commands.connecting.registration import start
from chatroom.commands.context import Context
from chatroom.server.connection import Connection, State
from chatroom.server.hub import Hub, Task
from chatroom.server.liveness_wheel import LivenessWheel
from chatroom.server.timers import Timers
from chatroom.server.websocket_connection import HANDSHAKE_S, MessageCache, WebSocketConnection

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session

LINES_PER_TICK = 64
"""The most lines of one connection that one tick runs: the rest waits for the next, so that others get their turn."""
LINES_OF_ALL = 2048
"""How many lines one tick runs about, of all connections: where many have some, each has fewer of its own run."""
LOOKS_PER_TICK = 100
"""At how many silent connections one tick looks: after a burst of them, thousands are due in the same second."""
READ_AHEAD_LINES = 1000
"""With more lines waiting than this, the kernel is left to hold what else comes."""
LINGER_S = 2.0
"""How long a closing connection waits for its peer to read the last lines."""
_IDLE_WAIT_S = 1.0
GATHER_FROM = 32
"""After a tick that wrote to so many connections, what they answer is let gather for a moment before the next one.

Without that, a few lines each would take turns at costing a write for everybody."""
GATHER_S = 0.000_05
"""How long that moment is at least; the kernel adds about as much. Some ten writes take as long."""

_OPEN = State.OPEN  # an attribute of an Enum class is slow to read
_READABLE = select.EPOLLIN

Accepted = tuple[socket.socket, "Session", bool]
"""A socket to take over, its session, and whether WebSocket is spoken there."""

log = logging.getLogger(__name__)


class IoThread(threading.Thread):
    """One of the threads that own connections. Methods are its own but where they say otherwise."""

    def __init__(self, index: int, hub: Hub, released: Callable[[Session], None]) -> None:
        super().__init__(name=f"io-{index}")
        self.index = index
        self.hub = hub
        self._released = released
        """Called for each session whose connection is closed, in this thread."""
        self.pending: list[tuple[Session, bytes | None]] = []
        """What is to be written to whom, None for a close. Guarded by the hub lock."""
        self._epoll = select.epoll()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake_fd, select.EPOLLIN)
        self._inbox_lock = threading.Lock()
        """Guards ``_inbox`` and ``_accepted``."""
        self._inbox: list[Task] = []
        self._accepted: list[Accepted] = []
        self._doors: dict[int, Task] = {}
        """What to do when somebody is at a listening socket, by its descriptor; run without the hub lock."""
        self._connections: dict[int, Connection] = {}
        self._ready: deque[Connection] = deque()
        self._timers = Timers()
        """Tasks that run later, without the hub lock."""
        self._lingering: dict[Connection, float] = {}
        """Closing connections with the moment when their time is up, in this order."""
        self._messages: MessageCache = {}
        """What this tick wrote to WebSocket connections."""
        self._wheel = LivenessWheel(time.monotonic())
        self._stop_at: float | None = None
        self._written = 0
        """To how many connections the last tick wrote."""

    # -- from any thread --------------------------------------------------------------------------

    def post(self, task: Task) -> None:
        """Have a task run in the next tick. From any thread."""
        with self._inbox_lock:
            self._inbox.append(task)
        self.wake()

    def adopt(self, accepted: list[Accepted]) -> None:
        """Take over accepted sockets, in the tick under way where there is one. From any thread."""
        with self._inbox_lock:
            self._accepted.extend(accepted)
        if threading.current_thread() is not self:
            self.wake()

    def wake(self) -> None:
        """End the wait that is under way or comes next. From any thread."""
        os.eventfd_write(self._wake_fd, 1)

    def stop(self, patience_s: float) -> None:
        """Write what is left, wait that long for those who are slow to read it, and end. From any thread."""

        def set_stop() -> None:
            self._stop_at = time.monotonic() + patience_s

        self.post(set_stop)

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Tick until stopped."""
        while not self._is_done():
            try:
                if self._written >= GATHER_FROM and not self._ready:
                    time.sleep(GATHER_S)
                self._tick(self._epoll.poll(self._wait_s()))
            except Exception:
                log.exception("%s: a tick failed", self.name)
        for connection in list(self._connections.values()):
            self._close(connection)
        self._epoll.close()

    def _is_done(self) -> bool:
        if self._stop_at is None:
            return False
        return not self._connections or time.monotonic() >= self._stop_at

    def _wait_s(self) -> float:
        if self._ready or self._wheel.due:
            return 0
        wait_s = _IDLE_WAIT_S if self._stop_at is None else 0.02
        timers = self._timers.heap
        if timers:
            wait_s = min(wait_s, max(0.0, timers[0][0] - time.monotonic()))
        if self._lingering:
            wait_s = min(wait_s, max(0.0, next(iter(self._lingering.values())) - time.monotonic()))
        return wait_s

    def _tick(self, events: list[tuple[int, int]]) -> None:
        self._read(events)
        tasks: list[Task] = []
        accepted: list[Accepted] = []
        if self._inbox or self._accepted:  # who puts something there now wakes us for another tick
            with self._inbox_lock:
                tasks, self._inbox = self._inbox, tasks
                accepted, self._accepted = self._accepted, accepted
        now_s = time.monotonic()
        if self._timers.heap:
            self._timers.run_due(now_s)
        if self._lingering:
            self._close_overdue(now_s)
        hub, wheel = self.hub, self._wheel
        with hub.lock:
            hub.begin()
            if accepted:
                self._begin_all(accepted)
            for task in tasks:
                hub.run_task(task)
            self._run_ready(int(now_s * 1000))
            if wheel.due or wheel.next_s <= now_s:
                self._look_after(now_s)
            hub.end()
            lines = hub.take_log()
            pending, self.pending = self.pending, []
        if len(hub.threads) > 1:
            hub.wake_writers(self.index)
        self._write(pending)
        if lines:
            hub.screen.show(lines)

    def _read(self, events: list[tuple[int, int]]) -> None:
        connections, ready = self._connections, self._ready
        for fd, mask in events:
            connection = connections.get(fd)
            if connection is None:
                if fd == self._wake_fd:
                    os.eventfd_read(fd)
                elif fd in self._doors:
                    self._doors[fd]()
            elif mask == _READABLE and connection.state is _OPEN:
                if connection.read() and not connection.queued:
                    connection.queued = True
                    ready.append(connection)
            else:
                self._serve(connection, mask)

    def _write(self, pending: list[tuple[Session, bytes | None]]) -> None:
        self._written = len(pending)
        for session, data in pending:
            connection: Connection = session.connection
            if data is not None:
                connection.write(data)
            else:
                self._begin_close(connection)
            if connection.ended and not connection.queued:
                self._queue(connection)
        if self._messages:
            self._messages.clear()

    def _serve(self, connection: Connection, mask: int) -> None:
        if mask & select.EPOLLOUT:
            connection.flush()
        if mask & ~select.EPOLLOUT and connection.read() and not connection.queued:
            self._queue(connection)
        if mask & (select.EPOLLHUP | select.EPOLLERR) and not connection.is_finished:
            connection.hang_up()
            self._queue(connection)
        if connection.is_finished:
            self._close(connection)

    # -- lines; under the hub lock ----------------------------------------------------------------

    def _queue(self, connection: Connection) -> None:
        if not connection.queued and connection.state is _OPEN:
            connection.queued = True
            self._ready.append(connection)

    def _run_ready(self, now_ms: int) -> None:
        ready = self._ready
        count = len(ready)
        most = LINES_PER_TICK if count * LINES_PER_TICK <= LINES_OF_ALL else max(LINES_OF_ALL // count, 1)
        for _ in range(count):
            connection = ready.popleft()
            connection.queued = False
            if connection.state is _OPEN:
                self._run_lines(connection, now_ms, most)

    def _run_lines(self, connection: Connection, now_ms: int, most: int) -> None:
        session, lines, run_line = connection.session, connection.lines, self.hub.run_line
        if lines:
            session.heard_ms = now_ms
        budget = session.budget
        run = 0
        for line in lines:
            if run == most or session.waiting or session.closing:
                break
            if budget is not None and not budget.take(now_ms):
                connection.lines = lines[run:]
                self._hold_back(connection, budget, now_ms)
                return
            run += 1
            run_line(session, line)
        lines = connection.lines = lines[run:] if run < len(lines) else ()
        if session.closing:
            return
        if connection.ended and (not lines or session.waiting):
            if not session.waiting:
                self._end_session(connection)
        elif lines and not session.waiting:
            self._queue(connection)
        if lines or connection.paused:
            self._throttle_reading(connection)

    def _end_session(self, connection: Connection) -> None:
        """End the session of a connection whose peer is gone."""
        world, session = self.hub.world, connection.session
        if not session.closing:
            if session.user is not None:
                world.log_line(f"left: {session.user.nick} ({connection.ended})")
            world.close(session, connection.ended, tell=False, lost=connection.is_lost)

    def _hold_back(self, connection: Connection, budget: LineBudget, now_ms: int) -> None:
        """Let a session that says too much at once wait; end it where far too much has piled up.

        ``now_ms`` is on the clock that never jumps: by the time of day, setting it back would silence everybody.
        """
        world, session = self.hub.world, connection.session
        if len(connection.lines) > world.settings.limits.queue_lines:
            if session.user is not None:
                world.log_line(f"left: {session.user.nick} (Excess flood)")
            world.close(session, "Excess flood")
            return
        self._throttle_reading(connection)
        wait_s = max(budget.wait_ms(now_ms), 1) / 1000
        self.call_later(wait_s, lambda: self._queue(connection))

    def _throttle_reading(self, connection: Connection) -> None:
        if len(connection.lines) > READ_AHEAD_LINES:
            connection.pause_reading()
        elif not connection.lines:
            connection.resume_reading()

    def wake_connection(self, connection: Connection) -> None:
        """Go on with a connection's lines, once what it waited for is there. In this thread's tick."""
        self._queue(connection)

    def call_later(self, delay_s: float, task: Task) -> None:
        """Do something later, in this thread and without the hub lock. From this thread."""
        self._timers.add(delay_s, task)

    # -- connections ------------------------------------------------------------------------------

    def watch(self, door: socket.socket, knocked: Task) -> None:
        """Have ``knocked`` called, without the hub lock, when a listening socket has connections. From this thread."""
        self._doors[door.fileno()] = knocked
        self._epoll.register(door.fileno(), select.EPOLLIN)

    def unwatch(self, door: socket.socket) -> None:
        """Look at a listening socket no longer. From this thread."""
        if self._doors.pop(door.fileno(), None) is not None:
            self._epoll.unregister(door.fileno())

    def _begin_all(self, accepted: list[Accepted]) -> None:
        for sock, session, websocket in accepted:
            try:
                if websocket:
                    self._begin_handshake(sock, session)
                else:
                    self._begin_plain(sock, session)
            except Exception:
                log.exception("a connection could not begin")

    def _begin_plain(self, sock: socket.socket, session: Session) -> None:
        connection = Connection(sock, session, self._epoll, self.hub.world.settings.limits.sendq_bytes)
        self._connections[connection.fd] = connection
        self._begin_session(connection)

    def _begin_handshake(self, sock: socket.socket, session: Session) -> None:
        settings = self.hub.world.settings
        connection = WebSocketConnection(
            sock,
            session,
            self._epoll,
            settings.limits.sendq_bytes,
            settings.server.websocket_origins,
            self._messages,
            lambda opened: self.post(lambda: self._begin_session(opened)),  # in this very tick: before its lines
            self._refuse_handshake,
        )
        self._connections[connection.fd] = connection
        self.call_later(HANDSHAKE_S, connection.time_out)

    def _refuse_handshake(self, connection: WebSocketConnection, why: str) -> None:
        """Have it noted, and see to the end of the connection. Without the hub lock."""
        text = f"refused {connection.session.address_text}: {why}"
        self.post(lambda: self.hub.world.log_line(text))
        self.call_later(LINGER_S, lambda: self._close(connection))

    def _begin_session(self, connection: Connection) -> None:
        world, session = self.hub.world, connection.session
        limits = world.settings.limits
        now_ms = int(time.monotonic() * 1000)
        session.thread, session.connection = self.index, connection
        session.opened_ms = session.heard_ms = now_ms
        if session.control is None:
            if limits.enabled:
                session.budget = LineBudget(limits.lines_per_s, limits.burst_lines)
            self._wheel.schedule(connection, first_look_ms(world, now_ms))
            start(Context(world, session, ""))

    def _look_after(self, now_s: float) -> None:
        wheel = self._wheel
        wheel.advance(now_s)
        for _ in range(min(len(wheel.due), LOOKS_PER_TICK)):
            connection = wheel.due.popleft()
            if connection.state is _OPEN and not connection.session.closing:
                wheel.schedule(connection, look_after(self.hub.world, connection.session, int(now_s * 1000)))

    def _begin_close(self, connection: Connection) -> None:
        connection.begin_close()
        if connection.is_finished:
            self._close(connection)
        elif connection.state is State.CLOSING:
            self._lingering[connection] = time.monotonic() + LINGER_S

    def _close_overdue(self, now_s: float) -> None:
        overdue = []
        for connection, until_s in self._lingering.items():
            if until_s > now_s:
                break
            overdue.append(connection)
        for connection in overdue:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        if connection.state is not State.CLOSED:
            self._connections.pop(connection.fd, None)
            self._lingering.pop(connection, None)
            self._wheel.discard(connection)
            connection.close()
            self._released(connection.session)
            del connection.session  # which knows it, too: so both are gone now, without the garbage collector's help
