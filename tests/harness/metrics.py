"""The parts of a daemon that metrics are read from, without threads or sockets."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.runtime import make_world

from chatroom.config import Settings
from chatroom.server.backups import BackupState
from chatroom.server.connection_counter import ConnectionCounter
from chatroom.server.hook_deliveries import HookState
from chatroom.server.metered import MeteredHub, MeteredIoThread, make_threads
from chatroom.server.metrics import Sources
from chatroom.server.operator_screen import Screen
from chatroom.server.supervisor import Supervisor
from chatroom.server.workers import Workers
from chatroom.storage.sqlite.sqlite_stores import open_stores


def make_sources(database: Path, *certificates: Path, nodes: tuple[bool, int] | None = None) -> Sources:
    """Make the parts of a daemon that has not begun."""
    world = make_world(Settings())
    hub = MeteredHub(world, Workers(lambda: open_stores(database)), Screen())
    threads = [one for one in make_threads(hub, 2, lambda _: None) if isinstance(one, MeteredIoThread)]
    backups = BackupState(3600, time.monotonic() - 60)
    counter, supervisor = ConnectionCounter(), Supervisor(threads, [hub.screen], lambda _: None)
    listener: Any = SimpleNamespace(said=8, refused=7)  # without its socket
    states = lambda: backups, lambda: HookState(4, 3, 2, (1,)), lambda: listener
    find_nodes = None if nodes is None else lambda: nodes
    counts = world.runtime.counts
    return Sources(hub, threads, counts, counter, supervisor, database, certificates, *states, find_nodes)
