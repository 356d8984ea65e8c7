"""The hub of a node: what changes the chat runs only in a turn (docs/cluster.md).

A line that may change anything waits for a turn, as do tasks, what workers have done, and ends of sessions. Reading
verbs run at once. When the node has the turn and has applied all that the others have done before it, the next tick of
the first I/O thread is the turn: it runs what waited. At its end its records go to the journal thread, and all that it
tells waits in the gate until the others can read them. If that takes longer than patience lasts, because Redis is away,
answers and refusals of later ticks overtake it.

What other nodes have done is applied in any tick between two turns of this node (``other_nodes.py``).
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.cluster.completing import complete_stored
from chatroom.chat.cluster.local_verbs import LOCAL_VERBS
from chatroom.chat.cluster.lost_home import close_home
from chatroom.chat.cluster.snapshot import reset, tell_end
from chatroom.chat.delivery.answer_costs import answer_bytes, count_unread
from chatroom.chat.delivery.batches import Batch
from chatroom.chat.delivery.gate import Gate
from chatroom.chat.log_line import LogWarning
from chatroom.chat.work_queue import PATIENCE_MS
from chatroom.commands.dispatch import answer_not_run
from chatroom.irc.message import split
from chatroom.server.clocks import read_clocks
from chatroom.server.cluster.other_nodes import OtherNodes
from chatroom.server.cluster.patient_hub import PatientHub
from chatroom.server.cluster.told_mark import ToldMark
from chatroom.server.cluster.told_so_far import ToldSoFar
from chatroom.server.cluster.turn_journal import TurnJournal, TurnWork
from chatroom.server.cluster.waiting_lines import WaitingLines
from chatroom.server.hub import TASKS_S
from chatroom.server.metered import MeteredHub
from chatroom.server.turns import TICK_S

if TYPE_CHECKING:
    from chatroom.chat.cluster.cluster_world import ClusterWorld
    from chatroom.chat.cluster.told import Told
    from chatroom.chat.cluster.turn_records import Record
    from chatroom.chat.delivery.batches import Settled
    from chatroom.chat.people.server import Server
    from chatroom.chat.people.session import Session
    from chatroom.commands.context import Context
    from chatroom.commands.pending import Pending
    from chatroom.irc.framing import Malformed
    from chatroom.server.cluster.cluster_contract import Turn
    from chatroom.server.inbox import Task
    from chatroom.server.operator_screen import Screen
    from chatroom.server.workers import Workers

LOST = "This server has lost the others: connect again"
NOT_CONNECTED = "This server is not connected to the others: try again in a moment"


class ClusterHub(PatientHub):
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
        self._waiting = WaitingLines(world)
        """Lines that wait for a turn, in order."""
        self._posted: deque[Task] = deque()
        """Tasks that wait for a turn (``post``). Any thread appends; ticks take them out."""
        self._answers: deque[Task] = deque()
        """Outcomes for reading verbs, which need no turn. As ``_posted``."""
        self.others = OtherNodes(world, journal.desk)
        self.mark = ToldMark()
        self._told = ToldSoFar(world)
        self.sure_until_s = math.inf
        """Until when, on the monotonic clock, no other node can have struck this one off. The heartbeat sets it."""
        self.hurry: Callable[[], None] = _rest
        """Has the next heartbeat come at once. Set once, before the threads begin."""
        self._untold: Sequence[Record] = ()
        """What another node had stored and told nobody when it died: the others read of it from this turn."""
        self._stored: threading.Event | None = None
        """As in ``TurnWork``, of the turn under way."""
        self._began_after = 0
        """The last message id of the turns before, for a turn under way, without what is untold."""
        self._held_since_ms = 0
        """When the turn that waits in the gate ended, on the monotonic clock."""
        self._held_at = 0
        """The position in the stream at which it began."""
        self._failed_up_to = 0
        """Up to this sequence number, what this turn has said is lost, because its tick has failed; 0 if none has."""

    @property
    def position(self) -> int:
        """The position in the stream up to which the world has everything."""
        return self.others.position

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
        can_run = self._turn is not None and self._waiting.may_run(session)
        if can_run or not isinstance(line, str) or split(line)[2] in LOCAL_VERBS:
            return super().run_line(session, line)
        self._waiting.add(session, line)
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
        self._told.begin_tick()
        is_sure = self._is_sure()
        if self._answers:
            self._run_some(self._answers)
        if self._turn is not None:
            # The turn's last tick has failed. Its changes are made, and the others must know them.
            self._failed_up_to = self.world.outbox.seq
        else:
            if is_sure:
                self.others.apply()
            if self._gate.is_waiting:
                self._let_pass()
            if not (is_sure and self._open_turn()):
                if self._is_due():
                    self._desk.want()
                if self._waiting:
                    self._refuse_late()
                return
        self._run_due()
        if self._posted:
            self._run_some(self._posted)
        self._run_waiting()
        self.world.end_deferred()

    def _is_sure(self) -> bool:
        """True if this node has its place among the others, as far as it can know.

        If it has stood still for longer than its lease, they have ended its people, and show them elsewhere what it has
        not told by then. So it tells nothing more before a heartbeat has found it registered.
        """
        is_sure = time.monotonic() < self.sure_until_s
        if self._turn_journal.is_held is is_sure:
            self._turn_journal.is_held = not is_sure
            if not is_sure:
                self.hurry()
        return is_sure

    def _open_turn(self) -> bool:
        """Begin this node's turn, if it has one, is up to date, and this is the first I/O thread's tick."""
        granted = self._desk.granted
        if granted is None or self._desk.lost or self.others.position < granted.turn.position:
            return False
        if self._desk.give_back_stale(self.world.mono_ms) or self._desk.withdraw_cut():
            return False
        if threading.get_ident() != self.threads[0].ident:
            self.threads[0].wake()  # tasks count on it, and it is the one that is woken
            return False
        granted = self._desk.take()
        self._turn, self._untold = granted.turn, granted.untold
        self._turn_number = granted.turn.number
        self._told.begin_turn()
        self._began_after = self.world.last_seq
        self.others.tell_untold(granted.untold)
        self.world.begin_turn(self.world.last_seq)
        return True

    def _is_due(self) -> bool:
        world = self.world
        end_ms, retry_ms = world.next_ban_end_ms, world.retries.next_mono_ms
        is_late = (end_ms and end_ms <= world.wall_ms) or (retry_ms and retry_ms <= world.mono_ms)
        return bool(is_late or self._has_work())

    def _has_work(self) -> bool:
        world = self.world
        waits = self._waiting.want_turn or self._outcomes or self._posted or world.work.put_off
        return bool(waits or world.wants_turn or self._turn_journal.wants_turn)

    def _run_waiting(self) -> None:
        """Run the lines that have waited, as far as the time goes."""
        costs, mono_ms = self.world.costs, self.world.mono_ms
        end_s = time.monotonic() + TICK_S
        for session, line in self._waiting.take():
            if not session.closing:
                before, costs.work_bytes = count_unread(session), 0
                super().run_line(session, line)
                costs.pay(session, answer_bytes(session, before), mono_ms)
            if session.end_wait():
                self._wake(session)
            if time.monotonic() >= end_s:
                return

    def _let_pass(self) -> None:
        """Let answers and refusals overtake a turn that has waited too long.

        What other nodes have done is never told before it. This node reads of that only when Redis is back.
        """
        gate, world, has_moved = self._gate, self.world, self.others.latest > self._held_at
        if has_moved:
            gate.lets_pass, world.overtaken_after = False, None
        elif not gate.lets_pass and self._held_since_ms + PATIENCE_MS <= world.mono_ms:
            passed, world.overtaken_after = gate.let_pass(), self._began_after
            self._released += passed.writes
            for task in passed.tasks:
                self.run_task(task)

    def _refuse_late(self) -> None:
        """Answer lines that have waited too long, but those of sessions that are not registered yet: they go on
        waiting.
        """
        for session, line in self._waiting.take_late():
            if not session.closing:
                answer_not_run(self.world, session, line, "NOT_CONNECTED", NOT_CONNECTED)
            if session.end_wait():
                self._wake(session)

    def _run_some(self, tasks: deque[Task]) -> None:
        end_s = time.monotonic() + TASKS_S
        while tasks:
            self.run_task(tasks.popleft())
            if tasks and time.monotonic() >= end_s:
                self.threads[0].wake()
                return

    # -- the end of a tick, and of a turn ---------------------------------------------------------

    def end(self) -> None:
        """End a tick, and note what is told when the threads have written. Needs the lock."""
        super().end()
        own, threads = threading.get_ident(), self.threads
        index = next((index for index, thread in enumerate(threads) if thread.ident == own), -1)
        told = self._told.end_tick(self._gate)
        self.told_seq = told.seq
        self.mark.end_tick(told, index, [bool(thread.pending) for thread in threads])

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
        if batch is None and not records and not self._turn_journal.wants_turn:
            self._desk.end(turn, is_unused=True)
            return None
        stored, self._stored = self._stored, None
        self._turn_journal.prepare(TurnWork(turn, records, self._began_after, world.home, stored))
        return batch or Batch(number, (), (), (), ())

    def _give(self, batch: Batch) -> None:
        super()._give(batch)
        self._gate.hold_tick()
        self._held_since_ms, self._held_at = self.world.mono_ms, self.others.position

    def _settle(self, settled: Settled) -> None:
        super()._settle(settled)
        self.world.overtaken_after = None
        # Everything up to this turn is in this world: no need to wait for the reader.
        self.others.position = max(self.others.position, self._turn_journal.position)

    # -- other nodes ------------------------------------------------------------------------------

    def look_at_nodes(self, servers: dict[str, Server | None], told: Mapping[str, Told | None]) -> None:
        """End the people of nodes that are gone, in a turn. ``servers`` are those of all nodes, by home.

        None stands for one that has not told of its server with a heartbeat yet: a turn of it may have, or will.
        ``told`` is as in ``OtherHomes.find_gone``. In a tick.
        """
        for home, its_told in self.others.find_gone(servers, told):
            if home in self.world.homes():
                self.world.log_line(f"the node {home} is gone, and its people with it", LogWarning)
                self.post(0, partial(self._end_home, home, its_told))
            self.post(0, partial(complete_stored, self.world, home))

    def _end_home(self, home: str, told: Told | None) -> None:
        """End the people of a node that is gone. The others know it when it is stored how far these have read."""
        work = self.world.work
        self._submit_work(work.take_writes())
        close_home(self.world, home, f"{home.partition('/')[0]} is gone", told)
        self._stored = stored = threading.Event()
        work.write(lambda _: stored.set(), alone=True)  # behind what the ends have written
        # At once, because the turn waits for it. If it never is, the next one does the same.
        self._submit_now(self._date(work.take_writes()))

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
        self._ledger.hooks.forget_renames()
        world.outbox.abandon()
        for session in gate.find_closed():
            tell_end(world, session, LOST)  # what it was told waited in the gate, and is lost
            world.outbox.closed.append(session)
        reset(world, LOST)
        self._waiting.forget_closed()
        self._turn, self._failed_up_to, self._untold, self._stored = None, 0, (), None
        world.overtaken_after = None
        self._told.leave()

    def enter(self, position: int) -> None:
        """Go on with a world that was loaded, as it is at a position. In a tick, or before the first."""
        self.others.enter(position)
        self._told.enter()
        self.mark.begin(self.world.home, self.world.last_seq)


class MeteredClusterHub(MeteredHub, ClusterHub):
    """A node's hub that counts lines and bytes."""

    def run_line(self, session: Session, line: str | Malformed) -> bool:
        """Run a line, or let it wait, and count it."""
        self._count_line(line)
        return ClusterHub.run_line(self, session, line)


def _rest() -> None:
    """Wait for what comes by itself."""
