"""A node dies while it gives a stored channel another name: the stored channel has the name that people know it by."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
from harness.cluster import Cluster
from harness.daemon import PASSWORD, Client, Daemon, until
from harness.fault_points import FaultPoints
from harness.injected_code import do_store_jobs
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")


@pytest.fixture
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """No nodes yet."""
    with Cluster.running(postgresql_server, limits__enabled=False) as running:
        yield running


def stored_channels(cluster: Cluster) -> dict[str, str]:
    """The stored channels, each with its topic."""
    with psycopg.connect(cluster.address.url) as connection:
        rows = connection.execute("SELECT name, topic FROM channels WHERE name != '#lobby'").fetchall()
    return dict(rows)


def count_notes(cluster: Cluster) -> int:
    """How many new names stand in one half of the database."""
    with psycopg.connect(cluster.address.url) as connection:
        row = connection.execute("SELECT count(*) FROM rename_notes WHERE balance != 0").fetchone()
    assert row is not None
    return int(row[0])


def knows_ada(node: Daemon) -> bool:
    """True if a node knows the only account."""
    return bool(node.status()["accounts"] == 1)


def make_tea(cluster: Cluster, *nodes: str) -> Client:
    """Start nodes, and have ada make a stored channel on the last one of them."""
    cluster.start(*nodes)
    cluster.nodes[nodes[-1]].create("ada")
    for node in cluster.nodes.values():
        until(partial(knows_ada, node), "the account is known")
    ada = cluster.nodes[nodes[-1]].connect("ada", password=PASSWORD)
    ada.ask("JOIN #tea", "TOPIC #tea :of leaves", "PRIVMSG #tea :before")
    until(lambda: stored_channels(cluster) == {"#tea": "of leaves"}, "the channel is stored")
    return ada


def check_channel(cluster: Cluster, node: str, name: str) -> None:
    """The channel has its topic and its history under that name."""
    with cluster.nodes[node].connect("ada", password=PASSWORD) as ada:
        ada.ask("CAP REQ :draft/chathistory message-tags batch", f"JOIN {name}")
        assert "of leaves" in "".join(ada.ask(f"TOPIC {name}"))
        lines = ada.ask(f"CHATHISTORY LATEST {name} * 9")
        assert [line.rpartition(":")[2] for line in lines if f" PRIVMSG {name}" in line] == ["before"]


def test_a_node_that_dies_before_its_turn_is_certain(cluster: Cluster) -> None:
    """The channel keeps its old name everywhere: nobody was told of another one."""
    code = cluster.injected("b")
    points = FaultPoints(code, lambda: None)
    with make_tea(cluster, "a", "b") as ada, cluster.nodes["a"].connect("ann") as ann:
        ann.ask("JOIN #tea", "CAP REQ :draft/channel-rename")
        planted = points.plant(cluster.nodes["b"], "before commit", "hold")
        ada.send("RENAME #tea #coffee")
        planted.wait()
        do_store_jobs(code)
        cluster.nodes["b"].kill()
        while not ann.expect("QUIT").startswith(":ada!"):
            pass
        assert not [line for line in ann.lines if "RENAME" in line]
        assert stored_channels(cluster) == {"#tea": "of leaves"}
    check_channel(cluster, "a", "#tea")


@pytest.mark.parametrize("point", ["after commit", "before the stores have the name"])
def test_a_node_that_dies_before_all_tables_have_the_name(cluster: Cluster, point: str) -> None:
    """The node that ends its people has the rest stored."""
    points = cluster.points("b")
    with make_tea(cluster, "a", "b") as ada, cluster.nodes["a"].connect("ann") as ann:
        ann.ask("JOIN #tea", "CAP REQ :draft/channel-rename")
        planted = points.plant(cluster.nodes["b"], point, "kill")
        ada.send("RENAME #tea #coffee")
        planted.wait()
        ann.expect("RENAME #tea #coffee")
        until(lambda: stored_channels(cluster) == {"#coffee": "of leaves"}, "the name is stored")
        until(lambda: count_notes(cluster) == 0, "nothing is left to do")
        check_channel(cluster, "a", "#coffee")


@pytest.mark.parametrize("point", ["after commit", "before the stores have the name"])
def test_the_last_node_dies_before_all_tables_have_the_name(cluster: Cluster, point: str) -> None:
    """The next start completes it, as that of a lone daemon does."""
    points = cluster.points("a")
    with make_tea(cluster, "a") as ada:
        planted = points.plant(cluster.nodes["a"], point, "kill")
        ada.send("RENAME #tea #coffee")
        planted.wait()
    cluster.start("a")
    assert stored_channels(cluster) == {"#coffee": "of leaves"}
    check_channel(cluster, "a", "#coffee")


def test_a_node_that_stood_still_does_not_store_the_name_once_more(cluster: Cluster) -> None:
    """Another node has done that meanwhile, and a later channel of the old name is another one."""
    points = cluster.points("b")
    with make_tea(cluster, "a", "b") as ada, cluster.nodes["a"].connect("ann") as ann:
        ann.ask("JOIN #tea", "CAP REQ :draft/channel-rename")
        planted = points.plant(cluster.nodes["b"], "before the stores have the name", "freeze")
        ada.send("RENAME #tea #coffee")
        planted.wait()
        until(lambda: stored_channels(cluster) == {"#coffee": "of leaves"}, "the name is stored")
        planted.thaw()
        cluster.nodes["b"].expect_log("this node is one of the cluster again")
        with cluster.nodes["a"].connect("ada", password=PASSWORD) as again:
            again.ask("JOIN #tea", "TOPIC #tea :green")
        until(lambda: len(stored_channels(cluster)) == 2, "another channel has the old name")
        assert stored_channels(cluster) == {"#coffee": "of leaves", "#tea": "green"}
        until(lambda: count_notes(cluster) == 0, "nothing is left to do")
