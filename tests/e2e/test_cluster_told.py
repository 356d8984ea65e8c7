"""A node ends while people talk: each of its accounts reads every line, and none twice.

The clients look at no msgid, as most do not. If the node is killed, a line may be read twice only if the node had no
time to leave in Redis that it had told it. ``TOLD_ROUNDS`` and ``TOLD_SEED`` are for the soak, which prints how long
before the end such lines were said.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from functools import partial

import pytest
from harness.cluster import Cluster
from harness.daemon import PASSWORD, Daemon, until
from harness.plain_readers import Connection, Misread, Reader, Talker, count, list_said
from harness.postgresql_server import PostgresqlServer

from chatroom.chat.cluster.told import Told, told_from_text

pytestmark = pytest.mark.debian("postgres", "redis-server")

NODES = ("a", "b", "c")
KINDS = ("kill", "freeze", "stop")
_ECHO = "echo-message"
_BATCH = "server-time batch"
_DIE_BEFORE_TELLING_ITS_OWN = """
import os, signal
from chatroom.server.cluster.turn_journal import TurnJournal

def die(self, batch, work, failure):
    tell(self, batch, work, failure)
    if batch.entries:
        os.kill(os.getpid(), signal.SIGKILL)

tell, TurnJournal._tell = TurnJournal._tell, die
"""
_APPLY_NOTHING = """
from chatroom.server.cluster.other_nodes import OtherNodes

OtherNodes.before, OtherNodes.apply = OtherNodes.apply, lambda self: None
"""
_APPLY_AGAIN = """
from chatroom.server.cluster.other_nodes import OtherNodes

OtherNodes.apply = OtherNodes.before
"""


class Rounds:
    """A cluster, the readers, and what was counted."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self.cluster = cluster
        self.chance = chance
        self.single = [Reader("dan", "dan"), Reader("dora", "dora", _BATCH), Reader("eva", "eva", _ECHO)]
        self.devices = [Reader("duo", "duo", _BATCH), Reader("duo elsewhere", "duo")]
        """Two devices of one account, on two nodes."""
        self.readers = [*self.single, *self.devices]
        self.accounts = sorted({reader.account for reader in self.readers})
        for name in self.accounts:
            cluster.nodes["a"].place.create(name)
        for node in cluster.nodes.values():
            until(partial(_knows, node, len(self.accounts)), "accounts are known")
        for reader in self.readers:  # an account that was never there would have missed nothing
            reader.connect(cluster.nodes["a"].port).end()
        self.number = 0
        self._after = 0
        """The highest message id that was counted."""
        self.counted: Counter[str] = Counter()
        self.ages_ms: list[int] = []
        """How long before the end of the node each line was said that was read twice."""

    def __str__(self) -> str:
        ages = sorted(self.ages_ms)
        return f"{self.number} rounds, {dict(self.counted)}, said before the end: {ages[-5:]} ms at most"

    def play(self, kind: str) -> None:
        """Have a node end while people talk, and count what all have read."""
        cluster, chance = self.cluster, self.chance
        self.number += 1
        name, second, third = chance.sample(NODES, 3)
        node, others = cluster.nodes[name], [cluster.nodes[second], cluster.nodes[third]]
        *moving, staying = self.readers
        staying.connect(others[0].port)
        nicks = {f"ann{self.number}": others[0], f"bob{self.number}": others[1], f"cid{self.number}": node}
        guests = [Connection(its.port, nick, _ECHO, password="") for nick, its in nicks.items()]
        talkers = self._begin_talk(guests)
        until(lambda: len(guests[0].texts()) > 20, "they talk")
        for reader in moving:
            reader.connect(node.port)  # it is shown what it has missed by now
        talkers += self._begin_talk([self.single[2].connections[-1]])
        time.sleep(1.3 * chance.random())  # a moment at random is the point: nobody waits for anything
        epoch = self._epoch_of(name)
        ended_ms = time.time_ns() // 1_000_000
        told = self._end(f"{name}/{epoch}", node, kind)
        # Some are back before the others know that the node is gone. The device of an account that has another one is,
        # or it would be shown nothing: the account was there all the time.
        late = [reader for reader in self.single if kind == "freeze" or chance.random() < 0.5]
        for reader in moving:
            if reader not in late:
                reader.connect(chance.choice(others).port)
        # Until then a node that goes on keeps its place and its people, also if its lease has ended.
        until(lambda: self._epoch_of(name) != epoch, "the node is struck off")
        for other in others:
            until(partial(_has_no, other, name), "the node is gone")
            Connection(other.port, f"fence{self.number}", password="").end()
        if kind == "freeze":
            node.process.send_signal(signal.SIGCONT)
        for reader in moving:
            reader.connections[-2 if reader not in late else -1].wait_end()
        for reader in late:
            reader.connect(chance.choice(others).port)
        for talker in talkers:
            talker.stop()
        self._judge(kind, ended_ms, told)
        for connection in [*(reader.connections[-1] for reader in self.readers), *(one.connection for one in talkers)]:
            connection.end()
        if kind == "freeze":
            until(partial(_has_no, others[0], "nobody"), "all are there again")
            until(lambda: len(node.status()["nodes"].split()) == len(NODES), "the node is back")
        else:
            cluster.start(name)

    def _begin_talk(self, connections: list[Connection]) -> list[Talker]:
        """Have people talk to the channel and to the readers."""
        targets = ["#lobby", "#lobby", "#lobby", *self.accounts]
        chances = [random.Random(self.chance.random()) for _ in connections]
        talkers = [Talker(one, self.number, targets, its) for one, its in zip(connections, chances, strict=True)]
        for talker in talkers:
            talker.start()
        return talkers

    def _epoch_of(self, name: str) -> object:
        """The epoch with which a node is registered; None if it is not."""
        return self.cluster.redis.ask("HGET", "chatroom:nodes", name)

    def _end(self, home: str, node: Daemon, kind: str) -> Told:
        """End a node. Return what it has left in Redis of how far it had told its people."""
        if kind == "kill":
            node.kill()
        elif kind == "stop":
            node.stop()
        else:
            node.process.send_signal(signal.SIGSTOP)
        told = self.cluster.redis.ask("GET", f"chatroom:told:{home}")
        assert isinstance(told, str)
        return told_from_text(told)

    def _judge(self, kind: str, ended_ms: int, told: Told) -> None:
        room, direct = list_said(self.cluster.address, self.accounts, self._after)

        def compare(readers: list[Reader]) -> list[Misread]:
            return [count(reader, room, direct[reader.account]) for reader in readers]

        until(lambda: not any(one.lost for one in compare(self.single)), "all is read: " + str(self))
        for reader in self.readers:
            reader.connections[-1].settle()
        found = compare(self.readers)
        self.counted["lines read"] += sum(len(room) + len(direct[reader.account]) for reader in self.readers)
        self.counted["lost"] += sum(len(one.lost) for one in found[: len(self.single)])
        self.counted[f"twice by {kind}"] += sum(len(one.twice) for one in found)
        for one in found:
            self.ages_ms += [ended_ms - entry.time_ms for entry in one.twice]
            # A session that was still to be shown what it had missed may have read direct messages live.
            mark = told.seq if not told.unshown else 0
            told_twice = [entry for entry in one.twice if entry.message_id <= mark or kind == "stop"]
            assert not told_twice, f"{one.name} reads again what was told: {told_twice[:3]}, {self}"
        of_devices = [{entry.message_id for entry in one.lost} for one in found[len(self.single) :]]
        assert not set.intersection(*of_devices), f"no device of duo has read {set.intersection(*of_devices)}"
        every = [*room, *(entry for entries in direct.values() for entry in entries)]
        self._after = max(self._after, *(entry.message_id for entry in every))


