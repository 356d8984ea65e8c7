"""Two nodes store one channel: after all have stopped, it is as everybody was told."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
from harness.cluster import Cluster
from harness.daemon import PASSWORD, Daemon, until
from harness.fault_points import FaultPoints
from harness.injected_code import do_store_jobs
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")


@pytest.fixture
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """No nodes yet."""
    with Cluster.running(postgresql_server, limits__enabled=False) as running:
        yield running


def stored_topic(cluster: Cluster) -> str:
    """The topic of #tea, as it is stored."""
    with psycopg.connect(cluster.address.url) as connection:
        row = connection.execute("SELECT topic FROM channels WHERE name = '#tea'").fetchone()
    return str(row[0]) if row is not None else ""


def knows_ada(node: Daemon) -> bool:
    """True if a node knows the only account."""
    return bool(node.status()["accounts"] == 1)


@pytest.mark.parametrize("death", ["hold", "freeze"])
def test_a_slow_node_stores_nothing_older_than_what_is_stored(cluster: Cluster, death: str) -> None:
    """Its worker is late. Or the node stands still, is taken for dead, and goes on where it was when it wakes."""
    code = cluster.injected("b")
    points = FaultPoints(code, lambda: None)
    a, b = cluster.start("a", "b")
    b.create("ada")
    for node in (a, b):
        until(partial(knows_ada, node), "the account is known")
    with a.connect("ada", password=PASSWORD) as here, b.connect("ada", password=PASSWORD) as there:
        here.ask("JOIN #tea", "TOPIC #tea :first")
        there.expect("TOPIC #tea :first")
        planted = points.plant(b, "before a channel is stored", death)
        there.send("TOPIC #tea :second")
        planted.wait()
        if death == "freeze":
            until(lambda: stored_topic(cluster) == "second", "the other node has stored it")
        here.send("TOPIC #tea :third")
        until(lambda: stored_topic(cluster) == "third", "the later one is stored")
        if death == "freeze":
            here.expect("TOPIC #tea :third")
            planted.thaw()
            b.expect_log("this node is one of the cluster again")
        else:
            planted.release()
            for client in (here, there):
                topics = [client.expect("TOPIC").rpartition(":")[2] for _ in range(2)]
                assert topics == ["second", "third"], "what is told last is what holds"
        do_store_jobs(code)
        assert stored_topic(cluster) == "third"


def test_a_node_dies_before_it_has_stored_who_came_and_left(cluster: Cluster) -> None:
    """The account comes back to the channels that the others know it in."""
    points = cluster.points("b")
    a, b = cluster.start("a", "b")
    b.create("ada")
    until(partial(knows_ada, a), "the account is known")
    with a.connect("ann") as ann, b.connect("ada", password=PASSWORD) as ada:
        ann.ask("JOIN #early,#late")
        ada.ask("JOIN #early")
        points.plant(b, "before an account has left", "hold")
        ada.send("PART #early", "JOIN #late")
        ann.expect("PART #early")
        ann.expect("JOIN #late")
        b.kill()
        ann.expect("QUIT")
        with a.connect("ada", password=PASSWORD) as again:
            assert "#late" in "".join(again.ask("WHOIS ada"))
            assert "#early" not in "".join(again.ask("WHOIS ada"))
