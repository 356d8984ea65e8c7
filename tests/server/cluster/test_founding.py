"""What the nodes agree on, without Redis: whoever goes on has read the same as all others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.server.cluster.cluster_contract import Entry, NodeState, Turn, home_of
from chatroom.server.cluster.founding import Claim, Kept, Plan, choose_founder, is_part_of, make_plan, number_of
from chatroom.server.cluster.link_memory import LinkMemory

NAMES = "abc"


class Node:
    """One node: what its link remembers, and all that it has applied."""

    def __init__(self, name: str) -> None:
        self.memory = LinkMemory(name)
        self.log: list[bytes] = []
        """The data of each entry from position 1 on, of its world's history."""

    @property
    def position(self) -> int:
        """The last position that it has applied."""
        return len(self.log)


class Chat:
    """Nodes and a model of Redis, which can lose what it has."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        """The stream as Redis has it. Positions from 1 on: nothing is trimmed here."""
        self.first = 1
        """The position of the first one that is there."""
        self.truth: list[bytes] = []
        """The history that all agree on: what stands at each position."""
        self.kept = Kept()
        self.lineage = ""
        self.is_agreed = False
        self.numbers: list[int] = []
        """The turns that were given, in their order."""
        self.said = 0
        self.pasts: list[tuple[list[Entry], list[bytes], int, Kept, str]] = []
        """What Redis had after each change."""
        self.nodes = [Node(name) for name in NAMES]
        self.agree(self.nodes)
        for node in self.nodes:
            self.join(node)

    # What nodes do while all is well.

    def join(self, node: Node) -> None:
        """A new life of a node, with the world of another one."""
        epoch = self.kept.epochs + 1
        nodes = {**self.kept.nodes, node.memory.name: epoch}
        self.kept = replace(self.kept, epochs=epoch, nodes=nodes)
        node.memory.join(epoch, self.kept.generation, self.lineage)
        node.memory.have_world(self.kept.position)
        node.log = list(self.truth)

    def take_turn(self, node: Node) -> Turn:
        """Give the turn to a node that has read everything."""
        number = self.kept.number + 1
        self.numbers.append(number)
        turn = Turn(number, self.kept.position, self.kept.is_broken)
        self.kept = replace(self.kept, number=number, holder=node.memory.home)
        assert node.memory.begin_turn(turn, node.memory.era) == turn
        return turn

    def append(self, node: Node, *, arrives: bool, is_answered: bool) -> None:
        """A turn with an entry, which may not arrive, or be answered."""
        self.read(node)
        if not self.is_current(node):
            return
        turn = self.take_turn(node)
        self.said += 1
        data = b"%s %d" % (node.memory.name.encode(), self.said)
        node.memory.end_turn(turn, data)
        if arrives:
            self.entries.append(Entry(turn.position + 1, node.memory.home, turn.number, data, self.kept.generation))
            self.truth.append(data)
            self.kept = replace(self.kept, position=turn.position + 1, holder="")
            if is_answered:
                node.memory.settle_turn(turn, is_appended=True)
                node.log.append(data)
        else:
            # It will be tried again; Redis fails before that.
            self.is_agreed = False

    def read(self, node: Node) -> None:
        """Read all that is behind the node's position."""
        if self.is_current(node):
            assert node.position >= self.first - 1
            new = [one for one in self.entries if one.position > node.position]
            node.memory.note_read(new)
            node.log += [one.data for one in new]

    def is_current(self, node: Node) -> bool:
        """True if the node takes part."""
        return self.is_agreed and node.memory.era[1] == self.kept.generation

    def hear(self, node: Node) -> None:
        """A heartbeat."""
        if self.is_current(node):
            nodes = self.kept.nodes.items()
            node.memory.note_nodes([NodeState(name, epoch, True, True, {}) for name, epoch in nodes])

    # What happens to Redis.

    def crash(self, lost: int, *, is_empty: bool) -> None:
        """Lose the last changes, entries and agreements, or everything."""
        self.is_agreed = False
        del self.pasts[len(self.pasts) - min(lost, len(self.pasts)) :]
        past = self.pasts[-1] if self.pasts and not is_empty else ([], [], 1, Kept(), "")
        self.entries, self.truth, self.first, self.kept, self.lineage = list(past[0]), list(past[1]), *past[2:]

    def agree(self, there: list[Node]) -> None:
        """An agreement of those that are there. The others are not waited for."""
        if self.is_agreed or not there:
            return
        claims = [node.memory.make_claim(3.0) for node in there]
        chosen = choose_founder(claims, self.kept, 3.0)
        assert chosen is not None
        (founder,) = [node for node in there if node.memory.token == chosen.token]
        plan = make_plan(
            chosen,
            claims,
            self.kept,
            founder.memory.lineage,
            begins_behind=founder.memory.begins_behind,
            turn_floor=self.numbers[-1] if self.numbers else 0,
        )
        # Nothing is lost that Redis has, or any of them has read in that generation.
        same = [one for one in claims if one.generation == chosen.generation]
        assert plan.keeps or all(plan.position >= one.rank[1] for one in same)
        assert not chosen.has_world or self.kept.generation != chosen.generation or plan.position >= self.kept.position
        # It may have missed what Redis has: then it goes on like any other node.
        has_missed_one = self.kept.generation != chosen.generation and self.kept.counts_for(chosen)
        entries = founder.memory.entries_between(plan.base, plan.position)
        assert [one.position for one in entries] == list(range(plan.base + 1, plan.position + 1))
        before = self.truth if plan.keeps or not chosen.has_world else founder.log
        self.truth = [*before[: plan.base], *(one.data for one in entries)]
        self.entries = [*(self.entries if plan.keeps else []), *entries]
        self.first = self.entries[0].position if self.entries else plan.position + 1
        self.take(plan)
        self.is_agreed = True
        if chosen.has_world and not has_missed_one:
            assert self.resume(founder)

    def take(self, plan: Plan) -> None:
        """Have what the script writes."""
        values: dict[str, Any] = json.loads(plan.to_json())
        self.lineage = values["lineage"]
        self.kept = Kept(
            generation=values["generation"],
            position=int(values["position"]),
            number=int(values["number"]),
            holder=values["holder"],
            is_broken=values["broken"] == "1",
            epochs=int(values["epochs"]),
            nodes={name: int(epoch) for name, epoch in values["nodes"].items()},
            lineage=[(name, position) for name, position in json.loads(self.lineage)],
        )
        if self.numbers:
            assert self.kept.number >= self.numbers[-1]

    def resume(self, node: Node) -> bool:
        """Let a node take in the agreement. Return True if it goes on; else it joins anew."""
        if not self.is_agreed or self.is_current(node):
            return True
        is_known = self.kept.nodes.get(node.memory.name) == node.memory.era[0]
        if not is_known or not node.memory.would_agree(self.lineage) or node.position < self.first - 1:
            self.join(node)
            return False
        node.memory.agree(self.kept.generation, self.lineage, self.kept.number)
        # What was under way is there, or never will be: then the node is fenced when it tries again.
        claim = node.memory.make_claim(0)
        if claim.rank[1] > claim.applied:
            there = [one for one in self.entries if one.position == claim.rank[1]]
            if not there or there[0].turn != claim.rank[2]:
                self.join(node)
                return False
        return True

    def check(self) -> None:
        """Whoever takes part has read the same."""
        if self.is_agreed:
            self.pasts.append((list(self.entries), list(self.truth), self.first, self.kept, self.lineage))
        for node in self.nodes:
            if self.is_current(node):
                assert node.log == self.truth[: node.position]
        assert self.numbers == sorted(set(self.numbers))