def _knows(node: Daemon, accounts: int) -> bool:
    return bool(node.status()["accounts"] == accounts)


def _has_no(node: Daemon, name: str) -> bool:
    return name not in node.status()["nodes"].split(", ")


def play(postgresql: PostgresqlServer, seed: str, kinds: list[str]) -> Rounds:
    """Play a round of each kind."""
    settings: dict[str, float | str] = {"limits.enabled": False, "history.replay_accounts_max": 10_000}
    with Cluster.running(postgresql, *NODES, **settings) as cluster:
        rounds = Rounds(cluster, random.Random(seed))
        for kind in kinds:
            rounds.play(kind)
            print(f"seed {seed}, {kind}: {rounds}", flush=True)  # noqa: T201
        return rounds


@pytest.mark.timeout(300)
def test_each_account_reads_every_line(postgresql_server: PostgresqlServer) -> None:
    """A node is killed twice, stands still until its people are gone, and stops in good order."""
    play(postgresql_server, "ci", ["kill", *KINDS])


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_each_account_reads_every_line_in_a_hundred_rounds(postgresql_server: PostgresqlServer) -> None:
    """The same for longer, mostly with nodes that are killed."""
    seed = os.environ.get("TOLD_SEED", str(random.randrange(10**6)))
    chance = random.Random(seed)
    kinds = [chance.choice((*KINDS, "kill", "kill")) for _ in range(int(os.environ.get("TOLD_ROUNDS", "100")))]
    play(postgresql_server, seed, kinds)


