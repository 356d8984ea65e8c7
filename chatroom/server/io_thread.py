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
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chatroom.chat.liveness import first_look_ms, look_after
from chatroom.server.connection import Connection, State
from chatroom.server.hub import Hub
from chatroom.server.inbox import Accepted, Inbox, Task
from chatroom.server.lingering import LINGER_S, Lingering
from chatroom.server.liveness_wheel import LivenessWheel
from chatroom.server.session_bounds import begin_session, end_flood, end_session
from chatroom.server.timers import Timers
from chatroom.server.websocket_connection import HANDSHAKE_S, MessageCache, WebSocketConnection

if TYPE_CHECKING:
    from chatroom.chat.admission.flood import LineBudget
    from chatroom.chat.people.session import Session
    from chatroom.config.values import Network
    from chatroom.server.connection import Transport
    from chatroom.server.websocket import Forwarded

LINES_PER_TICK = 64
"""The most lines of one connection that one tick runs. The rest waits for the next tick, so that a paste of one client
does not delay the others."""
LINES_OF_ALL = 2048
"""About how many lines one tick runs, of all connections. If many connections have lines, each runs fewer."""
SLOW_TICK_S = 1.0
"""A tick that took longer is reported: meanwhile nobody was answered."""
LOOKS_PER_TICK = 100
"""The most connections whose liveness one tick checks: clients that connect together are due in the same second."""
_IDLE_WAIT_S = 1.0
"""The longest wait for sockets: liveness checks are due by the second."""
_STOPPING_WAIT_S = 0.02
"""The longest wait while the thread stops, so that it notices its deadline."""
GATHER_FROM = 32
"""After a tick that wrote to at least this many connections, the thread pauses before the next one.

In a busy room the clients answer one after the other. Without the pause, each answer would be a tick of its own with a
write to every member."""
GATHER_S = 0.000_05
"""The length of the pause; the kernel adds about as much. Some ten writes take as long."""

# Read once: an attribute of an Enum class is slow, and each readable socket needs it.
_OPEN = State.OPEN
_READABLE = select.EPOLLIN
_NOTHING: tuple[Sequence[Task], Sequence[Accepted]] = (), ()

log = logging.getLogger(__name__)