NODE = st.integers(0, len(NAMES) - 1)
STEPS = st.one_of(
    st.tuples(st.just("append"), NODE, st.booleans(), st.booleans()),
    st.tuples(st.just("read"), NODE),
    st.tuples(st.just("hear"), NODE),
    st.tuples(st.just("crash"), st.integers(0, 4), st.booleans()),
    st.tuples(st.just("agree"), st.sets(NODE, min_size=1)),
    st.tuples(st.just("resume"), NODE),
)


@given(steps=st.lists(STEPS, max_size=40))
def test_whoever_goes_on_has_read_the_same(steps: list[tuple[Any, ...]]) -> None:
    """Whatever Redis loses, whoever comes to an agreement, and whoever comes late."""
    chat = Chat()
    for kind, *rest in steps:
        if kind == "append":
            chat.append(chat.nodes[rest[0]], arrives=rest[1], is_answered=rest[2])
        elif kind == "crash":
            chat.crash(rest[0], is_empty=rest[1])
        elif kind == "agree":
            there = [chat.nodes[place] for place in sorted(rest[0])]
            chat.agree(there)
            for node in there:
                chat.resume(node)
        else:
            getattr(chat, kind)(chat.nodes[rest[0]])
        chat.check()
    chat.agree(chat.nodes)
    for node in chat.nodes:
        chat.resume(node)
        chat.read(node)
        assert node.log == chat.truth


