"""The database of a daemon, and what works on it: the stores, the journal and its thread, the upkeep."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.chat.delivery.ledger import Ledger
from chatroom.database_address import ServerAddress, local_path
from chatroom.paths import kept_directory
from chatroom.server.committing import make_hub, make_ledger
from chatroom.server.loaded_world import begin_anew, load_world
from chatroom.server.metered import make_threads
from chatroom.server.upkeep import Upkeep
from chatroom.storage.opening import find_upkeep, open_journal, open_node_journal, open_stores
from chatroom.storage.write_guard import WriteGuard

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.runtime import Runtime
    from chatroom.chat.stored.history_stores import Journal
    from chatroom.chat.world import World
    from chatroom.config import Settings
    from chatroom.server.cluster.node import Node
    from chatroom.server.doubt_file import DoubtFile
    from chatroom.server.handover.predecessor import Predecessor
    from chatroom.server.hub import Hub
    from chatroom.server.io_thread import IoThread
    from chatroom.server.journal_thread import JournalThread
    from chatroom.server.loop_thread import LoopThread
    from chatroom.server.operator_screen import Screen
    from chatroom.server.turnstile import Turnstile
    from chatroom.server.workers import Workers
    from chatroom.storage.sql.sql_stores import SqlStores

LEAVE_PATIENCE_S = 0.5
"""How long the end of a start that has failed waits for each thread."""
PATIENCE_S = 15.0
"""How long a background thread waits for an answer of a server: then its job fails, and who waits for it is told."""


class ServedDatabase:
    """The parts. For the main thread, unless a method says otherwise."""

    def __init__(
        self, settings: Settings, zone: tzinfo | None, turnstile: Turnstile, before: Predecessor | None
    ) -> None:
        """``before`` is the daemon whose place this one takes."""
        self._settings = settings
        self._zone = zone
        self._turnstile = turnstile
        self._before = before
        self._writer = f"daemon:{secrets.token_hex(4)}"
        self.guard: WriteGuard | None = None
        """None for a database on a server, and before ``prepare``."""
        self.journal: Journal | None = None
        """None without a history, and before ``load``."""
        self.journal_thread: JournalThread | None = None
        """Commits for the ticks; None if they do it themselves."""
        self.upkeep: Upkeep | None = None
        self.node: Node | None = None
        """What makes this daemon one of several; None for a lone one."""

    def prepare(self, runtime: Runtime) -> Path | None:
        """Make or upgrade the database. Return the copy of the older one, if it was upgraded."""
        settings, address = self._settings, self._settings.database.address
        if self._before is not None:
            copy = self._before.upgrade_database(
                address,
                lambda stores: load_world(settings, stores, runtime, Ledger(None, settings.history), self._zone),
            )
        else:
            # Twice: this connection is the last one to close a file, and writes into it; the one in ``load`` writes at
            # the beginning of the log of this run.
            with open_stores(address, create=True, migrate=True) as stores:
                stores.begin_run()
                copy = stores.upgraded_from
        self.guard = WriteGuard(address) if isinstance(address, Path) else None
        return copy

    def load(self, runtime: Runtime) -> tuple[World, int, bool]:
        """Return the world, the last change that it has, and True if there is an admin."""
        settings, address, before = self._settings, self._settings.database.address, self._before
        # Without a limit: to load everything may take long.
        with open_stores(address, writer=self._writer, guard=self.guard) as stores:
            if before is None:
                stores.begin_run()
                if settings.cluster.redis is None:
                    stores.channels.finish_renames()
            # Before everything is loaded: a change meanwhile is read twice rather than never.
            last_change_id = stores.last_change_id() if before is None else before.last_change_id
            if settings.cluster.redis is not None:
                return self._join(stores, runtime), last_change_id, stores.accounts.count_admins() > 0
            if settings.history.enabled:
                full = settings.history.synchronous == "full"
                self.journal = open_journal(address, full=full, guard=self.guard)
                self.upkeep = Upkeep(
                    find_upkeep(address), lambda: world.settings.history, self._is_short, self._turnstile
                )
            ledger, self.journal_thread = make_ledger(self.journal, settings.history, self._doubt_file())
            world = load_world(settings, stores, runtime, ledger, self._zone)
            if before is None:
                begin_anew(world, stores)
            return world, last_change_id, stores.accounts.count_admins() > 0

    def _doubt_file(self) -> DoubtFile | None:
        """The file that tells the next start what a server has not answered; None for a database in a file."""
        address = self._settings.database.address
        if isinstance(address, Path):
            return None
        from chatroom.server.doubt_file import DoubtFile  # only with a server there are doubts

        directory = kept_directory()
        name = f"doubts-{local_path(address, self._settings.cluster.node).name}.json"
        return DoubtFile(directory / name if directory is not None else None)

    def _join(self, stores: SqlStores, runtime: Runtime) -> World:
        """Join the other nodes, and return the world that they have."""
        from chatroom.chat.cluster.cluster_world import ClusterWorld
        from chatroom.chat.delivery.gated_ledger import GatedLedger
        from chatroom.server.cluster.node import Node
        from chatroom.server.cluster.redis_link import ClusterLink

        settings, address = self._settings, self._settings.database.address
        assert isinstance(address, ServerAddress)
        journal = self.journal = open_node_journal(address)
        link = ClusterLink(settings.cluster)
        self.node = node = Node(settings.cluster, link, journal, self.open_stores, self._doubt_file())
        node.join()
        if node.is_first:
            stores.channels.finish_renames()
        ledger = GatedLedger(journal, node.committer, settings.history)
        world = load_world(
            settings, stores, runtime, ledger, self._zone, partial(ClusterWorld, node=settings.cluster.node)
        )
        self.upkeep = Upkeep(find_upkeep(address), lambda: world.settings.history, self._is_short, self._turnstile)
        assert isinstance(world, ClusterWorld)
        node.fill(world, stores)
        return world

    def make_hub(self, world: World, workers: Workers, screen: Screen, *, metered: bool) -> Hub:
        """Make the hub of the world that was loaded."""
        if self.node is not None:
            return self.node.make_hub(workers, screen, metered=metered)
        return make_hub(world, workers, screen, metered=metered, thread=self.journal_thread)

    def make_io_threads(self, hub: Hub, count: int, released: Callable[[Session], None]) -> list[IoThread]:
        """Make the I/O threads of the hub."""
        if self.node is not None:
            return self.node.make_io_threads(count, released)
        return make_threads(hub, count, released)

    @property
    def first_number(self) -> int:
        """The id of the first session of this run."""
        if self.node is not None:
            return self.node.first_number
        return self._before.first_number if self._before is not None else 1

    @property
    def loops(self) -> list[LoopThread]:
        """The threads that work on it."""
        loops = self.node.loops if self.node is not None else [self.journal_thread]
        return [loop for loop in (*loops, self.upkeep) if loop is not None]

    def start(self, is_over: Callable[[], bool]) -> None:
        """Start the threads, when the I/O threads run. ``is_over`` is as for ``Node.start``."""
        if self.node is not None:
            self.node.start(is_over)
        for loop in (self.journal_thread, self.upkeep):
            if loop is not None:
                loop.start()

    def has_duty(self) -> bool:
        """True if this daemon does what only one of a cluster does. From any thread."""
        return self.node is None or self.node.heartbeat.has_duty

    def stop_journal(self, patience_s: float) -> bool:
        """Have what was said stored, and end the thread that does it. False if it is left behind."""
        thread = self.journal_thread if self.node is None else self.node.committer
        return thread is None or thread.stop(patience_s)

    def stop(self, patience_s: float) -> None:
        """End the other threads, and leave the cluster; wait at most that long for each of them."""
        if self.node is not None:
            self.node.stop(patience_s)
        if self.upkeep is not None:
            self.upkeep.stop(patience_s)

    def open_stores(self) -> SqlStores:
        """Open stores for a background thread, from that thread."""
        return open_stores(
            self._settings.database.address, writer=self._writer, guard=self.guard, patience_s=PATIENCE_S
        )

    def close(self) -> None:
        """Close the journal, if it was opened, after a start that has failed too."""
        if self.node is not None:
            self.node.stop(LEAVE_PATIENCE_S)
        if self.journal is not None:
            self.journal.close()

    def _is_short(self) -> bool:
        return self.guard is not None and self.guard.reserve.is_short
