"""Several nodes take turns at random on a real Redis that fails: each entry is there once, and no turn overlaps."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest
from harness.daemon import until
from harness.node_links import NodeLink, Nodes
from harness.redis_server import RedisServer

from chatroom.errors import RedisUnreachable, StreamLost
from chatroom.server.cluster.cluster_contract import Turn
from chatroom.server.cluster.redis_line import RedisLine

pytestmark = [pytest.mark.debian("redis-server"), pytest.mark.unmeasured]
TURNS = 30
Answer = TypeVar("Answer")


class Stage:
    """Who acts at the moment, and which turns there were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actor: Actor | None = None
        self.numbers: list[int] = []
        self.is_over = threading.Event()

    def begin(self, actor: Actor, turn: Turn) -> None:
        """Note that a node acts. Nobody else does, unless it has died."""
        with self._lock:
            assert self._actor is None or (turn.is_broken and self._actor.is_dead), "two turns at a time"
            self._actor = actor
            self.numbers.append(turn.number)

    def end(self, actor: Actor) -> None:
        """Note that a node is about to end its turn."""
        with self._lock:
            assert self._actor is actor
            self._actor = None


class Actor(threading.Thread):
    """One node: it takes turns, reads what all have appended, and ends in the middle of a turn if it is to die."""

    def __init__(self, stage: Stage, link: NodeLink, seed: int, dies_after: int | None) -> None:
        super().__init__(name=f"node {link.home}")
        self.stage = stage
        self.link = link
        self.random = random.Random(seed)
        self.dies_after = dies_after
        self.turns = 0
        self.said: list[bytes] = []
        self.log: list[bytes] = []
        self.known: set[str] = set()
        self.is_dead = False
        self.has_turn = False
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Take all turns, and read until the stage is over."""
        try:
            while self.turns < TURNS and not self.is_dead:
                self.act(self.wait_for_turn())
            while not self.is_dead and not self.stage.is_over.is_set():
                self.hear()
        except BaseException as error:
            self.failure = error

    def wait_for_turn(self) -> Turn:
        """Ask for the turn until it comes."""
        while True:
            self.hear()
            turn = self.keep_on(self.link.acquire) or self.keep_on(partial(self.link.wait_grant, 0.05))
            if turn is not None:
                return turn

    def act(self, turn: Turn) -> None:
        """Have a turn."""
        self.stage.begin(self, turn)
        if self.turns == self.dies_after:
            self.is_dead = True
            return
        self.has_turn = True
        while len(self.log) < turn.position and self.has_turn:
            self.read()
        self.stage.end(self)
        if not self.has_turn:
            return
        assert len(self.log) == turn.position
        if self.random.random() < 0.7:
            data = f"{self.link.home} {turn.number}".encode()
            self.said.append(data)
            assert self.keep_on(partial(self.link.append, turn, data)) == turn.position + 1
        else:
            self.keep_on(partial(self.link.release, turn))
        self.turns += 1

    def hear(self) -> None:
        """A heartbeat, and what there is to read."""
        self.known = {one.name for one in self.keep_on(partial(self.link.heartbeat, {}))}
        self.read()

    def read(self) -> None:
        """Read the next entries."""
        self.log += [one.data for one in self.keep_on(partial(self.link.read, len(self.log), 0.01))]

    def keep_on(self, call: Callable[[], Answer]) -> Answer:
        """Call until Redis answers, and agree with the others if it was restarted."""
        while True:
            try:
                return call()
            except RedisUnreachable:
                pass
            except StreamLost:
                try:
                    recovered = self.link.recover(lambda: 0)
                    self.has_turn = self.has_turn and (recovered is None or recovered.turn > 0)
                except RedisUnreachable:
                    pass


def lose_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on one script in twenty does not reach Redis, and the answer of another one is lost."""
    run, choice = RedisLine.run, random.Random(1)

    def run_or_fail(line: RedisLine, *rest: Any) -> Any:
        chance = choice.random()
        answer = run(line, *rest) if chance > 0.05 else None
        if chance < 0.1:
            line.close()
            raise RedisUnreachable("lost")
        return answer

    monkeypatch.setattr(RedisLine, "run", run_or_fail)


@pytest.mark.parametrize("seed", range(3))
def test_each_entry_is_there_once_and_turns_follow_each_other(
    mortal_nodes: Nodes, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """While one node dies in its turn, answers are lost, and Redis is killed with and without its data."""
    stage = Stage()
    links = mortal_nodes.enter(*"abcd")
    lose_some(monkeypatch)
    actors = [
        Actor(stage, link, seed * 10 + place, dies_after=3 if place == 1 else None) for place, link in enumerate(links)
    ]
    for actor in actors:
        actor.start()
    dead, living = actors[1], [actor for actor in actors if actor is not actors[1]]
    try:
        wait_for(lambda: dead.is_dead, actors)
        dead.join()
        mortal_nodes.end_lease("b")
        actors[0].keep_on(partial(links[0].remove, "b", int(dead.link.home[2:])))
        wait_for(lambda: all("b" not in actor.known for actor in living), actors)
        for keeps_data in (True, False, True):
            before = len(stage.numbers)
            own_redis.restart(keeps_data=keeps_data)
            wait_for(lambda before=before: len(stage.numbers) >= min(before + 10, 3 * TURNS), actors)  # type: ignore[misc]
        wait_for(lambda: all(actor.turns == TURNS for actor in living), actors)
        position = int(str(mortal_nodes.ask("HGET", "state", "position")))
        wait_for(lambda: all(len(actor.log) == position for actor in living), actors)
    finally:
        stage.is_over.set()
        for actor in actors:
            actor.join(60)
    assert [actor.failure for actor in actors] == [None] * len(actors)
    # All have read the same, in which each has what it has said, once and in its order.
    log = living[0].log
    assert all(actor.log == log for actor in living)
    for actor in actors:
        assert [data for data in log if data.startswith(f"{actor.link.home} ".encode())] == actor.said
    assert len(log) == sum(len(actor.said) for actor in actors)
    assert stage.numbers == sorted(set(stage.numbers))


def wait_for(condition: Callable[[], bool], actors: list[Actor]) -> None:
    """Wait until a condition is true, or a node has failed."""

    def step() -> bool:
        failures = [actor.failure for actor in actors if actor.failure is not None]
        if failures:
            raise failures[0]
        return condition()

    until(step, "the nodes go on", 100)
