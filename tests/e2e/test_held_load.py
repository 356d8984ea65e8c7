"""Connections held for a while, which talk, come and go: what the daemon uses must not grow.

The soak writes its figures where ``HELD_FIGURES`` says; ``bench/held.py`` draws them (``make bench-held``).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from statistics import mean

import pytest
from harness.daemon import Daemon, running, until
from harness.held_crowd import Crowd
from harness.process_load import Load, read_load

CONNECTIONS = int(os.environ.get("HELD_CONNECTIONS", "5000"))
SECONDS = 60 * float(os.environ.get("HELD_MINUTES", "10"))
TALK_PER_S, CHURN_PER_S = 40, 20
WARM_UP = 0.2
"""How long, in parts of the time, the crowd does three times as much before it is measured: what is bounded, such as
WHOWAS and the page caches of the database, is full then."""
GROWTH = 1.03
"""How much larger the memory of the last fifth may be than that of the second fifth, on average."""


def hold(daemon: Daemon, size: int, seconds: float, churn_per_s: float) -> list[dict[str, float]]:
    """Hold a crowd, and return what the daemon used in each second. Nobody may be disconnected or left unanswered."""
    pid = daemon.process.pid
    figures: list[dict[str, float]] = []
    crowd = Crowd(daemon.port, size, 5)
    try:
        crowd.fill()
        crowd.live(WARM_UP * seconds, 3 * TALK_PER_S, 3 * churn_per_s, lambda at_s: None)
        crowd.waits_ms.clear()

        def look(at_s: float) -> None:
            waits = sorted(crowd.waits_ms) or [0.0]
            crowd.waits_ms.clear()
            load: Load = read_load(pid)
            figures.append({"at_s": at_s, **load._asdict(), "wait_ms": waits[len(waits) // 2], "longest_ms": waits[-1]})

        crowd.live(seconds, TALK_PER_S, churn_per_s, look)
        assert not crowd.lost, crowd.lost[:10]
        assert crowd.changed >= seconds * churn_per_s * 0.9
        until(lambda: daemon.place.ctl_json("status")["sessions"] == size + 1, "the sessions are those of the crowd")
    finally:
        crowd.close()
    until(lambda: daemon.place.ctl_json("status")["sessions"] == 0, "all are gone")
    assert {figure["threads"] for figure in figures} == {figures[0]["threads"]}
    return figures


def test_a_crowd_that_comes_and_goes_leaves_nothing_behind() -> None:
    """A short form of the soak below."""
    with running(channels__autojoin="[]", server__io_threads=1) as daemon:
        before = read_load(daemon.process.pid).sockets
        hold(daemon, 100, 0.7, 100)
        until(lambda: read_load(daemon.process.pid).sockets == before, "no socket is left open")


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_five_thousand_connections_for_ten_minutes() -> None:
    """``HELD_CONNECTIONS`` for ``HELD_MINUTES``: memory, threads and sockets stay flat."""
    with running(channels__autojoin="[]", server__io_threads=1) as daemon:
        figures = hold(daemon, CONNECTIONS, SECONDS, CHURN_PER_S)
    if "HELD_FIGURES" in os.environ:
        Path(os.environ["HELD_FIGURES"]).write_text(json.dumps(figures))
    fifth = len(figures) // 5
    memory = [figure["resident_bytes"] for figure in figures]
    second, last = mean(memory[fifth : 2 * fifth]), mean(memory[-fifth:])
    print(f"MiB: {memory[0] / 2**20:.1f} at first, {second / 2**20:.1f}, {last / 2**20:.1f} at last")  # noqa: T201
    assert last <= second * GROWTH
    assert max(figure["sockets"] for figure in figures) <= CONNECTIONS + 200
