"""A node: the parts that make a daemon one of several, from joining the others to leaving them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.cluster.cluster_world import ClusterWorld
from chatroom.chat.cluster.kept_records import read_kept
from chatroom.chat.cluster.snapshot import load_snapshot, reset, snapshot_to_document
from chatroom.chat.cluster.untold import untold_to_record
from chatroom.chat.stored.entries import Entry, time_ms_of
from chatroom.chat.stored_channels import restore_channels
from chatroom.commands.connecting.approving import answer_unregistered
from chatroom.commands.reading.replay import replay_channel, replay_gap
from chatroom.errors import ClusterError, Fenced, RedisUnreachable, StorageError, StreamLost
from chatroom.server.cluster.cluster_hub import LOST, ClusterHub, MeteredClusterHub
from chatroom.server.cluster.contact import Contact
from chatroom.server.cluster.entering import Stopping, join, take_place, take_world, unpack
from chatroom.server.cluster.heartbeat import Heartbeat
from chatroom.server.cluster.last_told import store_missed
from chatroom.server.cluster.snapshot_writer import SnapshotWriter, Wanted
from chatroom.server.cluster.stream_reader import StreamReader
from chatroom.server.cluster.told_thread import TellingThread, make_io_threads
from chatroom.server.cluster.turn_desk import Desk
from chatroom.server.cluster.turn_journal import TurnJournal
from chatroom.server.cluster.turn_thread import TurnThread
from chatroom.server.loaded_world import load_always_on, restore_always_on

if TYPE_CHECKING:
    from chatroom.chat.cluster.told import Told
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.history_stores import NodeJournal
    from chatroom.config.clustering import Cluster
    from chatroom.server.cluster.cluster_contract import Joined, Link, Turn
    from chatroom.server.doubt_file import DoubtFile
    from chatroom.server.inbox import Task
    from chatroom.server.io_thread import IoThread
    from chatroom.server.loop_thread import LoopThread
    from chatroom.server.operator_screen import Screen
    from chatroom.server.workers import Workers
    from chatroom.storage.sql.sql_stores import SqlStores

JOIN_PATIENCE_S = 10.0
"""How long a start tries to reach Redis."""
_JOIN_AGAIN_S = 0.2
_POSITION_LOOK_S = 0.005
_IDLE_LOOK_S = 0.5
_RETURN = "this node's return to the others"
_SETTLE_PATIENCE_S = 10.0
"""How long a start waits until what the run before has refused is taken back."""
_WRITE_PATIENCE_S = 1.0
"""How long a node that begins anew waits until what it has told is written."""


class Node:
    """The parts. Methods are for the main thread, unless they say otherwise."""

    def __init__(
        self,
        settings: Cluster,
        link: Link,
        journal: NodeJournal,
        open_stores: Callable[[], SqlStores],
        doubts: DoubtFile | None = None,
    ) -> None:
        self._link = link
        self._journal = journal
        self._open_stores = open_stores
        self.desk = desk = Desk()
        desk.is_cut = link.is_cut
        self.committer = TurnJournal(journal, desk, link.append, doubts)
        self.contact = Contact(settings.node, settings.lease_s)
        self._reader = StreamReader(link, desk)
        self.heartbeat = Heartbeat(link, desk, self.contact, self._facts, self._find_told, settings)
        self._snapshots = SnapshotWriter(link)
        self._turns = TurnThread(
            link, desk, self._find_turn_floor, self._find_untold, self._begin_anew, self.heartbeat.log
        )
        self.facts: Callable[[], dict[str, object]] = dict
        """What the others know of this node, beside how far it is. From any thread. Set once, before the hub ticks."""
        self.world: ClusterWorld | None = None
        self.hub: ClusterHub | None = None
        self.first_number = 1
        """The id of the first session of this run: no other node, and no other start, gives it out."""
        self._telling: TellingThread | None = None
        """None before there is a hub."""
        self._joined: Joined | None = None
        self._position = 0

    # -- the start --------------------------------------------------------------------------------

    def join(self) -> None:
        """Join the others. Raises ``ClusterError``."""
        self._joined = joined = join(self._link, self._find_turn_floor, self.desk.pause, JOIN_PATIENCE_S)
        self.first_number = (joined.epoch << 32) + 1
        self.heartbeat.start()

    @property
    def is_first(self) -> bool:
        """True if no node had a world when this one joined."""
        return self._joined is not None and self._joined.is_first

    def fill(self, world: ClusterWorld, stores: SqlStores) -> None:
        """Put into a new world what the others have in theirs; the first node, what is stored.

        If they have gone on without this node meanwhile, it begins anew as soon as its threads run.
        """
        assert self._joined is not None
        self.world = world
        world.home = self._link.home
        try:
            snapshot = take_world(self._link, self._joined, self._find_turn_floor, self._pause)
            if snapshot is None:
                self._make_world(world, stores)
                self._position = self._joined.position
            else:
                self._position = snapshot.position
                load_snapshot(world, unpack(snapshot))
            take_place(self._link, self._position, self._facts(), self._find_turn_floor, self._pause)
        except Fenced as error:
            self.desk.lose(str(error))

    def _make_world(self, world: ClusterWorld, stores: SqlStores) -> None:
        """Complete the world from the database, because no node has one."""
        if not self.is_first:  # those who had a world have died, perhaps since this one has read the channels
            stores.channels.finish_renames()
            reset(world, LOST)
            world.configure_channels()
            restore_channels(world, stores.channels.load_all())
        read_up_to = store_missed(stores.presence, self._find_last_told(), world.ledger.last_message_id)
        restore_always_on(world, load_always_on(world, stores, read_up_to))
        self._found(world)

    def make_hub(self, workers: Workers, screen: Screen, *, metered: bool) -> ClusterHub:
        """Make the hub of the world that was filled."""
        assert self.world is not None
        world, kind = self.world, MeteredClusterHub if metered else ClusterHub
        self.hub = hub = kind(world, workers, screen)
        self.desk.wake = lambda: hub.threads[0].wake()
        self.committer.wake_by(self.desk.wake)
        world.replayer, world.gap_replayer = _replay, replay_gap
        world.answer_applicants = answer_unregistered
        world.duty = lambda: self.heartbeat.has_duty
        hub.mark.find_account = world.find_account
        hub.others.write_snapshot, hub.hurry = self._write_snapshot, self.heartbeat.hurry
        self._telling = TellingThread(self._link, hub.mark)
        hub.sure_until_s = 0.0  # before the first heartbeat, it may have stood still since it took its place
        hub.enter(self._position)
        self._reader.begin_at(self._position)
        return hub

    def make_io_threads(self, count: int, released: Callable[[Session], None]) -> list[IoThread]:
        """Make the I/O threads of the hub."""
        assert self.hub is not None
        return make_io_threads(self.hub, count, released)

    def count_elsewhere(self) -> Callable[[str], tuple[int, int]]:
        """Return what says how many connections the other nodes have from an address. Any thread may call that."""
        assert self.world is not None
        counts = self.heartbeat.addresses
        counts.people = self.world.sessions.elsewhere
        return counts.find

    def start(self, is_over: Callable[[], bool]) -> None:
        """Begin to take part, when the I/O threads run. It waits until the history has nothing that was refused.

        ``is_over`` is True if the daemon is to stop already.
        """
        assert self._telling is not None
        self.heartbeat.hub, self.heartbeat.leave_told = self.hub, self._telling.leave_again
        self.heartbeat.hurry()
        for loop in self.loops:
            if loop is not self.heartbeat:
                loop.start()
        # Nobody can ask this node for the history yet. When the start is over, the other nodes' history is right, too.
        self.committer.wait_settled(_SETTLE_PATIENCE_S, is_over)

    @property
    def loops(self) -> list[LoopThread]:
        """All threads of the node."""
        telling = [self._telling] if self._telling is not None else []
        return [self.committer, self._reader, self.heartbeat, self._snapshots, self._turns, *telling]

    # -- the end ----------------------------------------------------------------------------------

    def stop(self, patience_s: float) -> None:
        """Leave the others. The journal thread has ended before, or never begun. Idempotent."""
        self.desk.stop()
        self.heartbeat.hurry()
        for loop in (self._turns, self._reader, self.heartbeat):
            loop.join(patience_s)
        self._snapshots.stop(patience_s)
        if self._telling is not None:
            self._telling.stop()
            self._telling.join(patience_s)
            self._telling.leave_mark()
        try:
            self._link.leave()
        except ClusterError:
            pass  # they notice it by themselves
        self._link.close()

    # -- for the threads --------------------------------------------------------------------------

    def _facts(self) -> dict[str, object]:
        hub = self.hub
        if hub is None:
            return self.facts()
        _, told = hub.mark.read()
        # "told" is for nodes of an earlier version.
        facts = {"position": hub.position, "told": told.by_all, "wall_ms": round(time.time() * 1000)}
        return {**facts, **self.facts()}

    def _find_told(self) -> Told | None:
        """How far this life of the node has told its people; None between two lives."""
        if self.hub is None:
            return None
        home, told = self.hub.mark.read()
        return told if home == self._link.home else None

    def _find_last_told(self) -> list[Told]:
        """What the nodes have left that lived last."""
        while True:
            try:
                return self._link.find_last_told()
            except RedisUnreachable:
                if not self._pause(_JOIN_AGAIN_S):
                    raise Stopping from None

    def _find_turn_floor(self) -> int:
        with self.committer.lock:
            return self._journal.next_turn()

    def _find_untold(self, turn: Turn) -> list[Record]:
        """Fence the database off for earlier turns, and return what they have stored and not told.

        From the turn thread.
        """
        assert self.hub is not None
        while self.hub.position < turn.position:
            if not self.desk.pause(_POSITION_LOOK_S):
                raise Stopping if self.desk.is_over else ClusterError(self.desk.lost)
            if self.desk.has_lost_stream:  # what is awaited may be lost with it
                raise StreamLost("Redis was restarted while a turn began")
        after, entries = self.hub.world.last_seq, list[Entry]()
        with self.committer.lock:
            self._journal.claim(turn.number)
            kept = self._journal.find_kept(after)
            while more := self._journal.untold(entries[-1].message_id if entries else after):
                entries += more
        if kept is not None:
            return read_kept(kept.home, kept.records, entries)
        return [untold_to_record(entries)] if entries else []

    def _found(self, world: ClusterWorld) -> None:
        """Go on with a world that was made from the database, as a lone daemon does: no other node has one."""
        world.recorder.clear()  # nobody else is there
        world.last_seq = world.outbox.seq

    def _write_snapshot(self, home: str) -> None:
        """Make a snapshot for a node that joins, if this is the one to do it. In a tick."""
        self.heartbeat.hurry()  # if Redis lost its data now, this node would have to wait for that one
        hub, names = self.hub, [node.name for node in self.heartbeat.nodes if node.is_alive and node.is_ready]
        assert hub is not None
        joiner = home.partition("/")[0]
        if min([name for name in names if name != joiner], default=hub.world.node) == hub.world.node:
            self._snapshots.add(Wanted(home, hub.position, snapshot_to_document(hub.world)))

    # -- beginning anew; in the turn thread -------------------------------------------------------

    def _begin_anew(self, why: str) -> None:
        """Leave the world, which is not that of the others any more, join again and take theirs."""
        hub, desk = self.hub, self.desk
        assert hub is not None
        self.heartbeat.is_on = False
        with self._reader.lock:
            self._in_tick(partial(hub.leave, why))
            assert self._telling is not None
            self._telling.finish(_WRITE_PATIENCE_S)  # before the others end this node's people
            while not self.committer.wait_idle(_IDLE_LOOK_S):  # what is under way belongs to the place that is lost
                if self.desk.is_over:
                    raise Stopping
            while not self._take_another_place(hub):
                if not self._pause(_JOIN_AGAIN_S):
                    raise Stopping
        desk.find_place()

    def _take_another_place(self, hub: ClusterHub) -> bool:
        """Join again, and take the others' world. False if Redis or PostgreSQL does not let it."""
        try:
            joined = join(self._link, self._find_turn_floor, self._pause)
            self.heartbeat.is_on = True
            snapshot = take_world(self._link, joined, self._find_turn_floor, self._pause)
            if snapshot is None:
                position, fill = joined.position, self._load_stored(hub.world)
            else:
                position, fill = snapshot.position, partial(load_snapshot, hub.world, unpack(snapshot))
            with self._open_stores() as stores:
                hooks = stores.hooks.list_all(), stores.hooks.list_incoming()
            self._in_tick(partial(self._enter, hub, position, fill))
            # The names of their channels may be those of a turn that never was.
            self._in_tick(partial(hub.world.ledger.hooks.use, *hooks))
            self._reader.begin_at(position)
            take_place(self._link, position, self._facts(), self._find_turn_floor, self._pause)
        except (ClusterError, StorageError) as error:
            self.heartbeat.is_on = False
            self.heartbeat.log.wait(_RETURN, error)
            return False
        self.heartbeat.log.go_on(_RETURN)
        return True

    def _load_stored(self, world: ClusterWorld) -> Callable[[], None]:
        """Read what is stored, for the only node. Return what fills the emptied world with it, in a tick."""
        assert self.hub is not None
        with self.committer.lock:
            self._journal.next_turn()  # makes a connection, if there is none
            last_message_id = self._journal.last_message_id()
        _, own = self.hub.mark.read()  # nobody else ends this node's people
        marks = [own, *self._link.find_last_told()]
        with self._open_stores() as stores:
            stores.channels.finish_renames()
            channels = stores.channels.load_all()
            users = load_always_on(world, stores, store_missed(stores.presence, marks, last_message_id))

        def fill() -> None:
            # A node with a clock that is ahead may have been alone meanwhile.
            outbox = world.outbox
            outbox.go_on(max(outbox.seq, last_message_id), time_ms_of(last_message_id))
            world.configure_channels()
            restore_channels(world, channels)
            restore_always_on(world, users)
            self._found(world)

        return fill

    def _enter(self, hub: ClusterHub, position: int, fill: Callable[[], None]) -> None:
        """Put a world into the emptied one. In a tick."""
        world = hub.world
        reset(world, LOST)  # of what an earlier try has left
        world.home = self._link.home
        fill()
        hub.enter(position)
        world.log_line(f"this node is one of the cluster again, as {world.home}")

    def _pause(self, pause_s: float) -> bool:
        """Wait, also while the node has no place. False if the daemon stops."""
        return not self.desk.wait_over(pause_s)

    def _in_tick(self, task: Task) -> None:
        """Run a task in a tick, and wait for its end. Raises what it raises."""
        assert self.hub is not None
        done, faults = threading.Event(), list[Exception]()

        def run() -> None:
            try:
                task()
            except Exception as fault:  # a tick would only log it
                faults.append(fault)
            finally:
                done.set()

        self.hub.threads[0].post(run)
        while not done.wait(1.0):
            if self.desk.is_over:
                raise Stopping
        if faults:
            raise faults[0]


def _replay(world: ClusterWorld, session: Session, channel: Channel, up_to: int) -> None:
    replay_channel(world, session, channel, up_to=up_to)
