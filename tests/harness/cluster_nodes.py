"""The nodes of a cluster in one process, without sockets, threads and Redis: their worlds, and a stream of bytes.

One node at a time has the turn. Before its tick it applies the stream to its end; the others apply it when the test
wants it. All nodes have one database, and their monotonic clocks differ.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from harness.held_work import HeldItem, HeldPending
from harness.invariants import check_invariants
from harness.runtime import FakeRuntime
from harness.world import START, Here, change_settings

from chatroom.chat.admission.account_directory import AccountDirectory
from chatroom.chat.admission.cloak import Cloak
from chatroom.chat.cluster.applying import apply
from chatroom.chat.cluster.cluster_world import ClusterWorld
from chatroom.chat.cluster.lost_home import close_home
from chatroom.chat.cluster.snapshot import load_snapshot, snapshot_to_document
from chatroom.chat.cluster.turn_records import Record, decode_records, encode_records
from chatroom.chat.delivery.ledger import Ledger, NotWritten
from chatroom.chat.people.server import Server
from chatroom.chat.world import World
from chatroom.commands.connecting.approving import answer_unregistered
from chatroom.commands.reading.replay import replay_channel
from chatroom.config import Settings
from chatroom.server.change_follower import ChangeFollower
from chatroom.server.loaded_world import restore

NAMES = "abcd"
APART_MS = 7_000_000
"""How far the monotonic clocks of two nodes are apart."""
SERVER_OF = "chatroom.{}node"
"""The name of a node as a server: as long as that of other test worlds, so that lines are cut at the same places."""


def show_nothing_missed(world: World) -> None:
    """Have no session wait for what it missed: not even to learn that it is nothing."""
    world.leaves_replay = lambda session, channel: True  # type: ignore[method-assign]


class Batch(NamedTuple):
    """What one turn has appended to the stream."""

    home: str
    data: bytes


class Clock:
    """The clocks of all nodes, but for what is between their monotonic ones."""

    def __init__(self) -> None:
        self.now = START
        self.mono_ms = 1_000_000


class Cluster:
    """The stream, the turn, and the nodes that are alive."""

    def __init__(self, path: Path, settings: Settings, nodes: int) -> None:
        self.path, self.settings = path, settings
        self.clock = Clock()
        self.stream: list[Batch] = []
        self.last_seq = 0
        """The last sequence number of the stream."""
        self.held: deque[HeldItem | HeldPending] = deque()
        """The jobs of all nodes that are not done yet, in order."""
        self.nodes: list[Node] = []
        self.epochs = 0
        self.has_turn: Node | None = None
        self.servers: dict[str, Server] = {}
        for _ in range(nodes):
            self.add_node()

    def add_node(self) -> Node:
        """Start a node. All but the first one load a snapshot of the world."""
        self.epochs += 1
        names = [node.name for node in self.nodes]
        node = Node(self, next(name for name in NAMES if name not in names), self.epochs)
        self.nodes.append(node)
        return node

    def close(self) -> None:
        """Close the database's connections."""
        for node in self.nodes:
            node.close()

    def lose_node(self, lost: Node) -> None:
        """A node dies. Another one ends its sessions, in a turn."""
        self.nodes.remove(lost)
        lost.close()
        with self.nodes[0].tick():
            close_home(self.nodes[0].world, lost.home, f"{lost.name} is gone")
        del self.servers[lost.home]

    def take_turn(self, node: Node) -> None:
        """Give a node the turn: its world is up to date then."""
        assert self.has_turn is None
        node.apply()
        self.has_turn = node

    def append(self, node: Node, records: list[Record]) -> None:
        """Append what a turn has recorded, and end the turn."""
        assert self.has_turn is node
        self.has_turn = None
        assert node.position == len(self.stream)
        if records:
            self.last_seq = node.world.outbox.seq
            self.stream.append(Batch(node.home, encode_records(records)))
            node.position += 1

    def follow(self) -> None:
        """Have each node read what others have changed in the database."""
        for node in self.nodes:
            node.follow()

    def take_snapshot(self) -> dict[str, Any]:
        """The world of the node with the lowest name, at the end of the stream, as another process reads it."""
        node = min(self.nodes, key=lambda node: node.name)
        node.apply()
        node.world.begin_tick(node.now_ms, node.mono_ms)
        found: dict[str, Any] = json.loads(json.dumps(snapshot_to_document(node.world)))
        return found

    def make_copy(self) -> ClusterWorld:
        """Make a world from a snapshot, which belongs to no node."""
        first = self.nodes[0]
        clocks = first.now_ms, first.mono_ms + APART_MS // 2
        accounts = AccountDirectory(first.stores.accounts.load_entries())
        world = ClusterWorld(first.world.settings, first.runtime, Cloak(b"key"), *clocks, accounts, node="x")
        restore(world, first.stores)
        load_snapshot(world, self.take_snapshot())
        return world

    @property
    def is_behind(self) -> bool:
        """True if a node has not applied all of the stream, or has jobs to do."""
        return bool(self.held) or any(node.position < len(self.stream) for node in self.nodes)

    def catch_up(self) -> None:
        """Have all nodes apply the stream to its end."""
        for node in self.nodes:
            node.apply()


