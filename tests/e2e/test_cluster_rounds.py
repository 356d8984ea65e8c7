"""Nodes and Redis fail again and again while people talk: each reads every line once, and all in one order."""

from __future__ import annotations

import os
import random
import signal
from functools import partial
from itertools import combinations

import pytest
from harness.cluster import Cluster, Room, is_back, texts_of
from harness.daemon import Client, until
from harness.postgresql_server import PostgresqlServer

pytestmark = pytest.mark.debian("postgres", "redis-server")

SOAK_ROUNDS = int(os.environ.get("CLUSTER_ROUNDS", "100"))
SOAK_SEED = int(os.environ.get("CLUSTER_SEED", "1"))
KINDS = ("kill", "stop", "freeze", "redis", "empty")
_BURST = 15


class Rounds:
    """A cluster whose people talk while something of it fails. The one on node a stays."""

    def __init__(self, cluster: Cluster, room: Room, chance: random.Random) -> None:
        self.cluster = cluster
        self.room = room
        self.chance = chance
        self.homes = {"ann": "a", "bob": "b", "cid": "c"}
        self.stayed = [room.people["ann"]]
        self.clients: list[Client] = list(room.people.values())
        """All connections that there were."""

    def run(self, number: int, kind: str) -> None:
        """Have something fail while people talk, and wait until all talk with each other again."""
        self._talk(f"{number} before")
        nick = self.chance.choice(("bob", "cid"))
        node = self.cluster.nodes[self.homes[nick]]
        if kind == "redis":
            self.cluster.redis.restart()
        elif kind == "empty":
            self.cluster.redis.restart(keeps_data=False)
        else:
            number_of_signal = {"kill": signal.SIGKILL, "stop": signal.SIGTERM, "freeze": signal.SIGSTOP}[kind]
            node.process.send_signal(number_of_signal)
            self.room.lose(nick)
            self._talk(f"{number} meanwhile")
            while not self.room.people["ann"].expect("QUIT").startswith(f":{nick}!"):
                pass  # the end of an earlier connection
            if kind == "freeze":
                node.process.send_signal(signal.SIGCONT)
            else:
                node.wait()
                self.cluster.start(self.homes[nick])
            self._enter(nick)
        for client in self.room.people.values():
            until(partial(is_back, client), "the cluster goes on")
        for nick in self.room.people:
            self.room.say(nick)

    def _enter(self, nick: str) -> None:
        self.clients.append(self.room.enter(nick, self.homes[nick]))

    def _talk(self, what: str) -> None:
        for nick, client in self.room.people.items():
            client.send(*[f"PRIVMSG #lobby :{nick} {what} {number}" for number in range(_BURST)])

    def check(self) -> None:
        """Each connection has read no line twice, all in one order, which is that of the history."""
        for client in self.clients:
            if client in self.room.people.values():
                client.collect()
            else:
                client.expect_closed()
        told = [texts_of(client.lines) for client in self.clients]
        for texts in told:
            assert len(texts) == len(set(texts))
        for one, other in combinations(told, 2):
            both = set(one) & set(other)
            assert [text for text in one if text in both] == [text for text in other if text in both]
        whole = texts_of(self.stayed[0].lines)
        for texts in told:
            assert set(texts) <= set(whole)
        with self.cluster.nodes["a"].connect("reader") as reader:
            reader.ask("CAP REQ :draft/chathistory message-tags")
            kept = texts_of(reader.ask("CHATHISTORY LATEST #lobby * 500"))
        assert kept == whole[-len(kept) :]


def play(postgresql_server: PostgresqlServer, count: int, seed: int) -> None:
    """Run a cluster in which so many things fail, each kind once before any comes again."""
    chance = random.Random(seed)
    with (
        Cluster.running(postgresql_server, "a", "b", "c", limits__enabled=False) as cluster,
        Room(cluster, caps="echo-message", ann="a", bob="b", cid="c") as room,
    ):
        rounds = Rounds(cluster, room, chance)
        for number in range(count):
            rounds.run(number, KINDS[number] if number < len(KINDS) else chance.choice(KINDS))
        rounds.check()


def test_each_reads_every_line_once(postgresql_server: PostgresqlServer) -> None:
    """Whatever fails: what one has read, all who were there have read, and the history has it."""
    play(postgresql_server, len(KINDS), 1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_rounds(postgresql_server: PostgresqlServer) -> None:
    """The same for longer."""
    play(postgresql_server, SOAK_ROUNDS, SOAK_SEED)
