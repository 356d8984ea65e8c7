"""The hub of a node: what changes the chat runs only in a turn (docs/cluster.md).

A line that may change anything waits for a turn, as do tasks, what workers have done, and ends of sessions. Reading
verbs run at once. When the node has the turn and has applied all that the others have done before it, the next tick of
the first I/O thread is the turn: it runs what waited. At its end its records go to the journal thread, and all that it
tells waits in the gate until the others can read them.

What other nodes have done is applied in any tick between two turns of this node.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from chatroom.chat.cluster.applying import apply, log_misfit
from chatroom.chat.cluster.local_verbs import LOCAL_VERBS
from chatroom.chat.cluster.snapshot import reset
from chatroom.chat.cluster.untold import last_untold, tell_untold
from chatroom.chat.delivery.answer_costs import answer_bytes, count_unread
from chatroom.chat.delivery.batches import Batch
from chatroom.chat.delivery.gate import Gate
from chatroom.chat.log_line import LogWarning
from chatroom.chat.people.server import Server
from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.commands.dispatch import answer_not_run
from chatroom.irc.message import split
from chatroom.server.clocks import read_clocks
from chatroom.server.cluster.turn_journal import TurnJournal, TurnWork
from chatroom.server.gated_hub import GatedHub
from chatroom.server.hub import TASKS_S
from chatroom.server.metered import MeteredHub
from chatroom.server.turns import TICK_S

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.chat.delivery.batches import Settled
    from chatroom.chat.people.session import Session
    from chatroom.commands.context import Context
    from chatroom.commands.pending import Pending
    from chatroom.irc.framing import Malformed
    from chatroom.server.cluster.cluster_contract import Turn
    from chatroom.server.cluster.turn_desk import Done
    from chatroom.server.inbox import Task
    from chatroom.server.operator_screen import Screen
    from chatroom.server.workers import Workers

APPLY_S = 0.005
"""After so much time a tick applies nothing further of what other nodes have done."""
BETWEEN_RESETS_MS = 60_000
"""How long a node that has begun anew, because its world differed, goes on with one that differs again: a bug must not
have it begin anew all the time."""
LOST = "This server has lost the others: connect again"
NOT_CONNECTED = "This server is not connected to the others: try again in a moment"

log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    """A line that waits for a turn."""

    session: Session
    line: str
    since_mono_ms: int


class ClusterHub(GatedHub):
    """A hub whose world is a ``ClusterWorld``, and whose ledger's committer a ``TurnJournal``."""

    world: ClusterWorld

    def __init__(self, world: ClusterWorld, workers: Workers, screen: Screen) -> None:
        super().__init__(world, workers, screen)
        journal = self._ledger.committer
        assert isinstance(journal, TurnJournal)
        self._turn_journal = journal
        self._desk = journal.desk
        self._turn: Turn | None = None
        """The turn that the tick under way is; None in any other tick."""
        self._waiting: deque[_Waiting] = deque()
        """Lines that wait for a turn, in order."""
        self._posted: deque[Task] = deque()
        """Tasks that wait for a turn (``post``). Any thread appends; ticks take them out."""
        self._answers: deque[Task] = deque()
        """Outcomes for reading verbs, which need no turn. As ``_posted``."""
        self.position = 0
        """The position in the stream up to which the world has everything."""
        self._homes: set[str] = set()
        """The other homes of which there may be people."""
        self._told: dict[str, int] = {}
        """By home: the last sequence number up to which its people have read, as far as this node knows."""
        self._untold: Sequence[Record] = ()
        """What another node had stored and told nobody when it died: the others read of it from this turn."""
        self._next_reset_ms = 0
        """Until this moment of the monotonic clock, a record that does not fit is only logged."""
        self._failed_up_to = 0
        """Up to this sequence number, what this turn has said is lost, because its tick has failed; 0 if none has."""
        self.write_snapshot: Callable[[str], None] = _ignore
        """Called in a tick when the node with that home has asked for the world."""

    # -- what waits for a turn --------------------------------------------------------------------

    def post(self, thread: int, task: Task) -> None:
        """Have a task run in a turn. From any thread; needs no lock."""
        self._posted.append(task)
        self._desk.want()

    def post_outcome(self, thread: int, task: Task) -> None:
        """Have a task of a worker run in a turn. From any thread; needs no lock."""
        self._outcomes.append(task)
        self._desk.want()

    def run_line(self, session: Session, line: str | Malformed) -> bool:
        """Run a line, or let it and the session's further lines wait for a turn."""
        if self._turn is not None or not isinstance(line, str) or split(line)[2] in LOCAL_VERBS:
            return super().run_line(session, line)
        session.begin_wait()
        self._waiting.append(_Waiting(session, line, self.world.mono_ms))
        self._desk.want()
        return False

    def _post_resume(self, context: Context, pending: Pending, outcome: object) -> None:
        task = partial(self._resume, context, pending, outcome)
        if context.verb in LOCAL_VERBS:
            self._answers.append(task)
            self.threads[0].wake()
        else:
            self.post_outcome(0, task)

    def _resume(self, context: Context, pending: Pending, outcome: object) -> None:
        if self._turn is None and context.verb not in LOCAL_VERBS:
            self.post_outcome(0, partial(self._resume, context, pending, outcome))
        else:
            super()._resume(context, pending, outcome)

    @property
    def is_at_rest(self) -> bool:
        """True if nothing waits to be done, told or stored. Needs the lock, between two ticks."""
        return super().is_at_rest and not (self._waiting or self._posted or self._answers or self._desk.has_turn)

    # -- the tick; under the lock -----------------------------------------------------------------

    def begin(self) -> None:
        """Begin a tick: apply what the others have done, and run what waits if it is this node's turn."""
        assert self.lock.locked(), "needs the hub lock"
        self.world.begin_tick(*read_clocks())
        if self._answers:
            self._run_some(self._answers)
        if self._turn is not None:
            # The turn's last tick has failed. Its changes are made, and the others must know them.
            self._failed_up_to = self.world.outbox.seq
        else:
            self._apply()
            if not self._open_turn():
                if self._is_due():
                    self._desk.want()
                if self._waiting and self._waiting[0].since_mono_ms + PATIENCE_MS <= self.world.mono_ms:
                    self._refuse_late()
                return
        self._run_due()
        if self._posted:
            self._run_some(self._posted)
        self._run_waiting()
        self.world.end_deferred()

    def _apply(self) -> None:
        """Apply what other nodes have done, as far as the time goes."""
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
                self.threads[0].wake()
                return

    def _apply_one(self, done: Done) -> bool:
        """Apply a turn. False if this node gives its world up instead."""
        if done.home != self.world.home:
            for record in done.records:
                if record[0] == "untold":  # said before the turn
                    try:
                        self._tell_untold(record)
                    except Exception as error:
                        log_misfit(self.world, done.home, record, error)
            self._homes.add(done.home)
            misfit = apply(self.world, done.home, done.records)
            if misfit and self._refuses_misfit(done.home, misfit):
                return False
            self._told[done.home] = self.world.last_seq  # it had applied everything before, and tells its own at once
        self.position = done.position
        for record in done.records:
            if record[0] == "snapshot" and done.home != self.world.home:
                self.write_snapshot(done.home)
        return True

    def _refuses_misfit(self, home: str, kind: str) -> bool:
        """True if this node gives its world up, because a record of another node does not fit it."""
        world = self.world
        # Any other home's records are written by no node: each node leaves them out, so the worlds stay equal.
        if home not in world.servers or world.mono_ms < self._next_reset_ms:
            return False
        self._next_reset_ms = world.mono_ms + BETWEEN_RESETS_MS
        self._desk.lose(f"its world is not that of the others any more, the record {kind!r} of {home} does not fit it")
        return True

    def _tell_untold(self, record: Record) -> None:
        self.world.last_seq = max(self.world.last_seq, last_untold(record))
        tell_untold(self.world, record)

    def _open_turn(self) -> bool:
        """Begin this node's turn, if it has one, is up to date, and this is the first I/O thread's tick."""
        granted = self._desk.granted
        if granted is None or self._desk.lost or self.position < granted.turn.position:
            return False
        if self._desk.give_back_stale(self.world.mono_ms):
            return False
        if threading.get_ident() != self.threads[0].ident:
            self.threads[0].wake()  # tasks count on it, and it is the one that is woken
            return False
        granted = self._desk.take()
        self._turn, self._untold = granted.turn, granted.untold
        for record in granted.untold:
            self._tell_untold(record)
        self.world.begin_turn(self.world.last_seq)
        return True

    def _is_due(self) -> bool:
        world = self.world
        end_ms, retry_ms = world.next_ban_end_ms, world.retries.next_mono_ms
        is_late = (end_ms and end_ms <= world.wall_ms) or (retry_ms and retry_ms <= world.mono_ms)
        return bool(is_late or self._has_work())

    def _has_work(self) -> bool:
        world = self.world
        return bool(self._waiting or self._outcomes or self._posted or world.work.put_off or world.wants_turn)

    def _run_waiting(self) -> None:
        """Run the lines that have waited, as far as the time goes."""
        waiting, costs, mono_ms = self._waiting, self.world.costs, self.world.mono_ms
        end_s = time.monotonic() + TICK_S
        while waiting:
            session, line, _ = waiting.popleft()
            if not session.closing:
                before, costs.work_bytes = count_unread(session), 0
                super().run_line(session, line)
                costs.pay(session, answer_bytes(session, before), mono_ms)
            if session.end_wait():
                self._wake(session)
            if time.monotonic() >= end_s:
                return

    def _refuse_late(self) -> None:
        """Answer lines that have waited too long, but those of sessions that are not registered yet: they go on
        waiting.
        """
        mono_ms, kept = self.world.mono_ms, deque[_Waiting]()
        for waiting in self._waiting:
            session, line, since_mono_ms = waiting
            if not session.closing:
                if since_mono_ms + PATIENCE_MS > mono_ms or (session.registration is not None):
                    kept.append(waiting)
                    continue
                answer_not_run(self.world, session, line, "NOT_CONNECTED", NOT_CONNECTED)
            if session.end_wait():
                self._wake(session)
        self._waiting = kept

    def _run_some(self, tasks: deque[Task]) -> None:
        end_s = time.monotonic() + TASKS_S
        while tasks:
            self.run_task(tasks.popleft())
            if tasks and time.monotonic() >= end_s:
                self.threads[0].wake()
                return

    # -- the end of a turn ------------------------------------------------------------------------

    def _take_batch(self, number: int) -> Batch | None:
        """End the turn, if this tick is one. Return what it has to store and to tell the others, if anything."""
        turn, self._turn = self._turn, None
        if turn is None:
            return None  # what is to be stored, if anything, is stored in the next turn
        world = self.world
        records, failed_up_to = world.end_turn(), self._failed_up_to
        if failed_up_to:
            records = [item for item in records if not 0 < item[0] <= failed_up_to]
            self._failed_up_to = 0
        records = [*((0, record) for record in self._untold), *records]
        self._untold = ()
        batch = super()._take_batch(number)
        if self._is_due():
            self._desk.want()
        if batch is None and not records:
            self._desk.end(turn, is_unused=True)
            return None
        self._turn_journal.prepare(TurnWork(turn, records))
        return batch or Batch(number, (), (), (), ())

    def _give(self, batch: Batch) -> None:
        super()._give(batch)
        self._gate.hold_tick()

    def _settle(self, settled: Settled) -> None:
        super()._settle(settled)
        # Everything up to this turn is in this world: no need to wait for the reader.
        self.position = max(self.position, self._turn_journal.position)

    # -- other nodes ------------------------------------------------------------------------------

    def look_at_nodes(self, servers: dict[str, Server | None], told: dict[str, int]) -> None:
        """End the people of nodes that are gone, in a turn. ``servers`` are those of all nodes, by home.

        None stands for one that has not told of its server with a heartbeat yet: a turn of it may have, or will.
        ``told`` are the last sequence numbers that they have told of, as of their last heartbeat. In a tick.
        """
        known = self.world.servers
        self.world.servers = {
            home: server or known.get(home) or Server(home.partition("/")[0], "") for home, server in servers.items()
        }
        for home, seq in told.items():
            self._told[home] = max(seq, self._told.get(home, 0))
        gone = self._homes.difference(servers)
        for home in gone:
            self._homes.discard(home)  # it comes back if something of it is left in the stream
            if home in self.world.homes():
                self.world.log_line(f"the node {home} is gone, and its people with it", LogWarning)
                text = f"{home.partition('/')[0]} is gone"
                self.post(0, partial(self.world.close_home, home, text, self._told.pop(home, None)))

    # -- beginning anew ---------------------------------------------------------------------------

    def leave(self, why: str) -> None:
        """End all own sessions, and empty the world. In a tick, when the node has lost its place.

        Sessions that are not registered stay, and wait.
        """
        world = self.world
        world.log_line(f"this node begins anew, and its people must connect again: {why}", LogWarning)
        self._turn_journal.drop()
        self._desk.begin_anew()
        gate, self._gate = self._gate, Gate()
        self._gate.number = gate.number
        self._settled.clear()
        self._ledger.abandon()
        self._ledger.renaming = 0
        world.outbox.abandon()
        world.outbox.closed += gate.find_closed()
        reset(world, LOST)
        self._waiting = deque(waiting for waiting in self._waiting if not waiting.session.closing)
        self._turn, self._failed_up_to, self._untold = None, 0, ()

    def enter(self, position: int) -> None:
        """Go on with a world that was loaded, as it is at a position. In a tick, or before the first."""
        self.position = position
        self._homes, self._told = self.world.homes(), {}


class MeteredClusterHub(MeteredHub, ClusterHub):
    """A node's hub that counts lines and bytes."""

    def run_line(self, session: Session, line: str | Malformed) -> bool:
        """Run a line, or let it wait, and count it."""
        self._count_line(line)
        return ClusterHub.run_line(self, session, line)


def _ignore(home: str) -> None:
    """Leave it to other nodes."""