@pytest.mark.parametrize("target, is_early", [("#lobby", True), ("#lobby", False), ("dan", True), ("dan", False)])
def test_a_turn_that_its_own_people_have_not_read(
    postgresql_server: PostgresqlServer, target: str, is_early: bool
) -> None:
    """A node dies when its turn is in the stream, and its own people have not read it. They read it elsewhere, once.

    ``is_early``: they are back before the others know that the node is gone.
    """
    with Cluster.running(postgresql_server, limits__enabled=False) as cluster:
        code = cluster.injected("b")
        a, b, c = cluster.start(*NODES)
        a.create("dan")
        until(partial(_knows, b, 1), "b knows dan")
        until(partial(_knows, c, 1), "c knows dan")
        with a.connect("ann") as ann, b.connect("dan", password=PASSWORD) as dan, b.connect("bob") as bob:
            ann.expect(":bob!")
            code.run(_DIE_BEFORE_TELLING_ITS_OWN)
            bob.send(f"PRIVMSG {target} :last words")
            b.process.wait()
            assert not any("last words" in line for line in dan.expect_closed())
            if not is_early:
                ann.expect(":dan!")
            with c.connect("dan", password=PASSWORD) as again:
                again.find("last words")
                ann.expect("QUIT :b is gone")  # bob's: dan has another device, or was the first to leave
                ann.ask("PRIVMSG #lobby :live")
                again.expect(":live")
                again.collect()
                assert len([line for line in again.lines if "last words" in line]) == 1, again.lines


def test_a_slow_reader_is_shown_what_it_was_not_sent(postgresql_server: PostgresqlServer) -> None:
    """Its socket has not taken everything when its node is killed. The others on the node read nothing twice."""
    settings: dict[str, float | str] = {"limits.enabled": False, "history.replay_accounts_max": 10_000}
    with Cluster.running(postgresql_server, **settings) as cluster:
        a, b = cluster.start("a", "b")
        for name in ("dan", "eva"):
            a.place.create(name)
        until(partial(_knows, b, 2), "b knows them")
        slow, quick = b.connect("dan", password=PASSWORD), Connection(b.port, "eva")
        said = [f"said ann {number}" for number in range(1500)]
        with a.connect("ann") as ann, slow.sock:
            ann.ask(*(f"PRIVMSG #lobby :{'x' * 400} {text}" for text in said))
            last = list_said(cluster.address, (), 0)[0][-1].message_id
            # On a slow machine eva is behind, too, for a moment.
            until(
                lambda: (told := cluster.find_told("b")).seq >= last and len(told.behind) == 1,
                "all but dan are told all",
            )
            b.kill()
            ann.expect(":dan!")
            slow.expect_closed()
            quick.wait_end()
            with a.connect("dan", password=PASSWORD) as again, a.connect("eva", password=PASSWORD) as quick_again:
                while not any(line.endswith(said[-1]) for line in again.lines):
                    assert again.read_line() is not None
                read = Counter(line.partition(" said ")[2] for line in slow.lines + again.lines if " said " in line)
                assert [text for text in said if not read[text.removeprefix("said ")]] == []
                quick_again.collect()
                assert not any(" said " in line for line in quick_again.lines)


def test_the_history_has_nothing_that_is_still_to_be_told(postgresql_server: PostgresqlServer) -> None:
    """Another node has stored it, and this one has not told it yet. It is read live then, once, or in the history."""
    with Cluster.running(postgresql_server, limits__enabled=False) as cluster:
        code = cluster.injected("b")
        a, b = cluster.start("a", "b")
        with a.connect("ann") as ann, b.connect("bob") as bob:
            ann.expect(":bob!")
            questions = [
                *(f"CHATHISTORY {words} 50" for words in ("LATEST #lobby *", "AROUND #lobby timestamp={now}")),
                "CHATHISTORY AFTER #lobby timestamp=2000-01-01T00:00:00.000Z 50",
                "CHATHISTORY BEFORE #lobby timestamp=2100-01-01T00:00:00.000Z 50",
                "CHATHISTORY BETWEEN #lobby timestamp=2000-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z 50",
                "SEARCH in=#lobby;from=ann",
            ]
            now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
            questions = [question.format(now=now) for question in questions]
            bob.ask("CAP REQ :draft/chathistory batch soju.im/search echo-message")
            ann.ask("PRIVMSG #lobby :first")
            bob.expect(":first")
            code.run(_APPLY_NOTHING)
            ann.ask("PRIVMSG #lobby :second")
            for question in questions:
                texts = [line.rpartition(":")[2] for line in bob.ask(question) if "PRIVMSG #lobby" in line]
                assert texts == ["first"], question
            code.run(_APPLY_AGAIN)
            bob.send("PING again")
            bob.expect(":second")
            for question in questions:
                texts = [line.rpartition(":")[2] for line in bob.ask(question) if "PRIVMSG #lobby" in line]
                assert texts == ["first", "second"], question
            answers = bob.ask("PRIVMSG #lobby :mine", questions[0])
            assert [line.rpartition(":")[2] for line in answers if "PRIVMSG #lobby" in line] == [
                *("mine", "first", "second", "mine")
            ], "who asks behind what it has said finds it in the answer"
