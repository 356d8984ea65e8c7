"""What the nodes agree on when Redis was restarted, emptied, or has come back with older data. Pure.

Redis may lose what it was told last, or all of it. The nodes have it still: each knows up to which position it has read
the stream, and keeps the last entries. So nothing goes on until they have agreed:

1. Each connection knows which **run** of Redis it talks to. What Redis has is only used if the nodes have agreed on it
   in that run. Else each node leaves a **claim**: how far it has read, which turn it has, whom it knows.
2. When all who are known to be alive have left one, or after a while (``patience_s``), the node with the highest
   **rank** is the founder (``choose_founder``). It writes its plan (``make_plan``): what of Redis's own data counts,
   which entries it lacks, and who has the turn. Redis takes it only if nobody else was quicker or has come with more.
3. Each such agreement begins a **generation**. The **lineage** tells all of them, each with the last position of the
   one before. A node that comes later goes on if what it has read is a part of that (``is_part_of``). If it has read
   what the others have lost, or has agreed on something else in the meantime, it is fenced.

The number of a generation grows with that of the turns, whose highest is in PostgreSQL too. So a later agreement
outranks an earlier one, however far that went.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from chatroom.server.cluster.cluster_contract import home_of

Lineage = Sequence[tuple[str, int]]
"""Generations, each with the position behind which its entries begin."""
Rank = tuple[int, int, int]
"""Number of the generation, position, and number of the turn that made the entry there."""
MOST_GENERATIONS = 1000
_TURNS_BETWEEN = 1_000_000
"""How many numbers of turns an agreement skips: more than a node that is not there can have got unnoticed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one process brings to the agreement."""

    token: str
    name: str
    epoch: int = 0
    """0 if it is not registered yet."""
    rank: Rank = (0, -1, 0)
    """The position is -1 if it has no world. An entry whose ``append`` is under way counts."""
    generation: str = ""
    applied: int = -1
    """Up to where it has read; -1 if it has no world."""
    number: int = 0
    """The highest number of a turn that it knows."""
    open_turn: int = 0
    """The number of the turn that it has; 0 if it has none, or has begun to end it."""
    open_position: int = 0
    is_open_broken: bool = False
    nodes: Mapping[str, int] = field(default_factory=dict)
    """The registered nodes that it knows: name to epoch."""
    alive: Sequence[str] = ()
    """The homes among them that were alive."""
    ready: Sequence[str] = ()
    """The homes among them that have a world."""
    waited_s: float = 0.0
    """For how long it has been waiting for the agreement."""

    @property
    def home(self) -> str:
        """The node and its epoch; empty if it is not registered."""
        return home_of(self.name, self.epoch) if self.epoch else ""

    @property
    def has_world(self) -> bool:
        """True if it can be the founder of a chat that goes on."""
        return self.rank[1] >= 0

    def to_json(self) -> str:
        """The text of it for Redis."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Claim:
        """Read what ``to_json`` has written, perhaps in a later version."""
        values = json.loads(text)
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        return cls(**{**known, "rank": tuple(known["rank"])})


@dataclass(frozen=True, slots=True)
class Kept:
    """What Redis has kept of an earlier agreement. Empty and 0 if it has nothing."""

    generation: str = ""
    position: int = 0
    number: int = 0
    holder: str = ""
    is_broken: bool = False
    epochs: int = 0
    nodes: Mapping[str, int] = field(default_factory=dict)
    lineage: Lineage = ()

    def counts_for(self, founder: Claim) -> bool:
        """True if the founder's world is of this generation, or has missed the agreement that began it."""
        return founder.has_world and number_of(self.generation) >= number_of(founder.generation)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the founder writes."""

    keeps: bool
    """True if the stream that Redis has is kept, and added to."""
    base: int
    """The position behind which the founder's entries are added."""
    position: int
    """The stream's last position afterwards."""
    generation: str
    lineage: Lineage
    number: int
    holder: str
    is_broken: bool
    epochs: int
    nodes: Mapping[str, int]
    ready: Sequence[str]

    def to_json(self) -> str:
        """The text of it for the script. Numbers are text there, because Lua has fractions only."""
        values = asdict(self) | {
            "lineage": json.dumps(self.lineage),
            "broken": "1" if self.is_broken else "0",
            "nodes": {name: str(epoch) for name, epoch in self.nodes.items()},
        }
        return json.dumps(values | {name: str(values[name]) for name in ("position", "number", "epochs")})


def choose_founder(claims: Sequence[Claim], kept: Kept, patience_s: float) -> Claim | None:
    """Return the claim of the founder, of at least one; None if there is somebody to wait for.

    If nobody has a world, nobody knows whom to wait for.
    """
    # The first one by name, so that all choose the same.
    founder = min(claims, key=lambda one: (*(-part for part in one.rank), one.name, one.token))
    expected = {home for one in claims if one.has_world for home in one.alive}
    if kept.counts_for(founder):
        expected |= {home_of(name, epoch) for name, epoch in kept.nodes.items()}
    is_complete = founder.has_world and expected <= {one.home for one in claims}
    return founder if is_complete or max(one.waited_s for one in claims) >= patience_s else None