class Node(Here):
    """One node: its world, and the sessions that have their connections there."""

    world: ClusterWorld
    check = staticmethod(partial(check_invariants, knows_accounts=False))

    def __init__(self, cluster: Cluster, name: str, epoch: int) -> None:
        self.cluster, self.name, self.epoch = cluster, name, epoch
        self.home = f"{name}/{epoch}"
        cluster.servers[self.home] = Server(SERVER_OF.format(name), cluster.settings.server.description)
        self.position = 0
        """How many batches of the stream its world has applied."""
        self._is_apart = False
        """True while its ticks have no turn."""
        self._is_made = False
        """False while it is made, which sets no clock."""
        self.apart_ms = epoch * APART_MS
        self.ahead = timedelta()
        """How far its wall clock is ahead of that of the cluster."""
        self.writer, self.first_id = f"daemon:{name}", epoch << 32
        self._tasks: deque[Callable[[], None]] = deque()
        settings = change_settings(cluster.settings, server={"name": SERVER_OF.format(name)})
        super().__init__(cluster.path, settings, history=True)
        self.held = cluster.held
        self._is_made = True

    @property
    def now(self) -> datetime:
        """This node's wall clock."""
        return self.cluster.clock.now + self.ahead

    @now.setter
    def now(self, now: datetime) -> None:
        if self._is_made:
            self.cluster.clock.now = now - self.ahead

    @property
    def mono_ms(self) -> int:
        """This node's monotonic clock."""
        return self.cluster.clock.mono_ms + self.apart_ms

    @mono_ms.setter
    def mono_ms(self, mono_ms: int) -> None:
        # How far a clock is ahead of another one is known by turns that are read without delay.
        if self._is_made:
            self.cluster.catch_up()
            self.cluster.clock.mono_ms = mono_ms - self.apart_ms

    def _make_world(self, settings: Settings) -> World:
        self.runtime = FakeRuntime(settings)
        accounts = AccountDirectory(self.stores.accounts.load_entries())
        assert self.journal is not None
        ledger = Ledger(self.journal, settings.history)
        world = ClusterWorld(
            settings, self.runtime, Cloak(b"key"), self.now_ms, self.mono_ms, accounts, ledger, node=self.name
        )
        world.home = self.home
        world.change_patience_ms = 0
        if not settings.history.replay_accounts_max:
            show_nothing_missed(world)
        world.replayer = lambda world, session, channel, up_to: replay_channel(world, session, channel, up_to=up_to)
        world.answer_applicants = answer_unregistered
        world.servers = self.cluster.servers
        restore(world, self.stores)
        if self.cluster.nodes:
            load_snapshot(world, self.cluster.take_snapshot())
            self.position = len(self.cluster.stream)
        self.follower = ChangeFollower(world, self._tasks.append, self.stores.last_change_id())
        return world

    # -- turns ------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self._is_apart:
            self.cluster.take_turn(self)
            self.world.begin_tick(self.now_ms, self.mono_ms)
            self.world.begin_turn(self.cluster.last_seq)
            super()._begin()
        else:
            self._in_tick = True
            self.world.begin_tick(self.now_ms, self.mono_ms)

    def _commit(self) -> list[NotWritten]:
        if not self.world.has_turn:
            return super()._commit()
        self.world.end_deferred()
        records = self.world.end_turn()
        not_written = super()._commit()
        lost = {message.seq for message in not_written}
        self.cluster.append(self, [record for seq, record in records if seq not in lost])
        return not_written

    @contextmanager
    def without_turn(self) -> Iterator[None]:
        """Run ticks that may change nothing that other nodes have."""
        assert not self._in_tick
        self._is_apart = True
        yield
        self._is_apart = False

    def apply(self, most: int | None = None) -> None:
        """Apply what the stream has, in one tick; at most so many batches of it."""
        batches = self.cluster.stream[self.position :][:most]
        if not batches:
            return
        self.position += len(batches)
        with self.without_turn():
            self._begin()
            for home, data in batches:
                assert home != self.home
                apply(self.world, home, decode_records(data))
            work, ledger = self.world.work, self.world.ledger
            assert not (work.writes or work.checks or work.put_off), "another node has done it"
            assert ledger.is_at_rest, "another node has stored it"
            assert not [line for line in self.world.log_lines if "does not fit" in line], self.world.log_lines
            self._end()

    def follow(self) -> None:
        """Read what others have changed in the database."""
        self.follower.look(self.stores)
        while self._tasks:
            with self.tick():
                self._tasks.popleft()()
