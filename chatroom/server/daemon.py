"""The daemon: puts the parts together, starts them, and ends them in order."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom import paths
from chatroom.chat.farewell import end_all
from chatroom.chat.filter_actions import save_hits
from chatroom.chat.log_line import Level
from chatroom.config import Settings
from chatroom.database_address import local_path
from chatroom.errors import ServeError
from chatroom.server import garbage
from chatroom.server.backlogs import send_buffer_bytes
from chatroom.server.backups import Backups
from chatroom.server.blocklists import Blocklists
from chatroom.server.connection_counter import ConnectionCounter
from chatroom.server.daemon_runtime import DaemonRuntime, LoadSettings
from chatroom.server.entrance import open_entrance
from chatroom.server.fault_log import FaultLog
from chatroom.server.handover.predecessor import Predecessor
from chatroom.server.handover.upgrade import Parts, Upgrade
from chatroom.server.hook_deliveries import HookDeliveries
from chatroom.server.hook_entrance import open_hooks
from chatroom.server.hub import Hub
from chatroom.server.io_thread import IoThread
from chatroom.server.listener import Listener
from chatroom.server.listening_sockets import Inherited, open_listeners, shown_address
from chatroom.server.metrics_entrance import open_metrics
from chatroom.server.opening_sockets import open_control
from chatroom.server.operator_screen import make_screen
from chatroom.server.own_process import allow_many_files
from chatroom.server.process_signals import ProcessSignals
from chatroom.server.reloading import use_new_settings
from chatroom.server.served_database import ServedDatabase
from chatroom.server.service_manager import ServiceManager
from chatroom.server.start_lines import describe_node, describe_set_up, no_admin_line, risk_lines, start_lines
from chatroom.server.store_watch import StoreWatch
from chatroom.server.supervisor import Supervisor
from chatroom.server.turnstile import Turnstile
from chatroom.server.workers import Workers
from chatroom.storage.daemon_lock import DaemonLock

if TYPE_CHECKING:
    from chatroom.server.hook_listener import HookListener
    from chatroom.server.metrics_server import MetricsServer
    from chatroom.storage.postgresql.server_lock import ServerLock

SWITCH_INTERVAL_S = 0.0005
"""How long a busy thread may keep Python's lock from a waiting tick; 5 ms by default."""
NO_UPGRADE = "a node of a cluster is not upgraded in place: stop it and start the new one; its users connect elsewhere"
FAREWELL = "Server is shutting down"
_READ_PATIENCE_S = 0.5
"""How long the stop waits for slow peers to read, and for each kind of background thread."""
_WRITE_PATIENCE_S = 1.0
"""How long the stop waits for the farewell to be said, and then for the I/O threads."""


