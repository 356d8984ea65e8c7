"""The new daemon's side: taking the chat over from the daemon that has started it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.chat.handover.document import READABLE
from chatroom.chat.handover.world_state import greet, require_readable, world_from_state
from chatroom.database_address import describe_database
from chatroom.errors import ChatroomError, HandoverRefused
from chatroom.server.handover.handover_link import VARIABLE, Link, Message
from chatroom.server.opening_sockets import open_listener
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.opening import newest_version, upgraded_stores
from chatroom.storage.write_guard import WriteGuard

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World
    from chatroom.config import Listen, Settings
    from chatroom.database_address import DatabaseAddress
    from chatroom.server.connection_counter import ConnectionCounter
    from chatroom.server.io_thread import IoThread
    from chatroom.storage.sql.sql_stores import SqlStores

UPGRADING = "The server is being upgraded: connect again"
"""Why a connection that cannot be handed over is closed."""
_ENDED_AT_ONCE = 20
"""How many of their sessions one task ends: each QUIT is told to everyone in the user's channels."""


class Predecessor:
    """The daemon before this one, at the other end of the link. For the main thread."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._state: Message = {}
        self._sockets: list[socket.socket] = []
        """The connections' sockets, in the order in which the state numbers them."""
        self._listening: list[tuple[str, int, socket.socket]] = []
        """Host and port of a ``[[listen]]`` table of the other daemon, and its socket."""
        self.summary = ""
        """How many connections came over, for the log; empty before that."""
        self.control: socket.socket | None = None
        """The listening control socket."""
        self.web: dict[str, socket.socket] = {}
        """The listening sockets for ``metrics`` and ``hooks`` that the other daemon has."""

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Predecessor | None:
        """Return the daemon that has started this one to take its place; None in any other start."""
        number = environ.pop(VARIABLE, "")
        if not number.isascii() or not number.isdecimal():
            return None
        try:
            sock = socket.socket(fileno=int(number))
        except OSError as error:
            raise HandoverRefused(f"{VARIABLE} is for chatroomctl upgrade alone: {error.strerror}") from error
        sock.set_inheritable(False)
        return cls(Link(sock))

    # -- before the standstill of the other -------------------------------------------------------

    def __enter__(self) -> Predecessor:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say why the chat is not taken over, if it is not yet, and close this process's descriptors."""
        if error is not None:
            self._refuse(error)
        listening = [sock for _, _, sock in self._listening]
        for sock in filter(None, (self.control, *self.web.values(), *listening, *self._sockets)):
            sock.close()
        self._link.close()

    def introduce(self, settings: Settings) -> DaemonLock:
        """Say what this program is and can, and wait for the state and the sockets. Raises ``HandoverRefused``.

        The other daemon comes to its standstill only when this has been said. Returns the lock of the database.
        """
        self._link.send(
            {
                "hello": {
                    "pid": os.getpid(),
                    "readable": list(READABLE),
                    "schema": newest_version(),
                    "database": describe_database(settings.database.address),
                }
            }
        )
        state = self._link.receive()
        assert state is not None
        require_readable(state["world"]["version"])
        self._state = state
        return self._take_sockets(settings.database.address)

    def _take_sockets(self, database: DatabaseAddress) -> DaemonLock:
        state = self._state
        extra = 2 + len(state["listening"]) + len(state["web"])
        numbers = self._link.receive_descriptors(extra + len(state["connections"]))
        sockets = [socket.socket(fileno=number) for number in numbers[1:]]
        self.control, *sockets = sockets
        for name in state["web"]:
            self.web[name], *sockets = sockets
        for host, port in state["listening"]:
            listening, *sockets = sockets
            self._listening.append((host, port, listening))
        self._sockets = sockets
        return DaemonLock.take_over(database, numbers[0])

    # -- while the other stands still -------------------------------------------------------------

    def _report(self, stage: str) -> None:
        """Say what is done now. The other daemon shows it. Raises ``HandoverRefused`` if it is gone."""
        self._link.send({"stage": stage})

    def open_listeners(self, listens: Sequence[Listen], buffer_bytes: int) -> list[tuple[Listen, socket.socket]]:
        """Return the listening socket of each ``[[listen]]`` table: the other daemon's, or else a new one.

        Those that the settings do not have any more are closed. Raises ``AddressUnusable``.
        """
        opened = []
        unclaimed = list(self._listening)
        for listen in listens:
            found = next((one for one in unclaimed if one[:2] == (listen.host, listen.port)), None)
            if found is not None:
                unclaimed.remove(found)
                opened.append((listen, found[2]))
            else:
                opened.append((listen, open_listener(listen, buffer_bytes)))
        for _, _, sock in unclaimed:
            sock.close()
        return opened

    def upgrade_database(self, address: DatabaseAddress, make_world: Callable[[SqlStores], World]) -> Path | None:
        """Upgrade the database if it is older. Raises ``ChatroomError``, and then nothing has changed.

        Return the copy of the older one, if it was upgraded.

        Before it is upgraded for good, a world is made from it and takes the state over: what would fail later fails
        while the other daemon can still go on with the database as it was.
        """
        guard = WriteGuard(address) if isinstance(address, Path) else None
        if guard is not None and self._state["database_id"] != list(guard.file.identity):
            raise HandoverRefused(f"{address}: another file was put in the place of the database")
        with upgraded_stores(address, guard) as stores:
            if stores.is_upgraded:
                self._report("upgrading the database")
                world_from_state(make_world(stores), self._state["world"])
            return stores.upgraded_from

    @property
    def last_change_id(self) -> int:
        """The last change of other processes that the other daemon has taken in."""
        return int(self._state["last_change_id"])

    @property
    def first_number(self) -> int:
        """The id of the next session."""
        return int(self._state["next_session"])

    def fill(self, world: World, threads: Sequence[IoThread], counter: ConnectionCounter) -> Callable[[], None]:
        """Put the chat into a world that has what the database has, and the connections into threads.

        Return what the first tick has to do. Before the threads begin.
        """
        taken = world_from_state(world, self._state["world"])
        connections = self._state["connections"]
        lost: list[Session] = []
        for number, session in taken.sessions.items():
            state, thread = connections.get(str(number)), threads[number % len(threads)]
            if state is None:
                thread.table.take_over_closed(session)
                lost.append(session)
                continue
            counter.take_over(session, world.settings, counted=state["counted"])
            thread.give(thread.table.take_over(self._sockets[state["socket"]], session, state))

        def begin() -> None:
            greet(world, taken)
            for start in range(0, len(lost), _ENDED_AT_ONCE):
                world.work.put_off.append(partial(_end_without_connection, world, lost[start : start + _ENDED_AT_ONCE]))

        return begin

    def ready(self) -> None:
        """Say that everything is ready, and wait until the other daemon serves nobody any more.

        If it dies just now, this one goes on. Raises ``HandoverRefused`` if it goes on itself.
        """
        self._link.send({"ready": True})
        try:
            answer = self._link.receive()
        except HandoverRefused:
            answer = {"go": True}  # it is dead, and nobody else has its sockets
        if answer != {"go": True}:
            raise HandoverRefused("the running daemon goes on itself")
        self.summary = f"took over {len(self._sockets)} connections from process {self._state['pid']}"
        # All of it belongs to the parts of this daemon now.
        self._state, self._sockets, self._listening, self.web = {}, [], [], {}
        self.control = None

    def _refuse(self, error: BaseException) -> None:
        """Say why the chat is not taken over."""
        text = str(error) if isinstance(error, ChatroomError) else f"{type(error).__name__}: {error}"
        try:
            self._link.send({"failed": text})
        except HandoverRefused:
            pass  # it has heard of it by the end of the link


def _end_without_connection(world: World, sessions: Sequence[Session]) -> None:
    """End sessions whose connections the other daemon closes. In a tick."""
    for session in sessions:
        world.close(session, UPGRADING, tell=False, lost=True)
