"""The metrics of a daemon, in the form of Prometheus.

They are read when somebody asks, in a thread that takes no lock: each is a whole number or the length of a table, and
two of them may be of different moments. Imported only if metrics are on.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from chatroom import __version__
from chatroom.errors import CertificateUnusable
from chatroom.server.metered import BYTE_BOUNDS, TICK_BOUNDS_S, Buckets, MeteredHub, MeteredIoThread

if TYPE_CHECKING:
    from chatroom.chat.counts import Counts
    from chatroom.server.backups import BackupState
    from chatroom.server.connection_counter import ConnectionCounter
    from chatroom.server.hook_deliveries import HookState
    from chatroom.server.hook_listener import HookListener
    from chatroom.server.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Sources:
    """The parts of a running daemon that metrics are read from."""

    hub: MeteredHub
    threads: Sequence[MeteredIoThread]
    counts: Counts
    counter: ConnectionCounter
    supervisor: Supervisor
    database: Path | None
    """The file; None for a database on a server."""
    certificates: Sequence[Path]
    backups: Callable[[], BackupState]
    """Returns how the scheduled backups are. From any thread."""
    hooks: Callable[[], HookState]
    """Returns how the deliveries of hooks are. From any thread."""
    hook_listener: Callable[[], HookListener | None]
    """Returns what counts the texts of incoming hooks. From any thread."""
    find_nodes: Callable[[], tuple[bool, int]] | None = None
    """Returns if this node of a cluster hears of the others, and how many nodes live. From any thread. None: alone."""


class DaemonMetrics(Collector):
    """Reads all metrics anew for each answer. From any thread, without the hub lock."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        """Return all metrics."""
        yield from self._collect_people()
        yield from self._collect_traffic()
        yield from self._collect_refusals()
        yield from self._collect_inside()
        yield from self._collect_files()
        yield from self._collect_backups()
        yield from self._collect_hooks()
        if self._sources.find_nodes is not None:
            is_connected, nodes = self._sources.find_nodes()
            yield _gauge("cluster_connected", "1 while this node hears of the others.", int(is_connected))
            yield _gauge("cluster_nodes", "Nodes that live, this one too, as far as this one knows.", nodes)

    def _collect_people(self) -> Iterator[Metric]:
        world, counter = self._sources.hub.world, self._sources.counter
        places = counter.places(world.settings)
        yield _gauge("users", "People present.", len(world.users))
        yield _gauge("sessions", "Sessions of clients, registered or not.", len(world.own_sessions()))
        yield _gauge("unregistered_sessions", "Sessions that are not registered yet.", len(world.online.unregistered))
        yield _gauge("connections", "Open connections.", places.taken)
        if places.most is not None:
            yield _gauge("connections_max", "How many connections can be open.", places.most)
        yield _gauge("channels", "Channels, those without members too.", len(world.channels))
        yield _gauge("accounts", "Registered accounts.", len(world.accounts))
        yield _gauge("bans", "Bans on names, addresses and networks, those that have run out too.", len(world.bans))

    def _collect_traffic(self) -> Iterator[Metric]:
        hub = self._sources.hub
        yield _counter("lines_received", "Lines of clients that were run.", hub.lines_in)
        yield _counter("messages_received", "PRIVMSG, NOTICE and TAGMSG of clients.", hub.messages_in)
        yield _counter("lines_sent", "Lines handed to connections, one for each reader.", hub.lines_out)
        ticks = [thread.tick_s for thread in self._sources.threads]
        yield _histogram("tick_seconds", "How long a tick took.", TICK_BOUNDS_S, ticks)
        yield _histogram("tick_bytes", "Bytes that a tick handed to connections.", BYTE_BOUNDS, [hub.tick_bytes])

    def _collect_refusals(self) -> Iterator[Metric]:
        counts, counter = self._sources.counts, self._sources.counter
        logins = CounterMetricFamily("chatroom_logins", "Logins to accounts.", labels=["outcome"])
        logins.add_metric(["good"], counts.logins_good)
        logins.add_metric(["bad"], counts.logins_bad)
        yield logins
        yield _counter("bans_hit", "Connections and registrations refused for a ban.", counts.bans_hit)
        limits = CounterMetricFamily("chatroom_limits_hit", "What was refused or ended by a limit.", labels=["limit"])
        limits.add_metric(["connections"], counter.refused)
        limits.add_metric(["lines"], counts.floods)
        limits.add_metric(["actions"], counts.actions_refused)
        yield limits
        yield _counter("send_queue_drops", "Sessions ended because they read too little.", counts.send_queue_drops)

    def _collect_inside(self) -> Iterator[Metric]:
        hub, supervisor = self._sources.hub, self._sources.supervisor
        queues = GaugeMetricFamily("chatroom_worker_queue_jobs", "Jobs that wait for a worker.", labels=["queue"])
        for name, length in hub.workers.queue_lengths().items():
            queues.add_metric([name], length)
        yield queues
        alive, expected = supervisor.count_threads()
        yield _gauge("threads_alive", "Threads of the daemon that run.", alive)
        yield _gauge("threads_expected", "Threads of the daemon that should run.", expected)
        yield _counter("thread_restarts", "Threads that died and were started again.", supervisor.restarts)
        failing = int(bool(hub.world.ledger.failure))
        yield _gauge("history_failing", "1 while messages cannot be stored, and are refused.", failing)
        build = GaugeMetricFamily("chatroom_build_info", "The version, as labels.", labels=["version", "python"])
        build.add_metric([__version__, platform.python_version()], 1)
        yield build

    def _collect_files(self) -> Iterator[Metric]:
        path = self._sources.database
        if path is not None:
            yield _gauge("database_bytes", "Size of the database file, which has the history.", _size(path))
            log_path = path.with_name(f"{path.name}-wal")
            yield _gauge("write_ahead_log_bytes", "Size of the write-ahead log.", _size(log_path))
        if self._sources.certificates:
            from chatroom.server.certificates import read_certificate  # as in ``open_entrance``

            ends = GaugeMetricFamily(
                "chatroom_certificate_not_after_seconds", "When a certificate ends, as Unix time.", labels=["file"]
            )
            for certificate in self._sources.certificates:
                # The file that cannot be read has no number; the log says why.
                with contextlib.suppress(CertificateUnusable):
                    end = read_certificate(certificate).not_valid_after_utc.timestamp()
                    ends.add_metric([str(certificate)], end)
            yield ends

    def _collect_backups(self) -> Iterator[Metric]:
        state = self._sources.backups()
        if not state.every_s:
            return
        yield _gauge("backup_interval_seconds", "How often a backup is due.", state.every_s)
        yield _gauge("backup_failing", "1 while no backup can be made.", int(bool(state.failure)))
        age_s = state.age_s
        if age_s is not None:
            yield _gauge("backup_age_seconds", "The age of the last good backup.", age_s)

    def _collect_hooks(self) -> Iterator[Metric]:
        state = self._sources.hooks()
        tries = CounterMetricFamily("chatroom_hook_deliveries", "Tries to deliver an event.", labels=["outcome"])
        tries.add_metric(["good"], state.delivered)
        tries.add_metric(["bad"], state.failed)
        yield tries
        yield _gauge("hook_events_waiting", "Events that wait to be delivered to hooks.", state.waiting)
        yield _gauge("hooks_failing", "Hooks whose last delivery has failed.", len(state.failing))
        listener = self._sources.hook_listener()
        if listener is not None:
            texts = CounterMetricFamily("chatroom_hook_texts", "Texts of incoming hooks.", labels=["outcome"])
            texts.add_metric(["said"], listener.said)
            texts.add_metric(["refused"], listener.refused)
            yield texts


def make_registry(sources: Sources) -> CollectorRegistry:
    """Return the registry of a daemon: its own metrics and those of its process (memory, CPU, open files)."""
    registry = CollectorRegistry()
    registry.register(DaemonMetrics(sources))
    ProcessCollector(registry=registry)
    return registry


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"chatroom_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"chatroom_{name}", text, value=value)


def _histogram(name: str, text: str, bounds: Sequence[float], parts: Sequence[Buckets]) -> Metric:
    """Return a histogram of the sum of its parts."""
    running, buckets = 0, []
    for index, bound in enumerate([*map(str, bounds), "+Inf"]):
        running += sum(part.counts[index] for part in parts)
        buckets.append((bound, float(running)))
    return HistogramMetricFamily(f"chatroom_{name}", text, buckets=buckets, sum_value=sum(part.total for part in parts))


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
