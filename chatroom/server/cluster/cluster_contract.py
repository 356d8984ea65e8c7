"""What a node may rely on: the turn, the stream, the leases and the snapshots that the nodes share in Redis.

Positions number the entries of the stream, without gaps. Whoever reads an entry has read all before it. A **home** is
a node since one of its starts: its name and the epoch of that start, as "a/17".

Each method asks Redis once and answers at once, but for ``wait_grant`` and ``read``, which wait as long as they are
told. All raise ``ClusterError``:

* ``RedisUnreachable``: nothing is known of what Redis has done. Each method may be called again with the same
  arguments, and does nothing twice.
* ``StreamLost``: Redis was restarted or emptied, so the nodes must first agree on how far the stream went. The turn and
  everything else waits until ``recover`` has answered. One thread calls it; the others try again as if Redis were away.
* ``Fenced``: the others have gone on without this node. Its world counts no more: it ends its sessions and joins anew.
* ``StreamTrimmed``: the entry behind the one read last is not in the stream any more. The node needs a new world.

Thread contract: all methods may be called from any thread. Each thread has a connection of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from chatroom.chat.cluster.told import Told

RETRY_S = 0.025
"""How long to wait before another call, if ``join`` or ``recover`` have answered None. An agreement takes some of these
calls of each node, and nobody can say anything until then. If Redis is unreachable, it is the first of the pauses
(``pauses``)."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A node is registered, and has a lease that it must renew from now on (``heartbeat``)."""

    home: str
    epoch: int
    position: int
    """The stream's last position."""
    is_first: bool
    """True if no node has a world: this one makes it from the database. Else it takes a snapshot of another one."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to change the world. It ends with ``append`` or ``release``."""

    number: int
    """Higher than that of all turns before. PostgreSQL refuses commits of lower ones once it knows a higher one."""
    position: int
    """The stream's last position. The turn begins when the node has applied all up to it."""
    is_broken: bool
    """True if the turn before may have ended in the middle: what it has committed and not appended must be told."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one turn has changed."""

    position: int
    home: str
    """The node whose turn it was."""
    turn: int
    """Its number."""
    data: bytes = field(repr=False)
    generation: str = ""
    """Which agreement of the nodes the entry was made under (``founding``). For the link only."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """A registered node, as of its last heartbeat."""

    name: str
    epoch: int
    is_alive: bool
    """False if its lease has ended."""
    is_ready: bool
    """True if it has a world."""
    facts: Mapping[str, object]
    """What it has told of itself with its last heartbeat. Empty before the first one."""
    told: Told | None = None
    """How far it has told its people (``Link.leave_told``); None if that is not known."""

    @property
    def home(self) -> str:
        """The node and its epoch."""
        return home_of(self.name, self.epoch)


@dataclass(frozen=True, slots=True)
class Recovered:
    """The nodes have agreed on the stream, and this one may go on."""

    position: int
    """The stream's last position at that moment."""
    turn: int
    """The number of the turn that this node still has; 0 if it has none.

    A turn of another number that it had is over, and nothing of it counts. An ``append`` that is under way is called
    again whatever this says: it answers that it was done, or that the node is fenced.
    """


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A world as it was at a position of the stream."""

    position: int
    data: bytes = field(repr=False)


class Link(Protocol):
    """A node's link to the others."""

    @property
    def home(self) -> str:
        """The node and its epoch; empty before ``join``."""
        ...

    def join(self, find_turn_floor: Callable[[], int]) -> Joined | None:
        """Register this node with a new epoch. None: not yet, call again in ``RETRY_S``.

        That is so as long as an earlier epoch of this node, which was killed, has its lease, or the nodes still agree
        on the stream (``recover``, which has ``find_turn_floor`` too). A link that was fenced joins again. Raises
        ``NodeRuns`` if another process runs under this node's name.
        """
        ...

    def claim_first(self) -> bool:
        """Return True if this node shall make the world, because no node has one or is about to make one.

        For a node that waits for a snapshot in vain: whoever should make it may have died.
        """
        ...

    def mark_ready(self, position: int) -> None:
        """Let the others know that this node has a world, true at that position, and can make snapshots of it."""
        ...

    def acquire(self) -> Turn | None:
        """Ask for the turn. None: another node has it, and this one is in the queue (``wait_grant``).

        A node that has the turn already gets the same one again.
        """
        ...

    def wait_grant(self, timeout_s: float) -> Turn | None:
        """Wait until this node is handed the turn. After a None, ask again (``acquire``): a place in the queue can end.

        The turn may come to a thread that no longer waits. The next ``acquire`` answers it.
        """
        ...

    def append(self, turn: Turn, data: bytes, *, mends: bool = True) -> int:
        """End the turn with an entry of the stream. Return the position of the entry, which is the turn's plus 1.

        ``mends``: False if the turn is a broken one, and what was not told is left to the next one.
        """
        ...

    def is_cut(self) -> bool:
        """Return True if the connection over which the last turn came has ended: Redis is gone, or was.

        Then nothing that is begun now could be told soon. Asks Redis nothing: it may be gone all the same.
        """
        ...

    def release(self, turn: Turn) -> None:
        """End the turn without an entry. One that is over already is no error. A broken turn counts as mended."""
        ...

    def read(self, after: int, block_s: float) -> list[Entry]:
        """Return the next entries behind a position, the node's own too; wait up to ``block_s`` for the first one.

        The link keeps the last ones: ``recover`` may need them. So the entries are applied, whatever happens.
        """
        ...

    def heartbeat(self, facts: Mapping[str, object], told: Told | None = None) -> list[NodeState]:
        """Renew the lease, tell the others about this node, and return all registered nodes by name, this one too.

        ``facts`` is JSON-able. ``told`` is left only if Redis has lost what ``leave_told`` has left; it must have been
        left, or be left soon. To be called each second, or six times for each lease.
        """
        ...

    def leave_told(self, home: str, told: Told) -> None:
        """Leave in Redis how far a life of this node has told its people. The caller leaves no lower one later.

        It is kept for an hour from the last heartbeat on, whatever becomes of the node.
        """
        ...

    def find_told(self, homes: Iterable[str]) -> dict[str, Told | None]:
        """Return what was left of homes, by home; None for each of which nothing is there."""
        ...

    def find_last_told(self) -> list[Told]:
        """Return what was left of the homes that lived last: for a node that finds none with a world.

        They have died within some seconds, so that none of them has ended the people of another.
        """
        ...

    def remove(self, name: str, epoch: int) -> bool:
        """Take a node that is gone from the registered ones. Its turn, if it has it, is handed on as a broken one.

        For what ``Contact.find_gone`` returns. Return False if its lease is there again, or it was removed already.
        """
        ...

    def trim(self, position: int) -> None:
        """Remove all entries up to a position. Whoever has not read them needs a new world."""
        ...

    def leave(self) -> None:
        """End the registration in good order. A turn that the node still has is handed on as a broken one."""
        ...

    def recover(self, find_turn_floor: Callable[[], int]) -> Recovered | None:
        """Take one step towards an agreement on the stream, after ``StreamLost``. None: call again in ``RETRY_S``.

        The nodes register with their positions. The one with the highest position writes what the stream has lost.
        ``find_turn_floor`` is called if that is this node: it returns the highest number of a turn that PostgreSQL
        knows. Raises what it raises.
        """
        ...

    def put_snapshot(self, home: str, snapshot: Snapshot) -> None:
        """Leave a snapshot for a node that joins. It is there for a minute."""
        ...

    def take_snapshot(self) -> Snapshot | None:
        """Return the snapshot that was left for this node, if there is one."""
        ...

    def close(self) -> None:
        """Close the connections. Calls under way end by themselves, within the time that they were given."""
        ...


def home_of(name: str, epoch: int) -> str:
    """The home of a node with that name and epoch."""
    return f"{name}/{epoch}"
