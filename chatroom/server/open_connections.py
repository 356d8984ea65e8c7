"""The connections of one I/O thread, from their beginning to their end."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from chatroom.chat.admission.ban_targets import parse_address
from chatroom.chat.liveness import first_look_ms, forgive_stall, look_after
from chatroom.chat.log_line import LogWarning
from chatroom.chat.relief import OVERLOADED
from chatroom.server.backlogs import Backlogs
from chatroom.server.connection import Connection
from chatroom.server.connection_stage import CLOSED, CLOSING, State
from chatroom.server.handshakes import MADE_ROOM
from chatroom.server.lingering import LINGER_S, Lingering
from chatroom.server.liveness_wheel import LivenessWheel
from chatroom.server.session_bounds import begin_session
from chatroom.server.web_visit import LOOK_S

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.server.entrance import Entrance
    from chatroom.server.hub import Hub, TickThread
    from chatroom.server.inbox import Accepted
    from chatroom.server.transport import Transport
    from chatroom.server.websocket import Forwarded
    from chatroom.server.websocket_connection import MessageCache, WebSocketConnection

HANDSHAKE_S: Final = 10.0
"""The longest time that the handshake of a WebSocket may take."""
LOOKS_PER_TICK: Final = 100
"""The most connections whose liveness one tick checks: clients that connect together are due in the same second."""
STALL_S: Final = 2.0
"""A look at the connections that comes so much too late was held up by the daemon itself, or by its machine."""


log = logging.getLogger(__name__)


class OpenConnections:
    """The table of connections. Only the thread that owns them calls a method."""

    def __init__(
        self, index: int, hub: Hub, thread: TickThread, epoll: select.epoll, released: Callable[[Session], None]
    ) -> None:
        self._index = index
        self._hub = hub
        self._owner = thread
        self._epoll = epoll
        self._released = released
        """Called for each session whose connection is closed."""
        self.by_fd: dict[int, Connection] = {}
        """The open connections, by their descriptors."""
        self._backlogs: Backlogs[Connection] = Backlogs(hub.world.settings.limits.sendq_bytes, hub.told_seq)
        self.opening: dict[Connection, None] = {}
        """The connections whose WebSocket handshake is under way, the oldest first."""
        self.lingering = Lingering()
        self.messages: MessageCache = {}
        """The lines that this tick has put into WebSocket messages; emptied when the tick's writes are done."""
        self.wheel = LivenessWheel(time.monotonic())

    # -- the beginning; under the hub lock --------------------------------------------------------

    def begin(self, accepted: Accepted) -> None:
        """Begin a connection, and its session unless a handshake comes first. If that fails, it is closed."""
        sock, session, entrance = accepted
        try:
            if entrance.websocket:
                self._begin_handshake(sock, session, entrance)
            else:
                connection = Connection(sock, session, self._epoll, self._backlogs)
                self.by_fd[connection.fd] = connection
                self._begin_session(connection)
        except Exception:
            log.exception("a connection could not begin")
            begun = self.by_fd.get(sock.fileno())
            if begun is not None:
                self.close(begun)
            else:
                sock.close()
                self._released(session)

    def _begin_handshake(self, sock: Transport, session: Session, entrance: Entrance) -> None:
        from chatroom.server.websocket_connection import WebSocketConnection  # as in ``open_entrance``

        settings, post = self._hub.world.settings, self._owner.post
        connection = WebSocketConnection(
            sock,
            session,
            self._epoll,
            self._backlogs,
            settings.server.websocket_origins,
            entrance.forwarders,
            self.messages,
            # Runs in this very tick, which reads its inbox after its sockets and runs lines last.
            lambda opened: post(lambda: self._begin_session(opened, opened.forwarded)),
            self._refuse_handshake,
            entrance.pages,
            self._admit_visitor,
            self.lingering.add,
        )
        self.by_fd[connection.fd] = connection
        self.opening[connection] = None
        # Not the connection's own method, which would keep a closed connection in memory until then.
        fd, number = connection.fd, session.id
        step_s = HANDSHAKE_S if entrance.pages is None else LOOK_S
        self._look_at_handshake_later(fd, number, step_s, HANDSHAKE_S)

    def take_over(self, sock: socket.socket, session: Session, state: dict[str, Any]) -> Connection:
        """Go on with a connection and its session that another daemon had. Before the thread begins."""
        from chatroom.server.connection_state import connection_from_state

        if state["websocket"] is not None:
            from chatroom.server.websocket_connection import WebSocketConnection

            connection: Connection = WebSocketConnection(
                sock, session, self._epoll, self._backlogs, (), (), self.messages, _ignore, _ignore
            )
        else:
            connection = Connection(sock, session, self._epoll, self._backlogs)
        self.by_fd[connection.fd] = connection
        session.thread, session.connection = self._index, connection
        connection_from_state(connection, state)
        self.wheel.schedule(connection, first_look_ms(self._hub.world, int(time.monotonic() * 1000)))
        return connection

    def take_over_closed(self, session: Session) -> None:
        """Give a session whose connection did not come over one that is closed, until the session ends.

        What it is told meanwhile goes nowhere. Before the thread begins.
        """
        connection = Connection(socket.socket(socket.AF_UNIX), session, self._epoll, self._backlogs)
        connection.close()
        session.thread, session.connection = self._index, connection
        del connection.session  # as in ``close``

    def _look_at_handshake_later(self, fd: int, number: int, step_s: float, left_s: float) -> None:
        self._owner.call_later(step_s, lambda: self._look_at_handshake(fd, number, step_s, left_s - step_s))

    def _look_at_handshake(self, fd: int, number: int, step_s: float, left_s: float) -> None:
        """End a handshake that has taken too long, and a connection for files that is of no more use."""
        from chatroom.server.websocket_connection import WebSocketConnection

        connection = self.by_fd.get(fd)
        if not isinstance(connection, WebSocketConnection) or connection.session.id != number:
            return
        if time.monotonic() - self.wheel.next_s > STALL_S:
            # The daemon was held up, and has not forgiven that yet (``look_after``): the client has its time anew.
            self._look_at_handshake_later(fd, number, step_s, left_s)
        elif (left_s > 0 and connection.state is State.OPENING and not connection.is_visited) or connection.time_out():
            self._look_at_handshake_later(fd, number, step_s, left_s)

    def _admit_visitor(self, connection: WebSocketConnection) -> str | None:
        """Count a connection that asks a proxy for a file for the client's address, as ``Listener`` does without one.

        Return why it is refused, or None. Without the hub lock: no session has begun, so nobody else knows it.
        """
        session, forwarded = connection.session, connection.forwarded
        assert forwarded is not None
        address, world = parse_address(forwarded.address), self._hub.world
        session.stand_for(address.version, int(address), str(address), session.host, "")
        return world.runtime.admit(session, world.settings)

    def _refuse_handshake(self, connection: WebSocketConnection, why: str) -> None:
        """Log a refused handshake and close its connection when the peer has had time to read why.

        Without the hub lock.
        """
        text = f"refused {connection.session.address_text}: {why}"
        self._owner.post(lambda: self._hub.world.log_line(text, at=(__name__, "handshake")))
        self._owner.call_later(LINGER_S, lambda: self.close(connection))

    def _begin_session(self, connection: Connection, forwarded: Forwarded | None = None) -> None:
        world = self._hub.world
        if self.opening:
            self.opening.pop(connection, None)
        if connection.session.control is None:
            self.wheel.schedule(connection, first_look_ms(world, world.mono_ms))
        begin_session(world, connection, self._index, forwarded)

    def look_after(self, now_s: float) -> None:
        """Check some of the connections whose liveness is due, and give up those that do not catch up."""
        world, wheel = self._hub.world, self.wheel
        limits = world.settings.limits
        self._backlogs.sendq_bytes = limits.sendq_bytes  # a reload has its effect within a second
        if now_s - wheel.next_s > STALL_S:
            self._forgive_stall(now_s - wheel.next_s, now_s)
        for connection in self._backlogs.find_overdue(now_s, limits.backlog_timeout_s):
            if connection.state is State.OPEN:
                connection.drop(f"SendQ timeout: did not catch up in {limits.backlog_timeout_s:.0f} seconds")
                self._owner.wake_connection(connection)
        if world.unshown.sent:
            world.whereabouts.confirm_replays()
        wheel.advance(now_s)
        for _ in range(min(len(wheel.due), LOOKS_PER_TICK)):
            connection = wheel.due.popleft()
            if connection.state is State.OPEN and not world.has_ended(connection.session):
                wheel.schedule(connection, look_after(world, connection.session, int(now_s * 1000)))

    def slow_sessions(self) -> list[int]:
        """The ids of the sessions whose sockets have not taken everything. Without the hub lock.

        What only fetches the files of the web page has no session that the world knows.
        """
        if not self._backlogs:
            return []
        return [connection.session.id for connection in self._backlogs.peers() if connection not in self.opening]

    def note_written(self, seq: int) -> None:
        """Note that everything up to a sequence number is written. Without the hub lock."""
        self._backlogs.written = seq

    def flush_backlogs(self) -> None:
        """Send what peers take of all that waits for them. Without the hub lock."""
        for connection in self._backlogs.peers():
            try:
                connection.flush()
            except Exception:
                log.exception("a connection failed")
                connection.drop(OVERLOADED)
            if connection.ended:
                self._owner.wake_connection(connection)

    def _forgive_stall(self, late_s: float, now_s: float) -> None:
        self._hub.world.log_line(
            f"the daemon was held up for {late_s:.0f} s; nobody is disconnected for that time",
            LogWarning,
            at=(__name__, "stall"),
        )
        self._backlogs.forgive_stall(late_s)
        for connection in self.by_fd.values():
            forgive_stall(connection.session, int(late_s * 1000), int(now_s * 1000))

    # -- the end; without the hub lock ------------------------------------------------------------

    def begin_close(self, connection: Connection) -> None:
        """Close a connection when its peer has had time to read the last lines."""
        # Read without the lock: it was set before the hub asked for this close, and is never set back.
        connection.begin_close(is_restart=self._hub.world.is_leaving)
        if connection.is_finished:
            self.close(connection)
        elif connection.state is CLOSING:
            self.lingering.add(connection)

    def end_oldest_handshake(self) -> None:
        """Close the connection that has waited longest for its WebSocket handshake, for a new one. Under the lock."""
        oldest = next(iter(self.opening), None)
        if oldest is not None:
            self._hub.world.log_line(f"refused {oldest.session.address_text}: {MADE_ROOM}", at=(__name__, "made room"))
            self.close(oldest)

    def close_overdue(self, now_s: float) -> None:
        """Close the connections whose peers had time enough."""
        for connection in self.lingering.overdue(now_s):
            self.close(connection)

    def close(self, connection: Connection) -> None:
        """Close a connection now. Idempotent."""
        if connection.state is not CLOSED:
            self.by_fd.pop(connection.fd, None)
            if self.opening:
                self.opening.pop(connection, None)
            self.lingering.discard(connection)
            self.wheel.discard(connection)
            connection.close()
            self._released(connection.session)
            # Session and connection refer to each other. Without this reference both are freed at once, and not when
            # the garbage collector finds them.
            del connection.session


def _ignore(*_: object) -> None:
    """Do nothing: the handshake is done."""
