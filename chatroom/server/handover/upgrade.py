"""The running daemon's side: it starts a new daemon, hands the chat over, and ends; or goes on if that fails."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatroom.chat.handover.document import VERSION
from chatroom.chat.handover.world_state import world_to_state
from chatroom.chat.log_line import Level
from chatroom.database_address import describe_database
from chatroom.errors import ChatroomError, HandoverRefused, ServeError
from chatroom.server.connection_state import can_be_handed_over, connection_to_state
from chatroom.server.handover.asker import Asker, AskingSession
from chatroom.server.handover.leaving import close_rest
from chatroom.server.handover.standstill import Standstill
from chatroom.server.handover.successor import START_S, TAKE_OVER_S, UPGRADE_S, Successor
from chatroom.storage.opening import newest_version, read_schema_version

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.config import Settings
    from chatroom.server.connection import Connection
    from chatroom.server.hook_listener import HookListener
    from chatroom.server.hub import Hub
    from chatroom.server.io_thread import IoThread
    from chatroom.server.listener import Listener
    from chatroom.server.metrics_server import MetricsServer
    from chatroom.server.service_manager import ServiceManager
    from chatroom.server.store_watch import StoreWatch
    from chatroom.server.turnstile import Turnstile
    from chatroom.storage.daemon_lock import DaemonLock
    from chatroom.storage.write_guard import WriteGuard

MOST_TRIES = 3
"""How often the new daemon is started, if it dies when it has upgraded the database: there is no way back then."""

_PATIENCE_S = 0.5
"""How long the end waits for each kind of thread."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running daemon consists of, as far as an upgrade needs it."""

    settings: Settings
    """The settings at the start, with the ``[[listen]]`` tables that the listening sockets were opened for."""
    hub: Hub
    threads: Sequence[IoThread]
    listener: Listener
    web: Mapping[str, MetricsServer | HookListener | None]
    """The other listeners: ``metrics`` and ``hooks``; None for one that is off."""
    turnstile: Turnstile
    lock: DaemonLock
    guard: WriteGuard | None
    watch: StoreWatch
    manager: ServiceManager
    report: Callable[[str, Level], None]
    """Takes a line for the log."""
    leave: Callable[[str, ServeError | None], None]
    """Has the main thread end the process: a line for the log, and the error if there is one."""


