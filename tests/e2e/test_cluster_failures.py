"""What becomes of a cluster when something of it fails: a node, Redis, the way between them."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from harness.cluster import Cluster, Room, is_back, texts_of
from harness.daemon import Daemon, until, verb_of
from harness.postgresql_server import PostgresqlServer
from harness.web import TEXT, WebDaemon

pytestmark = pytest.mark.debian("postgres", "redis-server")


@pytest.fixture
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """Three nodes."""
    settings: dict[str, float | str] = {"history.replay_guests": 50}
    with Cluster.running(postgresql_server, "a", "b", "c", limits__enabled=False, **settings) as running:
        yield running


def test_people_of_a_killed_node_leave_and_come_back(cluster: Cluster) -> None:
    """Others read that they quit, their nicks are free, and on another node they read what they missed, once."""
    with Room(cluster, ann="a", bob="b", cid="c") as room:
        cluster.nodes["b"].kill()
        room.lose("bob")
        for client in room.people.values():
            assert client.expect(":bob!").endswith("QUIT :b is gone")
        missed = [room.say("ann"), room.say("cid")]
        bob = room.enter("bob", "c")
        room.say("ann")
        told = texts_of(bob.lines)
        for text in missed:
            assert len([one for one in told if one.endswith(text)]) == 1, told
        cluster.start("b")
        with cluster.nodes["b"].connect("dan") as dan:
            assert ":ann " in "".join(dan.ask("NAMES #lobby"))


def test_a_node_that_stops_takes_its_people_along(cluster: Cluster) -> None:
    """They read why, and the others that they quit. The node can start again."""
    with Room(cluster, ann="a", bob="b") as room:
        assert cluster.nodes["b"].stop() == 0
        bob = room.lose("bob")
        assert any("shutting down" in line for line in bob.expect_closed())
        assert room.people["ann"].expect("QUIT").endswith("QUIT :Server is shutting down")
        cluster.start("b")
        room.enter("eve", "b")
        room.say("eve")
        room.say("ann")


def test_a_node_that_stops_tells_web_clients(cluster: Cluster) -> None:
    """The close frame says that they may connect again, as that of a lone daemon does."""
    cluster.nodes["b"].stop()
    cluster.nodes["b"] = node = WebDaemon(cluster.place("b"))
    with node.open_web(TEXT).register("wanda") as wanda:
        assert node.stop() == 0
        assert any("shutting down" in line for line in wanda.expect_closed())
        assert wanda.close_code == 1012


@pytest.mark.parametrize("keeps_data", [True, False], ids=["kept", "empty"])
def test_redis_restarts(cluster: Cluster, keeps_data: bool) -> None:
    """Nobody is disconnected. What cannot be said is refused, then everything goes on."""
    with Room(cluster, ann="a", bob="b", cid="c") as room:
        cluster.redis.stop(signal.SIGTERM if keeps_data else signal.SIGKILL)
        for nick in room.people:
            assert room.refuses(nick)
        if not keeps_data:
            cluster.redis.forget_data()
        cluster.redis.start()
        until(lambda: is_back(room.people["ann"]), "the cluster goes on")
        for nick in room.people:
            room.say(nick)
        for client in room.people.values():
            told = texts_of(client.lines)
            assert "lost" not in told
            assert len(told) == len(set(told))


def test_a_short_break_is_not_noticed(cluster: Cluster) -> None:
    """What is said while Redis stands still for less than five seconds is only late."""
    with Room(cluster, ann="a", bob="b") as room:
        bob = room.people["bob"]
        bob.ask("PING fence")  # behind all that a turn of b has told bob
        cluster.redis.pause()
        room.people["ann"].send("PRIVMSG #lobby :late")
        bob.ask("PING here")
        cluster.redis.resume()
        bob.expect("PRIVMSG #lobby :late")
        room.say("bob")


def test_a_node_that_stood_still_begins_anew(cluster: Cluster) -> None:
    """The others end its people. When it goes on, they read that they must connect again, and can."""
    with Room(cluster, ann="a", bob="b") as room:
        node = cluster.nodes["b"]
        node.process.send_signal(signal.SIGSTOP)
        assert room.people["ann"].expect("QUIT").endswith("QUIT :b is gone")
        node.process.send_signal(signal.SIGCONT)
        bob = room.lose("bob")
        assert verb_of(bob.expect_closed()[-1]) == "ERROR"
        room.enter("bob", "b")
        room.say("bob")
        room.say("ann")


def test_a_second_node_of_the_same_name_is_refused(cluster: Cluster) -> None:
    """It says so in one line."""
    refused = cluster.place("a").run("serve", "--port", "0")
    assert refused.returncode == 1
    assert "a runs already" in refused.stderr.splitlines()[-1]


def test_a_node_is_not_upgraded_in_place(cluster: Cluster) -> None:
    """The command says what to do instead, and so does the log after a signal."""
    node: Daemon = cluster.nodes["a"]
    refused = node.place.run("upgrade")
    assert refused.returncode == 1
    assert "stop it and start the new one" in refused.stderr
    node.process.send_signal(signal.SIGUSR2)
    node.expect_log("stop it and start the new one")
