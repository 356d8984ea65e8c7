"""What other nodes have done, and which of them there are: their turns are applied in the order of the stream."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from chatroom.chat.cluster.applying import apply
from chatroom.chat.cluster.kept_records import homes_of
from chatroom.chat.people.server import Server
from chatroom.server.cluster.other_homes import OtherHomes

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.cluster.told import Told
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.server.cluster.turn_desk import Desk, Done

APPLY_S = 0.005
"""After so much time a tick applies nothing further of what other nodes have done."""
BETWEEN_RESETS_MS = 60_000
"""How long a node that has begun anew, because its world differed, goes on with one that differs again: a bug must not
have it begin anew all the time."""

log = logging.getLogger(__name__)


class OtherNodes:
    """What this node has applied and knows of the others. All methods are called in a tick, or before the first."""

    def __init__(self, world: ClusterWorld, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self.position = 0
        """The position in the stream up to which the world has everything."""
        self.latest = 0
        """The position of the last turn of another node that was applied."""
        self.homes = OtherHomes()
        self._next_reset_ms = 0
        """Until this moment of the monotonic clock, a record that does not fit is only logged."""
        self.write_snapshot: Callable[[str], None] = _ignore
        """Called in a tick when the node with that home has asked for the world."""

    def enter(self, position: int) -> None:
        """Go on with a world that was loaded, as it is at a position."""
        self.position = self.latest = position
        self.homes.begin(self._world.homes())

    # -- what they have done ----------------------------------------------------------------------

    def apply(self) -> None:
        """Apply the turns that lie on the desk, as far as the time goes."""
        entries, desk = self._desk.entries, self._desk
        if not entries or desk.lost:
            return
        end_s = time.monotonic() + APPLY_S
        while entries:
            done = entries[0]
            if done.position > self.position:
                if done.position != self.position + 1:
                    desk.lose(f"the stream goes on at {done.position}, and this node stands at {self.position}")
                    return
                try:
                    if not self._apply_one(done):
                        return
                except Exception:
                    log.exception("what another node has done could not be applied")
                    desk.lose("its world is not that of the others any more")
                    return
            entries.popleft()
            if entries and time.monotonic() >= end_s:
                desk.wake()
                return

    def _apply_one(self, done: Done) -> bool:
        """Apply a turn. False if this node gives its world up instead."""
        world = self._world
        if done.home != world.home:
            self.homes.add(done.home, *homes_of(done.records))
            misfit = apply(world, done.home, done.records)
            if misfit and self._refuses_misfit(done.home, misfit):
                return False
            self.latest = done.position
        self.position = done.position
        for record in done.records:
            if record[0] == "snapshot" and done.home != world.home:
                self.write_snapshot(done.home)
        return True

    def _refuses_misfit(self, home: str, kind: str) -> bool:
        """True if this node gives its world up, because a record of another node does not fit it."""
        world = self._world
        # Any other home's records are written by no node: each node leaves them out, so the worlds stay equal.
        if home not in world.servers or world.mono_ms < self._next_reset_ms:
            return False
        self._next_reset_ms = world.mono_ms + BETWEEN_RESETS_MS
        self._desk.lose(f"its world is not that of the others any more, the record {kind!r} of {home} does not fit it")
        return True

    def tell_untold(self, records: Sequence[Record]) -> None:
        """Tell what a node had stored and told nobody when it died, and do what it had changed. Before a turn."""
        self.homes.add(*homes_of(records))
        apply(self._world, self._world.home, records)

    # -- which there are --------------------------------------------------------------------------

    def find_gone(self, servers: dict[str, Server | None], told: Mapping[str, Told | None]) -> list[tuple[str, Told]]:
        """The homes whose node is not there any more, each with how far it has told its people.

        See ``ClusterHub.look_at_nodes`` for the arguments. Each home is returned once.
        """
        world, known = self._world, self._world.servers
        world.servers = {
            home: server or known.get(home) or Server(home.partition("/")[0], "") for home, server in servers.items()
        }
        names = self.homes.names
        world.clock_shifts = {
            home: shift_ms for home, shift_ms in world.clock_shifts.items() if home in servers or home in names
        }
        return self.homes.find_gone(servers.keys(), told)


def _ignore(home: str) -> None:
    """Leave it to other nodes."""
