"""A cluster whose PostgreSQL is away or slow in the middle of a turn, and a node that is slow and lives."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial

import pytest
from harness.cluster import Cluster, Room, history_of, is_back, is_stored_again, texts_of
from harness.daemon import PASSWORD, until
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")

_LAST = "last words"


@pytest.fixture
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """No nodes yet. PostgreSQL runs again afterwards, whatever the test has done to it."""
    with Cluster.running(postgresql_server, limits__enabled=False) as running:
        try:
            yield running
        finally:
            postgresql_server.resume()


def wait_for_queue(cluster: Cluster, count: int) -> None:
    """Wait until so many nodes wait for the turn."""
    until(lambda: cluster.redis.ask("LLEN", "chatroom:queue") == count, "the others wait for the turn")


def expect_all_said(room: Room) -> None:
    """Have all read what each has said: "of" and its nick."""
    for nick in room.people:
        for client in room.people.values():
            client.find(f":of {nick}")


def check_nothing_refused(room: Room) -> None:
    """Nobody was refused anything, and all have read the same, once."""
    told = []
    for client in room.people.values():
        client.collect()
        assert not [line for line in client.lines if "FAIL" in line or line.startswith("ERROR")]
        told.append(texts_of(client.lines))
        assert len(set(told[-1])) == len(told[-1])
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("is_silent", [False, True], ids=["stopped", "silent"])
def test_a_broken_turn_while_postgresql_is_away(
    cluster: Cluster, postgresql_server: PostgresqlServer, *, is_silent: bool
) -> None:
    """The others say in their logs that they wait, hand the turn on, and tell of it when PostgreSQL is back."""
    points = cluster.points("b")
    a, _, c = cluster.start("a", "b", "c")
    with Room(cluster, ann="a", bob="b", cid="c") as room:
        planted = points.plant(cluster.nodes["b"], "after commit", "kill")
        room.people["bob"].send(f"PRIVMSG #lobby :{_LAST}")
        planted.wait()
        room.lose("bob")
        if is_silent:
            postgresql_server.pause()
        else:
            postgresql_server.stop(signal.SIGINT)
        try:
            for node in (a, c):
                node.expect_log("the turn after that of a node that has died in it waits")
        finally:
            if is_silent:
                postgresql_server.resume()
            else:
                postgresql_server.start()
        for client in room.people.values():
            until(partial(is_back, client), "the cluster goes on")
            until(partial(is_stored_again, client), "messages are stored again")
        for nick in room.people:
            room.say(nick)
        for client in room.people.values():
            assert texts_of(client.lines).count(_LAST) == 1
            assert history_of(client).count(_LAST) == 1
        for node in (a, c):
            assert len(node.log_lines("has died in it waits")) <= 2


def test_a_node_returns_while_postgresql_is_away(cluster: Cluster, postgresql_server: PostgresqlServer) -> None:
    """The only one makes its world from the database, so it waits, and says so once."""
    points = cluster.points("a")
    (a,) = cluster.start("a")
    a.create("ann")
    until(lambda: a.status()["accounts"] == 1, "the account is known")
    with a.connect("ann", password=PASSWORD) as ann:
        ann.ask("JOIN #den", "TOPIC #den :of foxes")
    postgresql_server.stop(signal.SIGINT)
    try:
        points.lose_place()
        a.expect_log("this node's return to the others waits")
    finally:
        postgresql_server.start()
    a.expect_log("this node's return to the others goes on")
    assert len(a.log_lines("this node begins anew")) == len(a.log_lines("return to the others waits")) == 1
    with a.connect("ann", password=PASSWORD) as ann:
        assert "of foxes" in "".join(ann.ask("TOPIC #den"))


def test_a_turn_that_postgresql_holds_up(cluster: Cluster, postgresql_server: PostgresqlServer) -> None:
    """The others wait. If it is not for long, nothing is refused."""
    cluster.start("a", "b", "c")
    with Room(cluster, ann="a", bob="b", cid="c", caps="echo-message") as room:
        postgresql_server.pause()
        for nick, client in room.people.items():
            client.send(f"PRIVMSG #lobby :of {nick}")
        wait_for_queue(cluster, 2)
        postgresql_server.resume()
        expect_all_said(room)
        check_nothing_refused(room)


def test_a_holder_that_stands_still_for_a_moment(cluster: Cluster) -> None:
    """As long as it has its lease, the others wait for it."""
    cluster.settings["cluster.lease_s"] = 20.0  # it must not end, however slow the machine is
    points = cluster.points("b")
    cluster.start("a", "b", "c")
    with Room(cluster, ann="a", bob="b", cid="c", caps="echo-message") as room:
        planted = points.plant(cluster.nodes["b"], "after commit", "freeze")
        room.people["bob"].send("PRIVMSG #lobby :of bob")
        planted.wait()
        for nick in ("ann", "cid"):
            room.people[nick].send(f"PRIVMSG #lobby :of {nick}")
        wait_for_queue(cluster, 2)
        planted.thaw()
        expect_all_said(room)
        check_nothing_refused(room)


@pytest.mark.parametrize("ends", [True, False], ids=["PostgreSQL ends", "only late"])
def test_a_commit_without_an_answer(cluster: Cluster, postgresql_server: PostgresqlServer, *, ends: bool) -> None:
    """It is found out if it was done. Who was told that a message is refused finds it nowhere, also afterwards."""
    cluster.start("a", "b")
    with Room(cluster, ann="a", bob="b") as room:
        ann, bob = room.people["ann"], room.people["bob"]
        postgresql_server.hold_commits()
        try:
            bob.send(f"PRIVMSG #lobby :{_LAST}")
            until(postgresql_server.count_held, "the commit is done")
            if ends:
                postgresql_server.stop()
                try:
                    assert "NOT_KEPT" in bob.expect("FAIL")
                finally:
                    postgresql_server.start()
            else:
                ann.expect(_LAST)
        finally:
            postgresql_server.release_commits()
        for client in room.people.values():
            until(partial(is_stored_again, client), "messages are stored again")
        for nick in room.people:
            room.say(nick)
        assert texts_of(ann.lines).count(_LAST) == (not ends)
        for client in room.people.values():
            assert (_LAST in history_of(client)) != ends, "what bob has said since has settled it"


def test_a_node_that_ends_before_it_knows_of_a_commit(cluster: Cluster, postgresql_server: PostgresqlServer) -> None:
    """Its next start takes back what it has refused, before it is ready. Nobody has read it but in the history."""
    place = cluster.places["b"] = cluster.place("b")
    cluster.start("a", "b")
    with Room(cluster, ann="a", bob="b") as room:
        ann, bob = room.people["ann"], room.people["bob"]
        postgresql_server.hold_commits()
        try:
            bob.send(f"PRIVMSG #lobby :{_LAST}")
            until(postgresql_server.count_held, "the commit is done")
            postgresql_server.stop()
            try:
                assert "NOT_KEPT" in bob.expect("FAIL")
                cluster.nodes["b"].kill()
            finally:
                postgresql_server.start()
        finally:
            postgresql_server.release_commits()
        room.lose("bob")
        assert _LAST not in texts_of(ann.lines)
        cluster.places["b"] = place
        cluster.start("b")
        assert _LAST not in history_of(ann)
        assert _LAST not in texts_of(ann.lines)


def test_a_node_that_ends_before_it_tells_that_it_refused(
    cluster: Cluster, postgresql_server: PostgresqlServer
) -> None:
    """The next turn tells what PostgreSQL has after all. So the next start of the node takes nothing back."""
    points = cluster.points("b")
    place = cluster.places["b"]
    cluster.start("a", "b")
    with Room(cluster, ann="a", bob="b") as room:
        ann, bob = room.people["ann"], room.people["bob"]
        planted = points.plant(cluster.nodes["b"], "before append", "kill")
        postgresql_server.hold_commits()
        try:
            bob.send(f"PRIVMSG #lobby :{_LAST}")
            until(postgresql_server.count_held, "the commit is done")
            postgresql_server.stop()
            try:
                planted.wait()
            finally:
                postgresql_server.start()
        finally:
            postgresql_server.release_commits()
        assert not [line for line in room.lose("bob").expect_closed() if "FAIL" in line]
        ann.expect(f":{_LAST}")
        cluster.places["b"] = place
        cluster.start("b")
        cid = room.enter("cid", "b")
        until(partial(is_stored_again, cid), "messages are stored again")
        for client in (ann, cid):
            assert history_of(client).count(_LAST) == 1
