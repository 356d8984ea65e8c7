"""A node dies, stands still or loses a thread at each point of a turn, of a start and of a return: nothing is lost.

The chaos (``test_cluster_chaos``) comes to the same points at random moments.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.cluster import Cluster, Room, history_of, is_back, texts_of
from harness.daemon import Client, until, verb_of
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")

_LAST = "last words"
_LOSE_ANSWER = """
import os, time
from chatroom.errors import RedisUnreachable
from chatroom.server.cluster import scripts
from chatroom.server.cluster.redis_line import RedisLine

def run(line, script, *rest):
    answer = real(line, script, *rest)
    if script is scripts.APPEND:
        RedisLine.run = real
        while not os.path.exists(os.environ["INJECTED_CODE"] + "-gone"):
            time.sleep(0.01)
        raise RedisUnreachable("the answer is lost")
    return answer

real, RedisLine.run = RedisLine.run, run
"""


@pytest.fixture
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """No nodes yet."""
    with Cluster.running(postgresql_server, limits__enabled=False) as running:
        yield running


def check_goes_on(room: Room, speaker: Client) -> None:
    """All speak again. Nobody has read what was refused, and all but the speaker have read the last words, once."""
    until(lambda: is_back(speaker), "the cluster goes on")
    for nick in room.people:
        room.say(nick)
    for client in room.people.values():
        told = texts_of(client.lines)
        assert "lost" not in told
        assert told.count(_LAST) == (client is not speaker)


def check_told(room: Room, *, is_told: bool) -> None:
    """All who are there have read the last words once, and the history has them, or neither."""
    for nick in room.people:
        room.say(nick)
    for nick, client in room.people.items():
        assert texts_of(client.lines).count(_LAST) == (is_told and nick != "bea")  # who came later
        assert history_of(client).count(_LAST) == is_told


@pytest.mark.parametrize(
    "point, death",
    [
        ("before begin", "freeze"),
        ("before commit", "kill"),
        ("after commit", "freeze"),  # killed there it is in ``test_cluster_faults``
        ("after commit", "end thread"),
        ("after append", "kill"),
    ],
)
def test_in_a_turn(cluster: Cluster, point: str, death: str) -> None:
    """What is stored is told once, and what is told is stored. A node that does not die returns."""
    points = cluster.points("b")
    cluster.start("a", "b", "c")
    with Room(cluster, ann="a", bob="b", cid="c") as room:
        planted = points.plant(cluster.nodes["b"], point, death)
        room.people["bob"].send(f"PRIVMSG #lobby :{_LAST}")
        planted.wait()
        bob = room.lose("bob")
        for client in room.people.values():
            while not client.expect("QUIT").startswith(":bob!"):
                pass
        if death == "freeze":
            planted.thaw()
        if death != "kill":
            assert verb_of(bob.expect_closed()[-1]) == "ERROR"
            room.enter("bea", "b")
        check_told(room, is_told="before" not in point)


def test_a_channel_that_was_renamed_in_a_broken_turn(cluster: Cluster) -> None:
    """The others read of its new name, and find there what was said under the old one."""
    points = cluster.points("b")
    cluster.start("a", "b", "c")
    with Room(cluster, ann="a", bob="b", cid="c") as room:
        bob, others = room.people["bob"], (room.people["ann"], room.people["cid"])
        bob.ask("JOIN #tea")
        for client in others:
            client.ask("CAP REQ :draft/channel-rename", "JOIN #tea")
        bob.ask("PRIVMSG #tea :before")
        planted = points.plant(cluster.nodes["b"], "after commit", "kill")
        bob.send("RENAME #tea #coffee")
        planted.wait()
        room.lose("bob")
        for client in others:
            client.expect("RENAME #tea #coffee")
        others[0].ask("PRIVMSG #coffee :after")
        others[1].expect("PRIVMSG #coffee :after")
        for client in others:
            client.ask("CAP REQ :draft/chathistory message-tags batch")
            told = [line for line in client.ask("CHATHISTORY LATEST #coffee * 9") if "PRIVMSG #coffee" in line]
            assert [line.rpartition(":")[2] for line in told] == ["before", "after"]


def test_redis_goes_in_the_middle_of_a_turn(cluster: Cluster) -> None:
    """What the turn says is late. Its people are answered and refused meanwhile like all others, and told it once."""
    points = cluster.points("b")
    cluster.start("a", "b")
    with Room(cluster, "draft/chathistory batch message-tags", ann="a", bob="b", bea="b") as room:
        bob, bea = room.people["bob"], room.people["bea"]
        planted = points.plant(cluster.nodes["b"], "after commit", "hold")
        bob.send(f"PRIVMSG #lobby :{_LAST}")
        planted.wait()
        cluster.redis.pause()
        planted.release()
        bea.send("CHATHISTORY LATEST #lobby * 100")
        for nick in room.people:
            assert room.refuses(nick)
        for client in (bob, bea):
            assert _LAST not in texts_of(client.lines)
            assert any(" 353 " in line for line in client.ask("NAMES #lobby"))
            assert _LAST not in texts_of(client.ask("CHATHISTORY LATEST #lobby * 100"))
        cluster.redis.resume()
        for nick in ("ann", "bea"):
            room.people[nick].expect(f":{_LAST}")
        check_goes_on(room, bob)
        assert history_of(bob).count(_LAST) == 1


@pytest.mark.parametrize("keeps_data", [True, False], ids=["kept", "empty"])
def test_redis_goes_before_a_turn_begins(cluster: Cluster, keeps_data: bool) -> None:
    """What is said when it has gone is refused like everything else, though the node was given a turn before."""
    points = cluster.points("b")
    cluster.start("a", "b")
    with Room(cluster, ann="a", bob="b", bea="b") as room:
        bob, bea = room.people["bob"], room.people["bea"]
        planted = points.plant(cluster.nodes["b"], "turn given", "hold")
        bob.send("AWAY :for a moment")
        planted.wait()
        cluster.redis.stop()
        bea.send("PRIVMSG #lobby :lost")
        planted.release()
        assert "NOT_CONNECTED" in bea.expect("FAIL PRIVMSG")
        assert "NOT_CONNECTED" in bob.expect("FAIL AWAY")
        if not keeps_data:
            cluster.redis.forget_data()
        cluster.redis.start()
        until(lambda: is_back(bob), "the cluster goes on")
        for nick in room.people:
            room.say(nick)
        for client in room.people.values():
            assert "lost" not in texts_of(client.lines) + history_of(client)


def test_redis_goes_when_it_has_appended(cluster: Cluster) -> None:
    """The others have read what the turn says, and its own node mostly, too. Its people are refused like all others."""
    code = cluster.injected("b")
    cluster.start("a", "b")
    with Room(cluster, ann="a", bob="b", bea="b") as room:
        bob, bea = room.people["bob"], room.people["bea"]
        code.run(_LOSE_ANSWER)
        bob.send(f"PRIVMSG #lobby :{_LAST}")
        room.people["ann"].expect(f":{_LAST}")
        cluster.redis.stop()
        code.sign("gone").touch()
        for nick in room.people:
            assert room.refuses(nick)
        cluster.redis.start()
        check_goes_on(room, bob)
        assert history_of(bea).count(_LAST) == 1


def test_the_node_that_tells_of_a_broken_turn_dies_too(cluster: Cluster) -> None:
    """The third one tells, once."""
    points = {name: cluster.points(name) for name in "ab"}
    cluster.start("a", "b", "c")
    with Room(cluster, ann="a", bob="b", cid="c") as room:
        first = points["b"].plant(cluster.nodes["b"], "after commit", "kill")
        second = points["a"].plant(cluster.nodes["a"], "in mending", "kill")
        room.people["bob"].send(f"PRIVMSG #lobby :{_LAST}")
        first.wait()
        room.people["ann"].send("AWAY :for a moment")
        second.wait()
        room.lose("bob"), room.lose("ann")
        cid = room.people["cid"]
        until(lambda: any(":ann!" in line and "QUIT" in line for line in cid.collect()), "ann is gone")
        check_told(room, is_told=True)


def test_redis_goes_before_a_broken_turn_begins(cluster: Cluster) -> None:
    """What the dead node has stored is asked for once more when Redis is back, and told once."""
    points = {name: cluster.points(name) for name in "ab"}
    cluster.start("a", "b")
    with Room(cluster, ann="a", bob="b", ada="a") as room:
        ann, ada = room.people["ann"], room.people["ada"]
        first = points["b"].plant(cluster.nodes["b"], "after commit", "kill")
        second = points["a"].plant(cluster.nodes["a"], "in mending", "hold")
        room.people["bob"].send(f"PRIVMSG #lobby :{_LAST}")
        first.wait()
        room.lose("bob")
        second.wait()
        cluster.redis.stop()
        ann.send("PRIVMSG #lobby :lost")
        second.release()
        assert "NOT_CONNECTED" in ann.expect("FAIL")
        cluster.redis.start()
        ada.expect(f":{_LAST}")
        until(lambda: is_back(ann), "the cluster goes on")
        check_told(room, is_told=True)
        for client in room.people.values():
            assert "lost" not in texts_of(client.lines) + history_of(client)


def test_while_a_snapshot_is_written(cluster: Cluster) -> None:
    """The node that joins asks again, and another one answers."""
    points = cluster.points("a")
    cluster.start("a", "b")
    planted = points.plant(cluster.nodes["a"], "before snapshot", "kill")
    cluster.start("c")
    planted.wait()
    with Room(cluster, bob="b", cid="c"):
        pass


def test_while_the_nodes_agree_on_the_stream(cluster: Cluster) -> None:
    """One founder after the other dies with its plan, and the last node makes one."""
    points = {name: cluster.points(name) for name in "ab"}
    cluster.start("a", "b", "c")
    with Room(cluster, ann="a", bob="b", cid="c") as room:
        planted = [points[name].plant(cluster.nodes[name], "in founding", "kill") for name in "ab"]
        cluster.redis.restart(keeps_data=False)
        for one in planted:
            one.wait()
        room.lose("ann"), room.lose("bob")
        cid = room.people["cid"]
        until(lambda: is_back(cid), "the last node goes on")
        until(lambda: "ann" not in "".join(cid.ask("NAMES #lobby")), "the others are gone")
        room.say("cid")


def test_while_a_node_returns(cluster: Cluster) -> None:
    """Its thread begins again, and it returns all the same."""
    points = cluster.points("b")
    cluster.start("a", "b")
    planted = points.plant(cluster.nodes["b"], "in return", "end thread")
    points.lose_place()
    planted.wait()
    cluster.nodes["b"].expect_log("this node is one of the cluster again")
    with Room(cluster, ann="a", bob="b"):
        pass
