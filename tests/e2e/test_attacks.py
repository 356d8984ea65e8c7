"""The attacks of ``bench/abuse.py`` do what they say, and the daemon is well after them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.daemon import CAP_S, Place, stopped_well
from harness.tls import ListeningDaemon

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def attacked() -> Iterator[ListeningDaemon]:
    """A daemon with its default limits, a WebSocket listener, and the account that an attack uses."""
    with Place.make() as place:
        place.create("member0", password="bench")
        yield from stopped_well(ListeningDaemon(place, 'kind = "websocket"'))


def run_attack(daemon: ListeningDaemon, name: str, seconds: int = 1) -> dict[str, Any]:
    """Run an attack for so long. Returns what it says that it has done."""
    ports = json.dumps({"port": daemon.port, "websocket": daemon.second_port})
    done = subprocess.run(
        [sys.executable, str(BENCH / "attacks.py"), name, "chatroom", ports],
        input=f"go {seconds}\nend\n",
        capture_output=True,
        text=True,
        timeout=4 * CAP_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert daemon.is_well()
    ready, told = done.stdout.splitlines()
    assert ready == "ready"
    answer: dict[str, Any] = json.loads(told)
    return answer


def test_a_flood_is_sent_and_its_answers_are_read(attacked: ListeningDaemon) -> None:
    """Fifty connections send at least their bursts, the daemon answers them and closes none."""
    told = run_attack(attacked, "names")
    assert told["lines"] >= 2000
    assert told["read_kb"] > 0
    assert told["closed"] == 0


def test_slow_readers_read_nothing(attacked: ListeningDaemon) -> None:
    """They send as much, and no answer is read."""
    told = run_attack(attacked, "slow-readers")
    assert told["lines"] >= 2000
    assert told["read_kb"] == 0


def test_pings_come_through_and_are_too_many() -> None:
    """The daemon answers some pings, and closes all connections that send more."""
    # 50 may wait, and not 500: a busy machine takes too long to read so many of each connection.
    with Place.make(limits__queue_lines=50) as place:
        for attacked in stopped_well(ListeningDaemon(place, 'kind = "websocket"')):
            told = run_attack(attacked, "pings")
            if told["closed"] < 50:  # on a busy machine, a second is too short to send too many
                told = run_attack(attacked, "pings", 20)
    assert told["read_kb"] > 0
    assert told["closed"] == 50


def test_visits_are_refused_from_one_address(attacked: ListeningDaemon) -> None:
    """More connections are made than an address may make in a minute."""
    told = run_attack(attacked, "refused")
    assert told["closed"] > 120
    assert attacked.log_lines("127.66.0.1")


def test_an_account_comes_and_goes(attacked: ListeningDaemon) -> None:
    """It has logged in, and makes channels."""
    told = run_attack(attacked, "presence")
    assert told["lines"] >= 80
    rows = attacked.place.ctl_json("audit", "list", "--actor", "member0")
    assert {row["target"] for row in rows if row["action"] == "channel.create"} >= {"#p0", "#p1"}
