"""A node that cannot follow the others any more, or whose world is not theirs, begins anew with what they have.

One of a neighbouring version need not.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest
from harness.cluster import Cluster, Room, texts_of
from harness.daemon import PASSWORD, Client, until, verb_of
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")

_STREAM = "chatroom:stream"
_FORGET_ANN = """
from chatroom.server.cluster.cluster_hub import ClusterHub

def forget(self):
    ClusterHub.begin = begin
    del self.world.users["ann"]
    begin(self)

begin, ClusterHub.begin = ClusterHub.begin, forget
"""
"""Makes the world of a node differ, as a bug would."""
_WRITE_AS_TOMORROW = """
from chatroom.server.cluster import turn_journal

def write(records):
    for kind, *items in records:
        documents = [one for item in items for one in (item if isinstance(item, list) else [item])]
        for document in documents if kind not in ("values", "say", "seen") else ():
            if isinstance(document, dict):
                document["of tomorrow"] = [1]
                document.get("caps", []).insert(0, "draft/of-tomorrow")
    return encode([records[0], ["of tomorrow", {}], *records[1:]])

encode, turn_journal.encode_records = turn_journal.encode_records, write
"""
"""Has a node write what a later version may: kinds, keys and capabilities that the others do not know."""
_IDLE = re.compile(r"(?<=^317 )(\S+ \S+) \d+")
_QUESTIONS = ("NAMES #tea", "TOPIC #tea", "MODE #tea", "MODE #tea b", "WHOIS anne", "NAMES #lobby", "WHOIS ann")


@pytest.fixture
def cluster(postgresql_server: PostgresqlServer) -> Iterator[Cluster]:
    """Two nodes. Neither is gone before a minute has passed."""
    settings: dict[str, float | str] = {"cluster.lease_s": 20.0, "limits.enabled": False}
    with Cluster.running(postgresql_server, **settings) as running:
        yield running


def answers_of(client: Client, nick: str) -> list[list[str]]:
    """What a client is told of the world, without its nick, the name of its server, and for how long one is idle."""
    told = []
    for question in _QUESTIONS:
        lines = [line for line in client.ask(question) if verb_of(line).isdecimal()]
        lines = [line.split(" ", 1)[1].replace(f" {nick} ", " * ", 1) for line in lines]
        told.append(sorted(_IDLE.sub(r"\1", line) for line in lines))
    return told


def test_a_node_behind_the_trimmed_stream(cluster: Cluster) -> None:
    """Its people connect again. An account reads what it missed, once, and the node's world is that of the others."""
    a, b = cluster.start("a", "b")
    a.create("dan")
    until(lambda: a.status()["accounts"] == b.status()["accounts"] == 1, "both nodes know dan")
    with Room(cluster, ann="a", bea="a") as room, b.connect("dan", password=PASSWORD) as dan:
        ann = room.people["ann"]
        ann.expect(":dan!")
        dan.ask("PRIVMSG #lobby :from dan")
        before = room.say("ann")
        dan.expect(before)
        cluster.freeze("b")
        missed = [room.say("ann"), room.say("bea")]
        ann.ask("JOIN #tea", "TOPIC #tea :green", "MODE #tea +ib *!*@bad.example", "PART #lobby", "NICK anne")
        ann.ask("PRIVMSG dan :missed too", "NICK ann", "JOIN #lobby")
        missed.append(room.say("ann"))
        cluster.redis.ask("XTRIM", _STREAM, "MAXLEN", "1")
        b.process.send_signal(signal.SIGCONT)
        assert verb_of(dan.expect_closed()[-1]) == "ERROR"
        b.expect_log("is not in the stream any more")
        with b.connect("dan", password=PASSWORD) as again:
            live = room.say("ann")
            again.expect(live)
            again.ask("CAP REQ :draft/chathistory message-tags")
            # It is a further device of itself until a has found b's first place gone. Then it is shown the rest.
            for text in (*missed, "missed too"):
                # What Redis had sent b already is told at once, before b notices anything.
                if not [line for line in dan.lines if line.endswith(text)]:
                    again.find(text)
            again.collect()
            for text in (*missed, "missed too", live):
                assert len([line for line in dan.lines + again.lines if line.endswith(text)]) == 1, text
            assert len(texts_of(again.lines)) == len(set(texts_of(again.lines)))
            assert texts_of(again.ask("CHATHISTORY LATEST #lobby * 100"))[-5:] == [before, *missed, live]
            assert answers_of(again, "dan") == answers_of(room.people["bea"], "bea")


def test_a_world_that_differs_is_given_up(cluster: Cluster) -> None:
    """The first record that does not fit shows it. The node says so in one line, and takes the world of the others."""
    code = cluster.injected("b")
    cluster.start("a", "b")
    cluster.faulty.add("b")
    with Room(cluster, ann="a", bea="a", bob="b") as room:
        code.run(_FORGET_ANN)
        room.people["ann"].ask("NICK anne")
        assert verb_of(room.lose("bob").expect_closed()[-1]) == "ERROR"
        cluster.nodes["b"].expect_log("the record 'nick' of a/")
        bob = room.enter("bob", "b")
        room.say("bob")
        room.say("ann")
        assert answers_of(bob, "bob") == answers_of(room.people["bea"], "bea")


def test_a_node_of_a_later_version(cluster: Cluster) -> None:
    """What the others do not know of its records they leave out. All go on, in one world."""
    code = cluster.injected("b")
    cluster.start("a", "b")
    code.run(_WRITE_AS_TOMORROW)
    with Room(cluster, caps="away-notify", bea="a", bob="b", ann="b") as room:
        ann = room.people["ann"]
        ann.ask("JOIN #tea", "TOPIC #tea :green", "MODE #tea +ib *!*@bad.example", "AWAY :out", "NICK anne")
        assert "of tomorrow" in str(cluster.redis.ask("XRANGE", _STREAM, "-", "+"))
        room.people["bea"].expect("NICK anne")
        assert "AWAY :out" in "".join(room.people["bea"].lines)
        for nick in room.people:
            room.say(nick)
        assert answers_of(room.people["bea"], "bea") == answers_of(room.people["bob"], "bob")