class Daemon:
    """The running parts. The main thread calls ``start``, ``wait`` and ``stop``, in this order.

    It has more attributes than other classes because it keeps each part that ``stop`` has to end, and nothing else.
    """

    def __init__(
        self,
        settings: Settings,
        load_settings: LoadSettings,
        zone: tzinfo | None = None,
        manager: ServiceManager | None = None,
        inherited: Sequence[Inherited] = (),
        *,
        before: Predecessor | None = None,
        lock: DaemonLock | None = None,
        server_lock: ServerLock | None = None,
    ) -> None:
        """``before`` is the daemon whose place this one takes. Without ``lock`` none can take the place of this one."""
        self._settings = settings
        self._load_settings = load_settings
        self._manager = manager or ServiceManager()
        self._inherited = inherited
        self._before = before
        self._lock = lock
        self._upgrade: Upgrade | None = None
        self._turnstile = Turnstile()
        """Closed while the background threads must not write."""
        self._database = ServedDatabase(settings, zone, self._turnstile, before)
        self._screen = make_screen(settings.log, zone)
        self._fault_log = FaultLog(self._screen)
        self._hub: Hub | None = None
        self._listener: Listener | None = None
        self._threads: list[IoThread] = []
        self._control_path: Path | None = None
        self._signals = ProcessSignals()
        self._started_io = False
        self._server_lock = server_lock
        self._backups = Backups(settings.database.path, self._settings_in_force, self._report)
        self._hooks = HookDeliveries(
            self._database.open_stores, self._report, turnstile=self._turnstile, has_duty=self._database.has_duty
        )
        self._metrics: MetricsServer | None = None
        self._hook_listener: HookListener | None = None
        self._supervisor: Supervisor | None = None
        self._why = "error"
        """Why it stops without a signal."""

    # -- start ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open everything and begin to accept connections. Raises ``ChatroomError``."""
        self._screen.output.open()
        # The addresses come first: if one of them cannot be had, the database is not migrated either.
        settings, database, before = self._settings, self._database, self._before
        buffer_bytes = send_buffer_bytes(settings.limits.sendq_bytes)
        if before is not None:
            sockets = before.open_listeners(settings.listen, buffer_bytes)
        else:
            sockets = open_listeners(settings.listen, self._inherited, buffer_bytes)
        where = [shown_address(sock, listen) for listen, sock in sockets]
        counter = ConnectionCounter()
        try:
            metrics = self._open_web()
            entrances = [open_entrance(listen, sock, settings) for listen, sock in sockets]
            facts = describe_set_up(settings, where, metrics.url if metrics else "")
            lists, levels = Blocklists(self._report), self._screen.levels
            runtime = DaemonRuntime(self._load_settings, counter, facts, lists, levels)
            upgraded_from = database.prepare(runtime)
            world, last_change_id, has_admin = database.load(runtime)
            self._control_path = paths.control_socket(local_path(settings.database.address, settings.cluster.node))
            handed = before.control if before is not None else None
            control = handed or open_control(self._control_path)
        except BaseException:
            for _, sock in sockets:
                sock.close()
            self._database.close()
            self._stop_web()
            raise
        workers = Workers(database.open_stores, turnstile=self._turnstile)
        hub = self._hub = database.make_hub(world, workers, self._screen, metered=bool(metrics))
        if database.node is not None:
            counter.find_elsewhere = database.node.count_elsewhere()
            database.node.facts = lambda: describe_node(hub.world.settings, where, counter)
        threads = self._threads = database.make_io_threads(hub, settings.server.io_threads, counter.released)
        first_number = database.first_number
        listener = self._listener = Listener(hub, threads, counter, entrances, control, first_number)
        runtime.supervisor = self._supervisor = self._make_supervisor(workers, listener)
        watch = self._make_watch(hub, runtime, last_change_id)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        allow_many_files()
        self._signals.handle(self._reload, lambda: runtime.begin_upgrade(None))
        if before is not None:
            hub.post(0, before.fill(world, threads, counter))
            before.ready()
        self._start_threads(workers, watch)
        self._begin_web(hub, counter)
        self._announce(where, has_admin, upgraded_from)
        listener.start()
        self._manager.ready(f"listening on {', '.join(where)}")

    def _open_web(self) -> MetricsServer | None:
        """Listen for metrics and for hooks, if the settings say so. Raises ``ServeError``."""
        handed = self._before.web if self._before is not None else {}
        self._metrics = open_metrics(self._settings.metrics, handed.get("metrics"))
        self._hook_listener = open_hooks(self._settings.hooks, handed.get("hooks"))
        return self._metrics

    def _begin_web(self, hub: Hub, counter: ConnectionCounter) -> None:
        """Answer there."""
        assert self._supervisor is not None
        if self._metrics is not None:
            node = self._database.node
            states = lambda: self._backups.state, lambda: self._hooks.state, lambda: self._hook_listener
            find_nodes = None if node is None else node.heartbeat.find_nodes
            self._metrics.begin(self._settings, hub, self._threads, counter, self._supervisor, *states, find_nodes)
        if self._hook_listener is not None:
            self._hook_listener.begin(hub)

    def _start_threads(self, workers: Workers, watch: StoreWatch) -> None:
        self._screen.start()
        self._fault_log.install()
        garbage.search_once()
        workers.start(watch.look)
        for thread in self._threads:
            thread.start()
        self._started_io = True
        self._database.start(lambda: bool(self._signals.stopped_by))
        for loop in (self._backups, self._hooks):
            loop.start()

    def _make_watch(self, hub: Hub, runtime: DaemonRuntime, last_change_id: int) -> StoreWatch:
        assert self._listener is not None
        watch = StoreWatch(hub, self._database.guard, self._turnstile, last_change_id, self._server_lock)
        runtime.more_facts = lambda: {**watch.facts(), **self._backups.state.facts(), **self._hooks.state.facts()}
        if (node := self._database.node) is not None:
            name, of_store = self._settings.cluster.node, runtime.more_facts
            runtime.more_facts = lambda: {"node": name, **node.heartbeat.describe(), **of_store()}
            runtime.no_upgrade = NO_UPGRADE
        elif self._lock is not None:
            runtime.upgrade = self._upgrade = Upgrade(
                Parts(
                    self._settings,
                    hub,
                    self._threads,
                    self._listener,
                    {"metrics": self._metrics, "hooks": self._hook_listener},
                    self._turnstile,
                    self._lock,
                    self._database.guard,
                    watch,
                    self._manager,
                    self._report,
                    self._signals.end,
                )
            )
        return watch

    def _report(self, line: str, level: Level = Level.WARNING) -> None:
        """Log what is wrong, or is well again. From any thread, without the hub lock."""
        self._screen.show([line], level=level)

    def _make_supervisor(self, workers: Workers, listener: Listener) -> Supervisor:
        own = (
            self._screen,
            *self._database.loops,
            self._backups,
            self._hooks,
            self._hook_listener,
            self._metrics,
        )
        loops = [*own, *workers.threads, listener.handshakes]
        return Supervisor(self._threads, [loop for loop in loops if loop is not None], self._report)

    def _settings_in_force(self) -> Settings:
        return self._settings if self._hub is None else self._hub.world.settings

    def _announce(self, where: list[str], has_admin: bool, upgraded_from: Path | None) -> None:
        settings, before = self._settings, self._before
        metrics_url = self._metrics.url if self._metrics is not None else ""
        hooks_url = self._hook_listener.url if self._hook_listener is not None else ""
        self._screen.show(start_lines(settings, where, self._inherited, metrics_url, hooks_url, upgraded_from))
        self._screen.show(risk_lines(settings), level=Level.WARNING)
        if before is not None:
            self._screen.show([before.summary])
        if not has_admin:
            self._screen.show([no_admin_line(settings.database.address)])
        if self._database.node is not None:
            self._database.node.heartbeat.log.begin(self._report)

    def _reload(self) -> None:
        """Read the configuration again. From a thread of its own."""
        assert self._hub is not None
        self._manager.reloading()
        try:
            use_new_settings(self._hub, self._load_settings)
        finally:
            self._manager.reloaded()

    def wait(self) -> None:
        """Wait for a signal to stop, and watch the threads. Raises ``ServeError`` if the daemon cannot go on."""
        try:
            self._signals.wait(self._look, self._manager.look_every_s)
        except ServeError as error:
            self._why = str(error)
            raise

    def _look(self) -> None:
        assert self._supervisor is not None
        if self._upgrade is not None and self._upgrade.is_done:
            return  # the threads end, and the service manager looks at the new daemon
        self._supervisor.look()
        self._manager.look(self._supervisor)

    # -- stop -------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Say farewell to the clients, write what is pending, end the threads.

        It takes about two seconds at most, however slow the peers are. It may also follow a failed start.
        """
        hub, upgrade = self._hub, self._upgrade
        if hub is not None and self._started_io:
            if upgrade is not None:
                upgrade.stop()
            if upgrade is not None and upgrade.is_done:
                # Nothing is this process's own any more: not the sockets, and not the database.
                self._screen.show([self._signals.stopped_by])
                self._fault_log.remove()
                self._screen.stop(_READ_PATIENCE_S)
            else:
                self._stop_running(hub)
        self._signals.close()

    def _stop_running(self, hub: Hub) -> None:
        why = self._signals.stopped_by or self._why
        self._screen.show([f"stopping ({why})"])
        self._manager.stopping(why)
        if self._listener is not None:
            self._listener.stop()
        if self._control_path is not None:
            self._control_path.unlink(missing_ok=True)
        self._stop_web()
        said = threading.Event()

        def farewell() -> None:
            if hub.world.retries:
                hub.world.log_line(f"{len(hub.world.retries)} changes are tried once more, and end here if that fails")
                hub.world.retries.try_again(hub.world.mono_ms)
            save_hits(hub.world)
            hub.world.kept_failures.flush()
            end_all(hub.world, FAREWELL, lambda session: session.connection.ends_with_error)
            said.set()

        # An I/O thread that has died says nothing. All threads write what one of them has said.
        alive = [thread.index for thread in self._threads if thread.is_alive()]
        hub.post(alive[0] if alive else 0, farewell)
        said.wait(_WRITE_PATIENCE_S)
        for thread in self._threads:
            thread.stop(_READ_PATIENCE_S)
        give_up_at = time.monotonic() + _WRITE_PATIENCE_S
        for thread in self._threads:
            thread.join(max(0.0, give_up_at - time.monotonic()))
        # A thread that is left behind may still commit.
        is_left = not self._database.stop_journal(_WRITE_PATIENCE_S)
        self._database.stop(_READ_PATIENCE_S)
        if not (is_left or any(thread.is_alive() for thread in self._threads)):
            self._database.close()
        self._backups.stop(_READ_PATIENCE_S)
        self._hooks.stop(_READ_PATIENCE_S)
        if not hub.workers.stop(_READ_PATIENCE_S):
            logging.getLogger(__name__).warning("a worker was still busy and was left behind")
        self._screen.show(["stopped"])
        self._fault_log.remove()
        garbage.search_again()
        self._screen.stop(_READ_PATIENCE_S)

    def _stop_web(self) -> None:
        for server in (self._metrics, self._hook_listener):
            if server is not None:
                server.stop(_READ_PATIENCE_S)
