"""``chatroomctl cluster status``: what is printed of what Redis knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from harness.control_server import ControlServer

from chatroom.errors import RedisUnreachable
from chatroom.server.cluster import cluster_report
from chatroom.server.cluster.cluster_report import ClusterReport, read_report

Run = Callable[..., Result]

ALICE = (
    '{"server": "a.chat.example", "version": "chatroom-1", "machine": "one", "clients": 3, "position": 40, "told": 7}'
)
ANSWER = [
    b"42",
    b"7",
    b"b/5",
    b"1000",
    b"1250",
    b"1",
    [b"c", b"6", b"0", b"1", b'{"position": 12}'],
    [b"a", b"4", b"1", b"1", ALICE.encode()],
    [b"b", b"5", b"1", b"0", b"what is this"],
    [b"d", b"0", b"0", b"0", b"{}"],
]


@pytest.fixture
def configured(tmp_path: Path) -> list[str]:
    """The options for a configuration with a cluster whose database nobody asks."""
    file = tmp_path / "chatroom.toml"
    file.write_text(
        '[database]\nurl = "postgresql:///chat?host=/nowhere"\n[cluster]\nnode = "a"\nredis = "redis://localhost:1"\n'
    )
    return ["--config", str(file)]


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What Redis answers, which a test may replace."""
    answers: list[object] = [read_report(ANSWER)]

    def ask(settings: object) -> ClusterReport:
        (answer,) = answers
        if isinstance(answer, ClusterReport):
            return answer
        raise RedisUnreachable(str(answer))

    monkeypatch.setattr(cluster_report, "ask_redis", ask)
    return answers


def test_each_node_is_a_line(run: Run, configured: list[str], redis: list[object]) -> None:
    """With its state and lag; a node that has told nothing, or cannot be read, has dashes. Then the turn."""
    result = run(*configured, "cluster", "status")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[1] == ["a", "alive", "a.chat.example", "chatroom-1", "one", "3", "40", "2"]
    assert rows[2] == ["b", "starting", *"------"]
    assert rows[3] == ["c", "silent", *"----", "12", "-"]
    assert rows[4] == ["d", "away", *"------"]
    assert result.stdout.endswith("\nThe stream is at 42. Node b has the turn for 0.250 s, and 1 waits for it.\n")
    assert result.exit_code == 0


def test_without_the_package(run: Run, configured: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says which one to install."""
    for name in ("cluster_report", "redis_line"):
        monkeypatch.delitem(sys.modules, f"chatroom.server.cluster.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "redis.connection", None)
    result = run(*configured, "cluster", "status")
    assert result.stderr == "chatroomctl: a cluster needs a package: pip install 'chatroom[cluster]'\n"
    assert result.exit_code == 1


def test_a_daemon_that_is_down_is_said(run: Run, configured: list[str], redis: list[object]) -> None:
    """On stderr, so that a pipe gets the answer alone."""
    result = run(*configured, "cluster", "status", "--json")
    assert result.stderr == "chatroomctl: node a on this machine: it does not run. This is what Redis knows\n"
    document = json.loads(result.stdout)
    assert document["turn"] == {"number": 7, "node": "b", "held_s": 0.25, "waiting": 1}
    assert [(node["name"], node["state"], node["lag"]) for node in document["nodes"]] == [
        ("a", "alive", 2),
        ("b", "starting", None),
        ("c", "silent", None),
        ("d", "away", None),
    ]
    assert document["nodes"][0]["clients"] == 3 and "told" not in document["nodes"][0]


def test_without_redis_the_node_says_what_it_knows(
    run: Run, configured: list[str], redis: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own words, if it runs; else that it does not."""
    redis[0] = "redis://localhost:1: Redis does not answer"
    result = run(*configured, "cluster", "status")
    assert (result.exit_code, result.stdout) == (1, "")
    wanted = "chatroomctl: redis://localhost:1: Redis does not answer. Node a on this machine: "
    assert result.stderr == f"{wanted}it does not run\n"
    database = tmp_path / "x.db"
    answer = [":a NOTE STATUS node :a", ":a NOTE STATUS cluster :not connected for 12 s"]
    server = ControlServer(database, {"STATUS": answer})
    monkeypatch.setattr("chatroom.ctl.control_client.local_path", lambda address: database)
    try:
        result = run(*configured, "cluster", "status")
    finally:
        server.close()
    assert result.stderr == f"{wanted}not connected for 12 s\n"


def test_nobody_has_the_turn(run: Run, configured: list[str], redis: list[object]) -> None:
    """As most of the time, if nobody says anything."""
    redis[0] = read_report([b"42", b"7", b"", b"", b"1250", b"0"])
    assert run(*configured, "cluster", "status").stdout.endswith("The stream is at 42. Nobody has the turn.\n")


def test_status_of_one_node(run: Run, configured: list[str], redis: list[object]) -> None:
    """What it has told of itself. A name that no node has is refused with those that there are."""
    assert json.loads(run(*configured, "status", "--node", "a", "--json").stdout)["server"] == "a.chat.example"
    shown = run(*configured, "status", "--node", "c").stdout.split()
    assert shown[:4] == ["node", "c", "state", "silent"] and shown[-4:] == ["position", "12", "lag", "-"]
    result = run(*configured, "status", "--node", "e")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        1,
        "chatroomctl: there is no node e: there are a, b, c, d",
    )


def test_without_a_cluster(run: Run, database: Path) -> None:
    """One line says what is not set."""
    result = run("--database", database, "cluster", "status")
    assert (result.exit_code, result.stderr) == (
        1,
        "chatroomctl: this server is in no cluster: cluster.redis is not set\n",
    )


def test_people_of_a_node_that_is_none(
    run: Run, configured: list[str], redis: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty list would say that it is there, and that nobody is connected to it."""
    database = tmp_path / "x.db"
    server = ControlServer(database, {"STATUS": [":a NOTE STATUS node :a"], "SESSIONS": []})
    monkeypatch.setattr("chatroom.ctl.control_client.local_path", lambda address: database)
    try:
        nobody, unknown = (run(*configured, "who", "--node", name) for name in ("b", "e"))
    finally:
        server.close()
    assert (nobody.exit_code, nobody.stdout.split()[0], nobody.stderr) == (0, "NICK", "")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert unknown.stderr == "chatroomctl: there is no node e: there are a, b, c, d\n"


def test_a_live_view_is_of_the_daemon_here(run: Run, configured: list[str], redis: list[object]) -> None:
    """With --node, --watch would be left out silently."""
    result = run(*configured, "status", "--watch", "--node", "a")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "leave out --node" in result.stderr


def test_short_names(run: Run, configured: list[str], redis: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """ls and list show the nodes, rm and the like forget one."""
    monkeypatch.setattr(cluster_report, "forget_node", lambda settings, name: "done")
    status = run(*configured, "cluster", "status").stdout
    assert run(*configured, "cluster", "ls").stdout == run(*configured, "cluster", "list").stdout == status
    for name in ("rm", "del", "delete", "remove"):
        assert run(*configured, "cluster", name, "d").stdout == "Forgot node d\n"
