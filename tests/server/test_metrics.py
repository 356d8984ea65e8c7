from __future__ import annotations

import contextlib
import errno
import re
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIServer

import pytest
from harness.metrics import make_sources
from harness.runtime import make_world

from chatroom.chat.people.session import Session
from chatroom.config import Settings, find_key, find_unsafe
from chatroom.config.observing import Metrics
from chatroom.ctl.self_signed import make_self_signed
from chatroom.errors import ServeError
from chatroom.irc.framing import Malformed
from chatroom.server import metrics_server
from chatroom.server.hub import Hub
from chatroom.server.metered import Buckets
from chatroom.server.metrics import DaemonMetrics, make_registry
from chatroom.server.metrics_entrance import open_metrics
from chatroom.server.metrics_server import MetricsServer
from chatroom.server.session_bounds import end_flood, end_session


def read(path: Path, *certificates: Path, **changes: int) -> dict[str, float]:
    """Return the samples of a daemon that has not begun, by name and labels."""
    sources = make_sources(path, *certificates)
    for name, value in changes.items():
        setattr(sources.counts, name, value)
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for metric in DaemonMetrics(sources).collect()
        for sample in metric.samples
    }


def test_a_value_on_a_bound_belongs_below_it() -> None:
    """As Prometheus has it: a bucket counts what is at most its bound."""
    buckets = Buckets((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 99.0):
        buckets.add(value)
    assert (buckets.counts, buckets.total) == ([2, 1, 1], 102.0)


def test_histograms_are_cumulative_over_all_threads(tmp_path: Path) -> None:
    """Two I/O threads make one histogram."""
    sources = make_sources(tmp_path / "chat.db")
    for thread, value in zip(sources.threads, (0.0001, 3.0), strict=True):
        thread.tick_s.add(value)
    (metric,) = [one for one in DaemonMetrics(sources).collect() if one.name == "chatroom_tick_seconds"]
    found = {sample.labels.get("le", sample.name): sample.value for sample in metric.samples}
    assert (found["0.0005"], found["1.0"], found["5.0"], found["+Inf"]) == (1, 1, 2, 2)
    assert (found["chatroom_tick_seconds_count"], found["chatroom_tick_seconds_sum"]) == (2, 3.0001)


def test_counts_and_sizes_are_read_anew(tmp_path: Path) -> None:
    """What the rules count, and what the files have, is in the answer. A missing file has no bytes."""
    path = tmp_path / "chat.db"
    path.write_bytes(b"x" * 70)
    found = read(path, logins_good=3, logins_bad=2, bans_hit=5, floods=6, actions_refused=7, send_queue_drops=8)
    assert (found["chatroom_logins_total good"], found["chatroom_logins_total bad"]) == (3, 2)
    assert (found["chatroom_bans_hit_total"], found["chatroom_send_queue_drops_total"]) == (5, 8)
    assert (found["chatroom_limits_hit_total lines"], found["chatroom_limits_hit_total actions"]) == (6, 7)
    assert (found["chatroom_database_bytes"], found["chatroom_write_ahead_log_bytes"]) == (70, 0)
    assert (found["chatroom_threads_expected"], found["chatroom_threads_alive"]) == (2, 0)


def test_lines_and_messages_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message counts with and without tags. Lines that the framing refused are lines too."""
    hub = make_sources(tmp_path / "chat.db").hub
    session = Session(1, "192.0.2.1", 4, 1, "host", 0)
    monkeypatch.setattr(Hub, "run_line", lambda *_: None)
    for line in ("PRIVMSG #a :hi", "@+typing=active TAGMSG #a", "NOTICE a :PRIVMSG b", "JOIN #a", Malformed.TOO_LONG):
        hub.run_line(session, line)
    assert (hub.lines_in, hub.messages_in) == (5, 3)


def test_what_a_room_reads_is_counted_for_each_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes for ten readers are ten times as many lines and bytes; a tick without any is not counted."""
    hub = make_sources(tmp_path / "chat.db").hub
    room, own = b"one\r\ntwo\r\n", b"three\r\n"
    writes = [[(object(), room)] * 10 + [(object(), own)], []]
    monkeypatch.setattr(Hub, "_drain", lambda _: writes.pop(0))
    hub._drain()
    hub._drain()
    assert (hub.lines_out, hub.tick_bytes.total, sum(hub.tick_bytes.counts)) == (21, 107, 1)


def test_a_certificate_has_its_end(tmp_path: Path) -> None:
    """As a Unix time. One that cannot be read has none, and the answer comes all the same."""
    made, missing, begin = tmp_path / "cert.pem", tmp_path / "none.pem", datetime(2030, 1, 1, tzinfo=UTC)
    made.write_text(make_self_signed(["chat.example.org"], begin, 30)[0])
    found = read(tmp_path / "chat.db", made, missing)
    assert found[f"chatroom_certificate_not_after_seconds {made}"] == datetime(2030, 1, 31, tzinfo=UTC).timestamp()
    assert f"chatroom_certificate_not_after_seconds {missing}" not in found


def test_a_node_tells_of_its_cluster(tmp_path: Path) -> None:
    """If it hears of the others, and how many nodes live. A lone daemon has no such numbers."""

    def ask(nodes: tuple[bool, int] | None) -> dict[str, float]:
        metrics = make_registry(make_sources(tmp_path / "chat.db", nodes=nodes)).collect()
        samples = [sample for metric in metrics for sample in metric.samples]
        return {sample.name: sample.value for sample in samples if sample.name.startswith("chatroom_cluster")}

    assert ask((False, 3)) == {"chatroom_cluster_connected": 0, "chatroom_cluster_nodes": 3}
    assert ask(None) == {}


def test_the_registry_has_the_process(tmp_path: Path) -> None:
    """Memory, CPU and open files stand beside the daemon's own metrics."""
    names = {metric.name for metric in make_registry(make_sources(tmp_path / "chat.db")).collect()}
    assert {"chatroom_users", "process_resident_memory_bytes"} <= names


@pytest.mark.parametrize("ended, drops", [("SendQ exceeded", 1), ("Connection reset by peer", 0)])
def test_a_session_that_reads_too_little_is_counted(ended: str, drops: int) -> None:
    """It is told apart from a peer that went away."""
    world = make_world(Settings())
    connection: Any = type("Ended", (), {"ended": ended, "is_lost": True})()
    connection.session = Session(1, "192.0.2.1", 4, 1, "host", 0)
    end_session(world, connection)
    assert world.runtime.counts.send_queue_drops == drops


def test_a_flood_is_counted() -> None:
    """Too many waiting lines are a limit that was hit."""
    world = make_world(Settings())
    connection: Any = type("Flooding", (), {})()
    connection.session = Session(1, "192.0.2.1", 4, 1, "host", 0)
    end_flood(world, connection)
    assert world.runtime.counts.floods == 1


@pytest.mark.parametrize(
    "listen, risky", [("", False), ("127.0.0.1:9667", False), ("[::1]:0", False), ("0.0.0.0:1", True), ("[::]:1", True)]
)
def test_a_listener_beyond_this_machine_is_warned_of(listen: str, risky: bool) -> None:
    """``config check`` and the start say so."""
    found = find_unsafe(Settings(metrics=Metrics(listen=listen)))
    warnings = [finding for finding in found if "metrics.listen" in finding.problem]
    assert len(warnings) == int(risky)


def test_without_the_package_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is optional. Without metrics nobody misses it."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert open_metrics(Metrics()) is None
    with pytest.raises(ServeError, match=r"pip install 'chatroom\[metrics\]'"):
        open_metrics(Metrics(listen="127.0.0.1:0"))


def test_a_port_that_is_taken_stops_the_start() -> None:
    """The error names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"metrics\.listen 127\.0\.0\.1:{port}: Address already in use"):
            open_metrics(Metrics(listen=f"127.0.0.1:{port}"))


def test_a_client_that_cannot_be_accepted_costs_no_processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server without free descriptors the client waits in the kernel's queue, and the thread for a moment."""
    server = MetricsServer("127.0.0.1", 0)
    pauses: list[float] = []

    def wait(pause_s: float) -> None:
        pauses.append(pause_s)
        server._is_ending.set()

    def refuse(self: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(server._server, "is_ending", SimpleNamespace(wait=wait))
    monkeypatch.setattr(WSGIServer, "get_request", refuse)
    with socket.create_connection(server._server.socket.getsockname()):
        server.run()
    server.stop(1)
    assert pauses == [metrics_server._PAUSE_S]


def test_metrics_can_be_on_an_ipv6_address() -> None:
    """The log shows the address as a browser wants it."""
    server = MetricsServer(*Metrics(listen="[::1]:0").address)
    assert re.fullmatch(r"http://\[::1\]:[1-9][0-9]*/metrics", server.url)
    server.stop(1)


@pytest.mark.parametrize(
    "text, valid",
    [
        ("", True),
        ("localhost:0", True),
        ("127.0.0.1:65535", True),
        ("[::1]:59999", True),
        ("127.0.0.1:65536", False),
        ("127.0.0.1:99999", False),
        ("127.0.0.1", False),
        ("::1:9667", False),
        ("example.org:9667", False),
    ],
)
def test_an_address_has_a_port_that_exists(text: str, valid: bool) -> None:
    """What no socket can have is refused with the file's other errors, not by a fault at the start."""
    key = find_key("metrics.listen")
    assert key is not None
    with contextlib.suppress(ValueError):
        assert key.kind.read(text) == text
        assert valid
        return
    assert not valid