def make_plan(
    founder: Claim, claims: Sequence[Claim], kept: Kept, lineage: Lineage, *, begins_behind: int, turn_floor: int
) -> Plan:
    """Return what the founder writes, who is one of the claims.

    ``lineage`` is the founder's, ``begins_behind`` the position behind which the founder has all entries, and
    ``turn_floor`` the highest number of a turn that PostgreSQL knows.
    """
    keeps, base, position = _find_bounds(founder, claims, kept, begins_behind)
    nodes = _find_nodes(founder, claims, kept)
    numbers = [turn_floor, kept.number, *(one.number for one in claims)]
    number, holder, is_broken = max(numbers) + _TURNS_BETWEEN, "", founder.has_world
    is_whole = keeps and position == kept.position
    for its_number, its_home, its_broken in _find_holders(claims, kept if is_whole else Kept(), nodes, position):
        if its_number >= max(numbers):
            number, holder, is_broken = its_number, its_home, its_broken
    is_later = kept.generation != founder.generation and kept.counts_for(founder)
    before = kept.lineage if is_later else lineage
    before = [*before][-MOST_GENERATIONS + 1 :] if founder.has_world else []
    after = max(number_of(founder.generation), number_of(kept.generation)) + 1
    generation = f"{max(after, max(numbers) + _TURNS_BETWEEN)}.{secrets.token_hex(4)}"
    ready = {home for one in claims for home in one.ready}
    epochs = [kept.epochs, *kept.nodes.values(), *(one.epoch for one in claims)]
    return Plan(
        keeps=keeps,
        base=base,
        position=position,
        generation=generation,
        lineage=[*before, (generation, position)],
        number=number,
        holder=holder,
        is_broken=is_broken,
        epochs=max(epochs + [epoch for one in claims for epoch in one.nodes.values()]),
        nodes=nodes,
        ready=[name for name, epoch in nodes.items() if founder.has_world and home_of(name, epoch) in ready],
    )


def is_part_of(lineage: Lineage, generation: str, position: int) -> bool:
    """True if what a node has read, up to a position, in a generation, is a part of what the others have."""
    names = [name for name, _ in lineage]
    if generation not in names:
        return False
    later = [base for _, base in lineage[names.index(generation) + 1 :]]
    return all(position <= base for base in later)


def number_of(generation: str) -> int:
    """Return the number of a generation; 0 for none."""
    return int(generation.partition(".")[0] or 0)


def _find_bounds(founder: Claim, claims: Sequence[Claim], kept: Kept, begins_behind: int) -> tuple[bool, int, int]:
    """Return if Redis's stream is kept, behind which position the founder adds, and the last position then."""
    if not founder.has_world:
        return False, kept.position, kept.position
    position = founder.rank[1]
    if kept.generation != founder.generation and kept.counts_for(founder):
        # The others have agreed without the founder, which goes on if what it has read is a part of that.
        return True, kept.position, kept.position
    if kept.generation == founder.generation:
        # Redis has a part of what the founder has read, or the founder a part of what Redis has.
        if kept.position >= position:
            return True, kept.position, kept.position
        if kept.position >= begins_behind:
            return True, kept.position, position
    lowest = min(one.applied for one in claims if one.has_world)
    return False, max(lowest, begins_behind), position


def _find_nodes(founder: Claim, claims: Sequence[Claim], kept: Kept) -> dict[str, int]:
    """Return the nodes that are registered afterwards.

    Those that are known and have not come are among them: they have the length of a lease to come.
    """
    nodes = dict(kept.nodes) if kept.counts_for(founder) else {}
    for one in claims:
        for name, epoch in one.nodes.items() if founder.has_world else ():
            nodes[name] = max(epoch, nodes.get(name, 0))
    here: dict[str, int] = {}
    for one in claims:
        if one.epoch:
            here[one.name] = max(one.epoch, here.get(one.name, 0))
    return nodes | here


def _find_holders(
    claims: Sequence[Claim], kept: Kept, nodes: Mapping[str, int], position: int
) -> Iterable[tuple[int, str, bool]]:
    """Return who may have the turn still: its number, the home, and if it is a broken one.

    ``kept`` is empty if Redis has lost anything.
    """
    for one in claims:
        if one.open_turn and one.open_position == position and nodes.get(one.name) == one.epoch:
            yield one.open_turn, one.home, one.is_open_broken
    # One that has not come yet.
    name, _, epoch = kept.holder.rpartition("/")
    if kept.holder not in [one.home for one in claims] and str(nodes.get(name)) == epoch:
        yield kept.number, kept.holder, kept.is_broken
