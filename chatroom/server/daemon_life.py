"""The life of a daemon, from what it was started with to its end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.errors import ServeError
from chatroom.server.daemon import Daemon
from chatroom.server.database_directory import prepare_directory, remove_empty
from chatroom.server.handover.predecessor import Predecessor
from chatroom.server.listening_sockets import take_inherited
from chatroom.server.own_process import allow_many_files, keep_secrets
from chatroom.server.process_signals import ignore_early_upgrades
from chatroom.server.service_manager import ServiceManager
from chatroom.storage.daemon_lock import DaemonLock
from chatroom.storage.opening import make_server_lock, newest_version, read_schema_version
from chatroom.storage.sqlite.write_ahead_log import refuse_foreign_log

if TYPE_CHECKING:
    from chatroom.database_address import DatabaseAddress, ServerAddress
    from chatroom.server.daemon_runtime import LoadSettings
    from chatroom.storage.postgresql.server_lock import ServerLock


def serve(load_settings: LoadSettings, zone: tzinfo | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``ChatroomError`` if it cannot start. From the main thread.

    ``zone`` is that of the times in the log; None is the zone of this machine.
    """
    ignore_early_upgrades()
    keep_secrets()
    manager, inherited = ServiceManager.take(os.environ), take_inherited(os.environ)
    before = Predecessor.take(os.environ)
    if before is not None:
        allow_many_files()  # as many as it has sockets
        with before:
            lock = before.introduce(load_settings())
            settings = load_settings()  # a reload may have come in between, and the other daemon ticks no more now
            with _server_lock(settings.database.address) as server_lock:
                if server_lock is not None:
                    server_lock.stand_in_line()  # the other daemon still has it
                run(Daemon(settings, load_settings, zone, manager, before=before, lock=lock, server_lock=server_lock))
        return
    settings = load_settings()
    address = settings.database.address
    if not isinstance(address, Path):
        cluster = settings.cluster.name if settings.cluster.redis is not None else ""
        with (
            DaemonLock.acquire(address, settings.cluster.node) as lock,
            _server_lock(address, cluster) as server_lock,
        ):
            assert server_lock is not None
            server_lock.acquire()
            _require_same_version(address, server_lock)
            run(Daemon(settings, load_settings, zone, manager, inherited, lock=lock, server_lock=server_lock))
        return
    made = prepare_directory(address)
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(remove_empty, made)
        with DaemonLock.acquire(address) as lock:
            if made:  # nobody else can know the lock's file in a directory that did not exist
                on_failure.callback(lock.path.unlink, missing_ok=True)
            refuse_foreign_log(address)
            run(Daemon(settings, load_settings, zone, manager, inherited, lock=lock), on_failure.pop_all)


def _require_same_version(address: ServerAddress, lock: ServerLock) -> None:
    """Raise ``ServeError`` if other nodes run that do not know the tables to which this one would upgrade."""
    if lock.is_shared() and 0 < read_schema_version(address) < newest_version():
        raise ServeError(
            f"{address}: nodes of an older version run, and this one has other tables: stop them all, then start it"
        )


@contextlib.contextmanager
def _server_lock(address: DatabaseAddress, cluster: str = "") -> Iterator[ServerLock | None]:
    """Make the lock of a database on a server, and release it at the end. None for a database in a file.

    ``cluster``: the name of the cluster to which this daemon belongs; empty if it is alone.
    """
    if isinstance(address, Path):
        yield None
        return
    lock = make_server_lock(address, cluster)
    try:
        yield lock
    finally:
        lock.release()


def run(daemon: Daemon, started: Callable[[], object] = lambda: None) -> None:
    """Run a daemon from its start to its end. ``started`` is called in between. Raises ``ChatroomError``."""
    try:
        daemon.start()
        started()
        daemon.wait()
    finally:
        daemon.stop()