def claim(name: str, position: int = -1, **values: Any) -> Claim:
    """A claim of a node of epoch 1 in generation 5, if it has a world."""
    if position < 0:
        return Claim(name, name, **values)
    made = Claim(name, name, 1, (5, position, 0), "5.x", position, alive=[home_of(name, 1)])
    return replace(made, **values)


def test_the_founder_has_the_most() -> None:
    """The later generation counts before the position, then the later turn, then the name."""
    older = claim("a", 9, rank=(4, 9, 0))
    assert choose_founder([claim("b", 7), claim("c", 8), older], Kept(), 0) == claim("c", 8)
    fresh = claim("a", 8, rank=(5, 8, 3))
    assert choose_founder([claim("b", 8), fresh], Kept(), 0) == fresh
    assert choose_founder([claim("c", 8), claim("b", 8)], Kept(), 0) == claim("b", 8)
    assert choose_founder([claim("c"), claim("b", 0)], Kept(), 0) == claim("b", 0)


def test_who_is_waited_for() -> None:
    """Those that a node, or Redis, knows to be alive. Without any world, whoever may come."""
    knows_b = claim("a", 3, alive=["a/1", "b/1"])
    assert choose_founder([knows_b], Kept(), 3) is None
    assert choose_founder([replace(knows_b, waited_s=3.0)], Kept(), 3) is not None
    assert choose_founder([knows_b, claim("b", 2)], Kept(), 3) is not None
    by_redis = Kept("5.x", 3, nodes={"a": 1, "b": 1})
    assert choose_founder([claim("a", 3)], by_redis, 3) is None
    assert choose_founder([claim("a", 3)], replace(by_redis, generation="4.x"), 3) == claim("a", 3)
    assert choose_founder([claim("a"), claim("b")], by_redis, 3) is None
    assert choose_founder([claim("a"), claim("b", waited_s=3.0)], by_redis, 3) == claim("a")


def plan(founder: Claim, *others: Claim, kept: Kept | None = None, begins_behind: int = 0) -> Plan:
    """What a founder of the generation before writes."""
    lineage = [("5.x", 0)] if founder.has_world else []
    kept = kept or Kept()
    return make_plan(founder, [founder, *others], kept, lineage, begins_behind=begins_behind, turn_floor=7)


@pytest.mark.parametrize(
    "kept, begins_behind, bounds",
    [
        (Kept(), 0, (False, 4, 9)),
        (Kept(), 6, (False, 6, 9)),
        (Kept("5.x", 9), 9, (True, 9, 9)),
        (Kept("5.x", 11), 9, (True, 11, 11)),
        (Kept("5.x", 7), 7, (True, 7, 9)),
        (Kept("5.x", 7), 8, (False, 8, 9)),
        (Kept("4.x", 7), 0, (False, 4, 9)),
        (Kept("6.x", 7), 9, (True, 7, 7)),
    ],
)
def test_which_part_is_written(kept: Kept, begins_behind: int, bounds: tuple[bool, int, int]) -> None:
    """From the lowest position of those that are there, or what Redis lacks, as far as the founder has it."""
    made = plan(claim("a", 9), claim("b", 4), claim("c"), kept=kept, begins_behind=begins_behind)
    assert (made.keeps, made.base, made.position) == bounds


