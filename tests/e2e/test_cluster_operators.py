"""``chatroomctl`` on one node of a cluster speaks of all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from harness.cluster import Cluster
from harness.daemon import PASSWORD, Daemon, Place, until
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")


@pytest.fixture(scope="module")
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """Two nodes, for all tests that stop none."""
    with Cluster.running(postgresql_server, "a", "b", limits__enabled=False) as running:
        yield running


@pytest.fixture
def pair(cluster: Cluster) -> tuple[Daemon, Daemon]:
    """The two nodes, without the people of the tests before."""
    a, b = cluster.nodes.values()
    until(lambda: a.status()["users"] == b.status()["users"] == 0, "nobody is left")
    return a, b


def nodes_of(place: Place) -> dict[str, object]:
    """The state of each node, as ``cluster status`` has it."""
    return {node["name"]: node["state"] for node in place.ctl_json("cluster", "status")["nodes"]}


def test_who_lists_the_people_of_all_nodes(pair: tuple[Daemon, Daemon]) -> None:
    """From either node, each with its node; --node narrows."""
    a, b = pair
    with a.connect("ann1") as ann, b.connect("bob1", from_address="127.0.0.9") as bob:
        bob.ask("JOIN #tea")
        ann.ask("JOIN #tea")
        bob.expect(":ann1!")
        for node in (a, b):
            found = {one["nick"]: one for one in node.place.ctl_json("who")}
            assert {nick: one["node"] for nick, one in found.items()} == {"ann1": "a", "bob1": "b"}
            assert found["bob1"]["address"] == "127.0.0.9"
            assert "#tea" in found["bob1"]["channels"]
        assert [one["nick"] for one in a.place.ctl_json("who", "--node", "b")] == ["bob1"]
        assert a.place.ctl("who").splitlines()[0].split()[:2] == ["NODE", "NICK"]


def test_kick_disconnects_a_person_of_another_node(pair: tuple[Daemon, Daemon]) -> None:
    """The person reads why, and the channel's members on both nodes that it has gone."""
    a, b = pair
    with a.connect("ann2") as ann, b.connect("bob2") as bob:
        bob.ask("JOIN #tea")
        ann.ask("JOIN #tea")
        assert a.place.ctl("kick", "bob2", "calm", "down") == "bob2 was kicked\n"
        assert "calm down" in bob.expect_closed()[-1]
        assert "calm down" in ann.expect("QUIT")


def test_kick_from_one_node_leaves_the_other_devices(pair: tuple[Daemon, Daemon]) -> None:
    """An account with devices on both nodes loses that of the node, and stays."""
    a, b = pair
    b.create("una5")
    with (
        a.connect("ann5") as ann,
        a.connect("una5", password=PASSWORD) as here,
        b.connect("una5", password=PASSWORD) as there,
    ):
        assert b.place.run("kick", "--node", "c", "una5").returncode == 1
        assert a.place.ctl("kick", "--node", "b", "una5", "move over") == "una5 was kicked from node b\n"
        assert "move over" in there.expect_closed()[-1]
        here.ask("PING still")
        ann.send("PRIVMSG una5 :hello")
        here.expect("PRIVMSG una5 :hello")


def test_an_announcement_reaches_all_nodes_or_one(pair: tuple[Daemon, Daemon]) -> None:
    """Each person once, in the order in which they were made."""
    a, b = pair
    with a.connect("ann3") as ann, b.connect("bob3") as bob:
        assert a.place.ctl("announce", "to", "all") == "Sent to 2 users\n"
        assert a.place.ctl("announce", "--node", "b", "to b") == "Sent to 1 user\n"
        assert b.place.ctl("announce", "--node", "a", "to a") == "Sent to 1 user\n"
        assert b.place.ctl("announce", "to", "all") == "Sent to 2 users\n"
        for client, own in ((ann, "to a"), (bob, "to b")):
            assert [client.expect("NOTICE").partition(" :")[2] for _ in range(3)] == ["to all", own, "to all"]
        assert a.place.run("announce", "--node", "c", "x").returncode == 1


