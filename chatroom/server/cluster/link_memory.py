"""What a node knows of the stream and the others, and Redis may forget: the entries read last, its turn, the nodes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from threading import Lock

from chatroom.server.cluster.cluster_contract import Entry, NodeState, Turn, home_of
from chatroom.server.cluster.founding import Claim, Lineage, is_part_of, number_of
from chatroom.server.cluster.ring import Ring


class LinkMemory:
    """The memory of one link. Safe for any thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.token = secrets.token_hex(8)
        """Tells this process from any other that has registered under the name."""
        self.era: tuple[int, str] = (0, "")
        """The epoch and the generation, which belong together. The epoch is 0 before the node is registered."""
        self.lineage: Lineage = ()
        self.is_fenced = False
        """True if what this node has read is no part of what the others have."""
        self._lock = Lock()
        """Guards the ring, the turn and the nodes."""
        self._ring = Ring()
        """What was read, and what this node has appended, which it need not read to know it."""
        self._applied = -1
        """Up to where it has read."""
        self._has_world = False
        """Before that, what it reads makes no world, and counts for nothing."""
        self._turn: Turn | None = None
        self._pending: tuple[Turn, bytes] | None = None
        """The turn whose entry is on its way to Redis, and the entry's data."""
        self._number = 0
        self._states: Sequence[NodeState] = ()

    @property
    def home(self) -> str:
        """The node and its epoch; empty before it is registered."""
        epoch, _ = self.era
        return home_of(self.name, epoch) if epoch else ""

    def join(self, epoch: int, generation: str, lineage: str) -> None:
        """Begin with a new epoch of the node: it knows nothing of the one before."""
        with self._lock:
            self.era, self.lineage = (epoch, generation), read_lineage(lineage)
            self._ring = Ring()
            self._applied = -1
            self._has_world = False
            self._turn = self._pending = None
            self._states = ()
            self.is_fenced = False

    def agree(self, generation: str, lineage: str, number: int) -> int:
        """Take in what the nodes have agreed on; ``number`` is that of the turn that this node has by then.

        Return the number of the turn that this node knows it has; 0 for none.
        """
        with self._lock:
            self.era, self.lineage = (self.era[0], generation), read_lineage(lineage)
            if self._turn is not None and self._turn.number != number:
                self._turn = None
            return self._turn.number if self._turn is not None else 0

    def would_agree(self, lineage: str) -> bool:
        """True if what this node has read is a part of what the others have. If not, it is fenced from now on."""
        with self._lock:
            position = self._ring.position if self._has_world else -1
            self.is_fenced = not is_part_of(read_lineage(lineage), self.era[1], position)
            return not self.is_fenced

    def begin_turn(self, turn: Turn, era: tuple[int, str]) -> Turn | None:
        """Note that this node was given a turn in an era, and return it; None if it has another era by now."""
        with self._lock:
            if self.era != era:
                return None
            self._turn = turn
            self._number = max(self._number, turn.number)
            return turn

    def end_turn(self, turn: Turn, data: bytes | None = None) -> None:
        """Note that a turn is about to end, with an entry or without."""
        with self._lock:
            if self._turn is not None and self._turn.number == turn.number:
                self._turn = None
            self._pending = (turn, data) if data is not None else None

    def settle_turn(self, turn: Turn, *, is_appended: bool) -> None:
        """Note that the entry of a turn is in the stream, or never will be.

        Others may not have read it if Redis loses it, and then it must not be lost: this node has told of it.
        """
        with self._lock:
            if self._pending is None or self._pending[0].number != turn.number:
                return
            data = self._pending[1]
            self._pending = None
            if is_appended and self._ring.position == turn.position:
                self._ring.extend([Entry(turn.position + 1, self.home, turn.number, data, self.era[1])])

    def has_read(self, turn: Turn) -> bool:
        """True if this node has read the entry of a turn of its own, and what it has read is what the others have."""
        with self._lock:
            entry = next(iter(self._ring.since(turn.position)), None) if not self.is_fenced else None
            return entry is not None and (entry.position, entry.turn) == (turn.position + 1, turn.number)

    def have_world(self, position: int) -> None:
        """Note that this node has a world, true at a position."""
        with self._lock:
            self._ring.begin_at(position)
            self._applied = position
            self._has_world = True

    def begin_reading(self, position: int) -> None:
        """Note that the next entry is the one behind a position."""
        with self._lock:
            self._ring.begin_at(position)
            self._applied = position

    def note_read(self, entries: Sequence[Entry]) -> None:
        """Note what was read next."""
        with self._lock:
            self._ring.extend(entries)
            self._applied = entries[-1].position if entries else self._applied
            self._number = max(self._number, self._ring.last_turn)

    def note_nodes(self, states: Sequence[NodeState]) -> None:
        """Note what a heartbeat has told of the nodes."""
        with self._lock:
            self._states = states

    def make_claim(self, waited_s: float) -> Claim:
        """Return what this node brings to an agreement."""
        with self._lock:
            epoch, generation = self.era
            position, last_turn = (self._ring.position, self._ring.last_turn) if self._has_world else (-1, 0)
            if position >= 0 and self._pending is not None and self._pending[0].position == position:
                position, last_turn = position + 1, self._pending[0].number
            states = [one for one in self._states if one.name != self.name]
            own = [self.home] if self._has_world else []
            return Claim(
                token=self.token,
                name=self.name,
                epoch=epoch,
                rank=(number_of(generation), position, last_turn),
                generation=generation,
                applied=self._applied if self._has_world else -1,
                number=self._number,
                open_turn=self._turn.number if self._turn is not None else 0,
                open_position=self._turn.position if self._turn is not None else 0,
                is_open_broken=self._turn is not None and self._turn.is_broken,
                nodes={one.name: one.epoch for one in states},
                alive=[one.home for one in states if one.is_alive],
                ready=[*own, *(one.home for one in states if one.is_ready)],
                waited_s=waited_s,
            )

    @property
    def begins_behind(self) -> int:
        """The position behind which this node has all entries."""
        with self._lock:
            return self._ring.begins_behind

    def entries_between(self, base: int, last: int) -> list[Entry]:
        """Return the entries behind a position, up to another one, with the one that is on its way to Redis."""
        with self._lock:
            entries = [entry for entry in self._ring.since(base) if entry.position <= last]
            if self._pending is not None and max(base, self._ring.position) < last:
                turn, data = self._pending
                entries.append(Entry(turn.position + 1, self.home, turn.number, data, self.era[1]))
            return entries

    def is_known(self, generation: str) -> bool:
        """True if this node has agreed on a generation, or taken it in with a world."""
        return generation in [name for name, _ in self.lineage]


def read_lineage(text: str) -> Lineage:
    """Read the lineage that Redis has."""
    return [(name, position) for name, position in json.loads(text)] if text else ()