class IoThread(threading.Thread):
    """One of the threads that own connections. Only the thread itself calls a method that does not say otherwise.

    It has more attributes than other classes because it is the loop's whole state: what has rules of its own is in a
    class of its own (``Connection``, ``LivenessWheel``, ``Timers``), and the rest is read in every tick.
    """

    def __init__(self, index: int, hub: Hub, released: Callable[[Session], None]) -> None:
        super().__init__(name=f"io-{index}")
        self.index = index
        self.hub = hub
        self._released = released
        """Called in this thread for each session whose connection is closed."""
        self.pending: list[tuple[Session, bytes | None]] = []
        """See ``chatroom.server.hub.TickThread``."""
        self._epoll = select.epoll()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake_fd, select.EPOLLIN)
        self._inbox = Inbox()
        self._acceptors: dict[int, Task] = {}
        """What to call when a listening socket has connections, by its descriptor. Runs without the hub lock."""
        self._connections: dict[int, Connection] = {}
        """The open connections, by their descriptors."""
        self._ready: deque[Connection] = deque()
        """Connections with lines to run, or whose peer is gone, each once (``Connection.queued``)."""
        self._timers = Timers()
        """Tasks that run later, without the hub lock."""
        self._lingering = Lingering()
        self._messages: MessageCache = {}
        """The lines that this tick has put into WebSocket messages; emptied when the tick's writes are done."""
        self._wheel = LivenessWheel(time.monotonic())
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

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Tick until stopped."""
        while not self._is_done():
            try:
                # The pause comes after the writes, so a lone message never waits for it.
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
        wait_s = _IDLE_WAIT_S if self._stop_at is None else _STOPPING_WAIT_S
        timers = self._timers.heap
        if timers:
            wait_s = min(wait_s, max(0.0, timers[0][0] - time.monotonic()))
        if self._lingering:
            wait_s = min(wait_s, self._lingering.wait_s())
        return wait_s

    def _tick(self, events: list[tuple[int, int]]) -> None:
        self._read(events)
        inbox = self._inbox
        # Looked at without its lock: whatever comes just after the look also wakes the thread for another tick.
        tasks, accepted = inbox.take() if inbox.tasks or inbox.accepted else _NOTHING
        now_s = self.tick_began_s = time.monotonic()
        if self._timers.heap:
            self._timers.run_due(now_s)
        if self._lingering:
            for connection in self._lingering.overdue(now_s):
                self._close(connection)
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
        # Other threads are woken before this one writes: they write at the same time.
        if len(hub.threads) > 1:
            hub.wake_writers(self.index)
        self._write(pending)
        if lines:
            hub.screen.show(lines)
        self.tick_began_s = 0.0
        lasted_s = time.monotonic() - now_s
        if lasted_s > SLOW_TICK_S:
            log.warning("a tick of %s took %.1f s", self.name, lasted_s)

    def _read(self, events: list[tuple[int, int]]) -> None:
        connections, ready = self._connections, self._ready
        for fd, mask in events:
            connection = connections.get(fd)
            if connection is None:
                if fd == self._wake_fd:
                    os.eventfd_read(fd)
                elif fd in self._acceptors:
                    self._acceptors[fd]()
            elif mask == _READABLE and connection.state is _OPEN:
                # The usual case, without the calls of _serve and _queue.
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
                self._queue(connection)  # the write found the peer gone, or its send queue is full
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

    def _run_ready(self, mono_ms: int) -> None:
        ready = self._ready
        count = len(ready)
        most = LINES_PER_TICK if count * LINES_PER_TICK <= LINES_OF_ALL else max(LINES_OF_ALL // count, 1)
        for _ in range(count):
            connection = ready.popleft()
            connection.queued = False
            if connection.state is _OPEN:
                self._run_lines(connection, mono_ms, most)

    def _run_lines(self, connection: Connection, mono_ms: int, most: int) -> None:
        session, lines, run_line = connection.session, connection.lines, self.hub.run_line
        if lines:
            session.heard_mono_ms = mono_ms
        budget = session.budget
        run = 0
        for line in lines:
            if run == most or session.waiting or session.closing:
                break
            if budget is not None and not budget.take(mono_ms):
                connection.lines = lines[run:]
                self._hold_back(connection, budget, mono_ms)
                return
            run += 1
            run_line(session, line)
        lines = connection.lines = lines[run:] if run < len(lines) else ()
        if session.closing:
            return
        if connection.ended and (not lines or session.waiting):
            if not session.waiting:
                end_session(self.hub.world, connection)
        elif lines and not session.waiting:
            self._queue(connection)
        if lines or connection.paused:
            connection.throttle_reading()

    def _hold_back(self, connection: Connection, budget: LineBudget, mono_ms: int) -> None:
        """Let a session over its rate limit wait; end it if too many of its lines wait already.

        By the wall clock, one that is set back would silence all sessions.
        """
        world = self.hub.world
        if len(connection.lines) > world.settings.limits.queue_lines:
            end_flood(world, connection)
            return
        connection.throttle_reading()
        wait_s = max(budget.wait_ms(mono_ms), 1) / 1000
        self.call_later(wait_s, lambda: self._queue(connection))

    def wake_connection(self, connection: Connection) -> None:
        """Run a connection's waiting lines in this tick or the next. In a tick of this thread."""
        self._queue(connection)

    def call_later(self, delay_s: float, task: Task) -> None:
        """Have a task run in this thread after a delay, without the hub lock. From this thread."""
        self._timers.add(delay_s, task)

    # -- connections ------------------------------------------------------------------------------

    def watch(self, listening: socket.socket, accept: Task) -> None:
        """Call ``accept``, without the hub lock, whenever a listening socket has connections. From this thread."""
        self._acceptors[listening.fileno()] = accept
        self._epoll.register(listening.fileno(), select.EPOLLIN)

    def unwatch(self, listening: socket.socket) -> None:
        """Stop watching a listening socket, if it is watched. From this thread."""
        if self._acceptors.pop(listening.fileno(), None) is not None:
            self._epoll.unregister(listening.fileno())

    def _begin_all(self, accepted: Sequence[Accepted]) -> None:
        sendq_bytes = self.hub.world.settings.limits.sendq_bytes
        for sock, session, entrance in accepted:
            try:
                if entrance.websocket:
                    self._begin_handshake(sock, session, entrance.forwarders)
                else:
                    connection = Connection(sock, session, self._epoll, sendq_bytes)
                    self._connections[connection.fd] = connection
                    self._begin_session(connection)
            except Exception:
                log.exception("a connection could not begin")

    def _begin_handshake(self, sock: Transport, session: Session, forwarders: tuple[Network, ...]) -> None:
        settings = self.hub.world.settings
        connection = WebSocketConnection(
            sock,
            session,
            self._epoll,
            settings.limits.sendq_bytes,
            settings.server.websocket_origins,
            forwarders,
            self._messages,
            # Runs in this very tick, which reads its inbox after its sockets and runs lines last.
            lambda opened: self.post(lambda: self._begin_session(opened, opened.forwarded)),
            self._refuse_handshake,
        )
        self._connections[connection.fd] = connection
        self.call_later(HANDSHAKE_S, connection.time_out)

    def _refuse_handshake(self, connection: WebSocketConnection, why: str) -> None:
        """Log a refused handshake and close its connection when the peer has had time to read why.

        Without the hub lock.
        """
        text = f"refused {connection.session.address_text}: {why}"
        self.post(lambda: self.hub.world.log_line(text))
        self.call_later(LINGER_S, lambda: self._close(connection))

    def _begin_session(self, connection: Connection, forwarded: Forwarded | None = None) -> None:
        world, session = self.hub.world, connection.session
        if session.control is None:
            self._wheel.schedule(connection, first_look_ms(world, int(time.monotonic() * 1000)))
        begin_session(world, connection, self.index, forwarded)

    def _look_after(self, now_s: float) -> None:
        wheel = self._wheel
        wheel.advance(now_s)
        for _ in range(min(len(wheel.due), LOOKS_PER_TICK)):
            connection = wheel.due.popleft()
            if connection.state is _OPEN and not connection.session.closing:
                wheel.schedule(connection, look_after(self.hub.world, connection.session, int(now_s * 1000)))

    def _begin_close(self, connection: Connection) -> None:
        # Read without the lock: it was set before the hub asked for this close, and is never set back.
        connection.begin_close(is_restart=self.hub.world.runtime.is_ending)
        if connection.is_finished:
            self._close(connection)
        elif connection.state is State.CLOSING:
            self._lingering.add(connection)

    def _close(self, connection: Connection) -> None:
        if connection.state is not State.CLOSED:
            self._connections.pop(connection.fd, None)
            self._lingering.discard(connection)
            self._wheel.discard(connection)
            connection.close()
            self._released(connection.session)
            # Session and connection refer to each other. Without this reference both are freed at once, and not when
            # the garbage collector finds them.
            del connection.session