def test_the_nodes_name_each_other(pair: tuple[Daemon, Daemon]) -> None:
    """To people (WHOIS, LINKS, MAP, LUSERS) and to operators (status, cluster status)."""
    a, b = pair
    with a.connect("ann4") as ann, b.connect("bob4") as bob:
        ann.ask("JOIN #tea")
        bob.ask("JOIN #tea")
        ann.expect(":bob4!")
        assert " b.test " in next(line for line in ann.ask("WHOIS bob4") if " 312 " in line)
        assert [line.split()[3] for line in ann.ask("LINKS") if " 364 " in line] == ["a.test", "b.test"]
        assert [line.split(" :")[1] for line in bob.ask("MAP") if " 006 " in line] == [
            "b.test (1 user)",
            "`-a.test (1 user)",
        ]
        counts = ann.ask("LUSERS")
        assert any("There are 2 users and 0 invisible on 2 servers" in line for line in counts)
        assert any("I have 1 clients and 1 servers" in line for line in counts)
        # Each of these is as of a heartbeat.
        until(lambda: (a.status()["nodes"], a.status()["cluster"]) == ("a, b", "connected"), "a knows both")
        status = a.status()
        assert (status["node"], status["users"]) == ("a", 2)
        until(lambda: a.place.ctl_json("status", "--node", "b")["clients"] == 1, "b has told of its client")
        assert a.place.ctl_json("status", "--node", "b")["server"] == "b.test"
        until(lambda: nodes_of(b.place) == {"a": "alive", "b": "alive"}, "both are alive")


def test_a_ban_from_a_machine_without_a_daemon(cluster: Cluster, pair: tuple[Daemon, Daemon]) -> None:
    """Its command knows the database alone. Both nodes end who is banned, and let nobody in under the ban."""
    a, b = pair
    with a.connect("eve", from_address="127.0.0.66") as eve, b.connect("ewa", from_address="127.0.0.67") as ewa:
        with Place.make(database__url=cluster.address.url) as elsewhere:
            words = ["--database", cluster.address.url, "ban", "add", "127.0.0.66/31", "--reason", "floods", "--force"]
            done = elsewhere.run(*words)
            assert done.returncode == 0, done.stderr
        for banned in (eve, ewa):
            assert "floods" in banned.expect_closed()[-1]
    for node in (a, b):
        with node.open("127.0.0.67") as again:
            again.send("NICK again", "USER again 0 * :again")
            assert any("floods" in line for line in again.expect_closed())


def test_a_stopped_node_is_away_and_a_killed_one_too(postgresql_server: PostgresqlServer) -> None:
    """Until it is forgotten, or started again. The command works where no node runs any more."""
    with Cluster.running(postgresql_server, "a", "b", "c") as cluster:
        a, b, c = cluster.nodes.values()
        a.expect_log("node c has joined the cluster")
        c.expect_log("node c of the cluster chatroom at unix:///")
        assert b.stop() == 0
        a.expect_log("node b has left the cluster")
        c.kill()
        a.expect_log("node c is gone")
        until(lambda: nodes_of(a.place) == {"a": "alive", "b": "away", "c": "away"}, "both are known to be gone")
        assert a.place.ctl("cluster", "forget", "c") == "Forgot node c\n"
        cluster.start("b")
        until(lambda: nodes_of(a.place) == {"a": "alive", "b": "alive"}, "both are alive")
        done = b.place.run("cluster", "status", "--json")
        assert done.stderr == "chatroomctl: node b on this machine: it does not run. This is what Redis knows\n"
        assert len(json.loads(done.stdout)["nodes"]) == 2


def test_without_redis_a_node_answers_for_itself(postgresql_server: PostgresqlServer) -> None:
    """status, who and metrics go on; cluster status says that Redis does not answer, and what the node knows."""
    with Cluster.running(postgresql_server, "a", metrics__listen="127.0.0.1:0") as cluster:
        (a,) = cluster.nodes.values()
        url = a.expect_log("metrics at ").rpartition(" ")[2]
        assert b"\nchatroom_cluster_nodes 1.0\n" in urlopen(url).read()
        with a.connect("ann"):
            cluster.redis.stop()
            until(lambda: a.status()["cluster"].startswith("not connected to the others for "), "a notices")
            assert [one["nick"] for one in a.place.ctl_json("who")] == ["ann"]
            assert b"\nchatroom_cluster_connected 0.0\n" in urlopen(url).read()
            done = a.place.run("cluster", "status")
            assert done.returncode == 1 and "Node a on this machine: not connected to the others" in done.stderr
            cluster.redis.start()
            until(lambda: a.status()["cluster"] == "connected", "a is connected again")