def test_the_turn_of_a_node_that_is_there_goes_on() -> None:
    """If it is the last one that anybody knows, and begins where the stream ends."""
    open_turn = claim("b", 3, number=8, open_turn=8, open_position=3, is_open_broken=True)
    made = plan(claim("a", 3, number=7), open_turn)
    assert (made.holder, made.number, made.is_broken) == ("b/1", 8, True)
    for other in (claim("a", 4), claim("a", 3, number=9)):
        made = plan(other, open_turn)
        assert (made.holder, made.is_broken) == ("", True)
        assert made.number > 1_000_000
    made = plan(claim("a", 3), replace(open_turn, number=6, open_turn=6))
    assert made.holder == ""  # PostgreSQL knows of a later one


def test_the_turn_of_a_node_that_is_late_goes_on() -> None:
    """If Redis has kept all, and it is registered still."""
    kept = Kept("5.x", 3, 8, "b/1", False, 2, {"a": 1, "b": 1})
    made = plan(claim("a", 3, number=7), kept=kept, begins_behind=3)
    assert (made.holder, made.number, made.is_broken) == ("b/1", 8, False)
    # It is there, and knows nothing of the turn.
    assert plan(claim("a", 3), claim("b", 3), kept=kept, begins_behind=3).holder == ""
    assert plan(claim("a", 4), kept=kept, begins_behind=3).holder == ""
    assert plan(claim("a", 3, nodes={"b": 2}), kept=kept, begins_behind=3).holder == ""


def test_who_is_registered_afterwards() -> None:
    """Whoever is there, and whom they know; the later life of a node counts."""
    made = plan(
        claim("a", 3, nodes={"b": 1, "c": 4, "d": 2}, ready=["a/1", "c/4", "b/1"]), claim("b", 2, epoch=6), claim("e")
    )
    assert made.nodes == {"a": 1, "b": 6, "c": 4, "d": 2}
    assert sorted(made.ready) == ["a", "c"]
    assert made.epochs == 6
    made = plan(claim("e", epoch=7), claim("f"), kept=Kept("5.x", 3, 1, "b/1", True, 8, {"b": 8}))
    assert (made.nodes, made.ready, made.epochs) == ({"e": 7}, [], 8)
    assert (made.keeps, made.position, made.holder, made.is_broken) == (False, 3, "", False)
    assert made.lineage == [(made.generation, 3)]


def test_the_numbers_of_generations_grow() -> None:
    """So that a later agreement outranks an earlier one."""
    made = plan(claim("a", 3, number=8))
    assert number_of(made.generation) > 1_000_000
    again = make_plan(
        claim("a", 3, generation=made.generation, number=8),
        [claim("a", 3, number=8)],
        Kept(),
        made.lineage,
        begins_behind=3,
        turn_floor=0,
    )
    assert number_of(again.generation) == number_of(made.generation) + 1
    assert [position for _, position in again.lineage] == [0, 3, 3]
    assert number_of("") == 0


@pytest.mark.parametrize(
    "generation, position, is_part",
    [
        ("1.a", 10, True),
        ("1.a", 11, False),
        ("2.b", 20, True),
        ("2.b", 21, False),
        ("3.c", 99, True),
        ("2.x", 1, False),
    ],
)
def test_what_is_a_part_of_the_history(generation: str, position: int, is_part: bool) -> None:
    """A node has read no further than where the generation behind its own begins."""
    assert is_part_of([("1.a", 0), ("2.b", 10), ("3.c", 20)], generation, position) is is_part


def test_a_claim_survives_its_way_through_redis() -> None:
    """And one of a later version too, with more in it."""
    one = claim("a", 3, nodes={"b": 2}, alive=["b/2"], ready=["b/2"], open_turn=4, is_open_broken=True)
    text = one.to_json()
    assert Claim.from_json(text) == one
    assert Claim.from_json(json.dumps({**json.loads(text), "later": 1}).encode()) == one