class Upgrade:
    """One upgrade at a time, in a thread of its own."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        """Held while an upgrade is under way. Who holds the hub lock only tries to take it, and never waits."""
        self._is_ending = False
        self._can_be_upgraded = False
        """True if a new daemon has had the state that upgrades the database."""
        self.is_done = False
        """True from the moment on at which the chat is the new daemon's. Set once."""

    def begin(self, session: Session | None) -> None:
        """Begin an upgrade, and return. The session of the control socket that has asked, if any, is told how it goes.

        From any thread. Raises ``HandoverRefused``.
        """
        if os.getpid() == 1:
            raise HandoverRefused(
                "this daemon is the first process of a container, which would end with it: replace the container"
            )
        if self._parts.manager.only_sees_process:
            raise HandoverRefused(
                "systemd would end the service with this process: its unit needs Type=notify, and a restart"
            )
        if not self._lock.acquire(blocking=False):
            raise HandoverRefused("an upgrade is under way already")
        if self.is_done or self._is_ending:
            self._lock.release()
            raise HandoverRefused("this daemon ends")
        asker = AskingSession(self._parts.hub, session) if session is not None else Asker()
        threading.Thread(target=self._run, args=(asker,), name="upgrade", daemon=True).start()

    def stop(self) -> None:
        """Let no upgrade begin any more, and wait until one that is under way has ended. From the main thread.

        Idempotent.
        """
        if not self._is_ending:
            self._is_ending = True
            self._lock.acquire()

    def _run(self, asker: Asker) -> None:
        why = ""
        try:
            self._upgrade(asker)
        except ChatroomError as error:
            why = str(error)
        except Exception as error:
            log.exception("the upgrade failed")
            why = f"a fault of the program, which the log has: {type(error).__name__}"
        finally:
            self._lock.release()
        if why and not self.is_done:
            self._parts.report(f"not upgraded, and nothing has changed: {why}", Level.WARNING)
            asker.fail(why)  # last: who reads it may try again

    def _upgrade(self, asker: Asker) -> None:
        parts, began_s = self._parts, time.monotonic()
        fault = "" if parts.guard is None else parts.guard.find_fault()
        if fault:
            raise HandoverRefused(fault)
        parts.report("upgrading: starting the new daemon", Level.INFO)
        asker.note("starting the new daemon")
        successor = self._start(asker)
        standstill = Standstill(parts.hub, parts.threads, parts.turnstile, lambda: self._is_ending)
        try:
            asker.note("finishing what is under way")
            standstill.begin()
        except BaseException:
            successor.kill()
            raise
        still_s = time.monotonic()
        asker.stand_still()
        try:
            carried, state, descriptors = self._write_state()
            asker.note(f"handing over {len(carried)} connections")
            pid = self._hand_over(asker, successor, state, descriptors)
        except BaseException as error:
            successor.kill()
            if self._is_upgraded():
                self._give_up(standstill, error)
            else:
                asker.go_on()
                standstill.end()
            raise
        self.is_done = True
        ended_s = time.monotonic()
        times = {"seconds": round(ended_s - began_s, 3), "standstill_s": round(ended_s - still_s, 3)}
        sessions = parts.hub.world.sessions
        closed = sum(
            connection.session.id in sessions and not connection.is_lost for connection in self._find_rest(carried)
        )
        try:
            asker.done({"pid": pid, "carried": len(carried), "closed": closed, **times})
            self._let_go(carried)
        finally:
            standstill.end_threads()
            parts.leave(f"process {pid} has taken over {len(carried)} connections", None)

    def _hand_over(self, asker: Asker, successor: Successor, state: dict[str, Any], descriptors: Sequence[int]) -> int:
        """Hand everything over, and return the process that it belongs to now.

        Raises ``HandoverRefused`` if no process takes it. If one dies that has upgraded the database, another is
        started: what ends one need not end the next.
        """
        manager, number = self._parts.manager, 1
        while True:
            try:
                if number > 1:
                    successor = self._start(asker)
                self._can_be_upgraded = self._can_be_upgraded or successor.upgrades
                successor.hand_over(state, descriptors)
                patience_s = UPGRADE_S if successor.upgrades else TAKE_OVER_S
                successor.hear("ready", patience_s, asker.note, lambda: self._is_ending)
                manager.hand_over(successor.pid)
                successor.go()
            except HandoverRefused as error:
                successor.kill()
                manager.hand_over(os.getpid())
                if number == MOST_TRIES or self._is_ending or not self._is_upgraded():
                    raise
                self._parts.report(f"{error}; it had upgraded the database, and is started again", Level.WARNING)
                number += 1
            else:
                return successor.pid

    def _start(self, asker: Asker) -> Successor:
        parts = self._parts
        successor = Successor(parts.manager.variables)
        try:
            hello = successor.hear("hello", START_S, asker.note, lambda: self._is_ending)["hello"]
            if VERSION not in hello["readable"]:
                raise HandoverRefused("the new program does not take over the state of this one: restart the daemon")
            successor.upgrades = hello["schema"] > newest_version()
            if hello["schema"] < newest_version():
                raise HandoverRefused("the new program is older, and does not know this database")
            if hello["database"] != describe_database(parts.settings.database.address):
                raise HandoverRefused(f"the new configuration has another database: {hello['database']}")
        except BaseException:
            successor.kill()
            raise
        return successor

    def _is_upgraded(self) -> bool:
        """True if the new daemon has upgraded the database, so that this program cannot go on with it."""
        if not self._can_be_upgraded:
            return False
        try:
            return read_schema_version(self._parts.settings.database.address) > newest_version()
        except ChatroomError:
            return True  # nobody knows

    def _give_up(self, standstill: Standstill, error: BaseException) -> None:
        """End, because the database is of a later version: the service manager starts the new program."""
        self.is_done = True
        why = f"the database is upgraded, and the new daemon does not start: {error}"
        try:
            self._let_go(())
        finally:
            standstill.end_threads()
            self._parts.leave(why, ServeError(why))

    def _write_state(self) -> tuple[list[Connection], dict[str, Any], list[int]]:
        """Return the connections that are handed over, the state, and the descriptors to send."""
        parts = self._parts
        hub, settings = parts.hub, parts.settings
        with hub.lock:
            if hub.world.retries:
                raise HandoverRefused("bans or channels are not stored yet, because the disk refuses: see the log")
            replaying = hub.world.outbox.replays.sessions()
            carried = [
                connection
                for thread in parts.threads
                for connection in thread.table.by_fd.values()
                if can_be_handed_over(connection) and connection.session not in replaying
            ]
            *listening, control = parts.listener.sockets
            web = {name: one.fileno() for name, one in parts.web.items() if one is not None}
            state = {
                "pid": os.getpid(),
                "world": world_to_state(hub.world),
                "connections": {
                    str(connection.session.id): {
                        **connection_to_state(connection),
                        "socket": index,
                        "counted": parts.listener.counter.is_counted(connection.session),
                    }
                    for index, connection in enumerate(carried)
                },
                "listening": [[listen.host, listen.port] for listen in settings.listen],
                "web": list(web),
                "last_change_id": parts.watch.last_change_id,
                "next_session": parts.listener.take_number(),
                "database_id": [] if parts.guard is None else list(parts.guard.file.identity),
            }
        files = [parts.lock.descriptor, control.fileno(), *web.values(), *(sock.fileno() for sock in listening)]
        return carried, state, [*files, *(connection.fd for connection in carried)]

    def _let_go(self, carried: Sequence[Connection]) -> None:
        """Let go of what the new daemon has, and close everything else."""
        parts = self._parts
        for connection in carried:
            connection.let_go()
        parts.listener.let_go()
        hooks = parts.web["hooks"]
        if hooks is not None:
            hooks.stop(_PATIENCE_S)  # it would accept texts that nobody says any more
        close_rest(self._find_rest(carried), parts.hub.world.settings.server.name)

    def _find_rest(self, carried: Sequence[Connection]) -> list[Connection]:
        handed_over = set(carried)
        tables = [thread.table.by_fd for thread in self._parts.threads]
        return [connection for table in tables for connection in table.values() if connection not in handed_over]
