"""The life of a daemon, from what it was started with to its end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import tzinfo
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
from chatroom.storage.sqlite.write_ahead_log import refuse_foreign_log

if TYPE_CHECKING:
    from chatroom.server.daemon_runtime import LoadSettings


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
            run(Daemon(settings, load_settings, zone, manager, before=before, lock=lock))
        return
    settings = load_settings()
    if settings.database.url is not None:
        raise ServeError(f"{settings.database.url}: the daemon does not serve a database on a server yet")
    database = settings.database.path
    made = prepare_directory(database)
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(remove_empty, made)
        with DaemonLock.acquire(database) as lock:
            if made:  # nobody else can know the lock's file in a directory that did not exist
                on_failure.callback(lock.path.unlink, missing_ok=True)
            refuse_foreign_log(database)
            run(Daemon(settings, load_settings, zone, manager, inherited, lock=lock), on_failure.pop_all)


def run(daemon: Daemon, started: Callable[[], object] = lambda: None) -> None:
    """Run a daemon from its start to its end. ``started`` is called in between. Raises ``ChatroomError``."""
    try:
        daemon.start()
        started()
        daemon.wait()
    finally:
        daemon.stop()
