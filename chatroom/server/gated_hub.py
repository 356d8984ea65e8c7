"""The hub of a daemon whose commits wait for the disk: the journal thread makes them, and ticks go on meanwhile.

What a tick must store goes to the thread at the tick's end. What it says waits in the gate, if it must
(``chatroom.chat.delivery.gate``). When the thread has settled a number, it wakes an I/O thread, and that tick releases
what waited, in the order of the numbers.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.delivery.gate import Gate
from chatroom.chat.delivery.gated_ledger import GatedLedger
from chatroom.chat.relief import relieve
from chatroom.commands.talking.writing_history import refusal, report_commit
from chatroom.server.connection import SEND_QUEUE_EXCEEDED
from chatroom.server.hub import Hub
from chatroom.server.metered import MeteredHub

if TYPE_CHECKING:
    from chatroom.chat.delivery.batches import Batch, Settled
    from chatroom.chat.delivery.channel_log import Lines
    from chatroom.chat.people.session import Session
    from chatroom.chat.work_queue import WorkItem
    from chatroom.chat.world import World
    from chatroom.commands.context import Context
    from chatroom.commands.pending import Pending
    from chatroom.server.connection import Connection
    from chatroom.server.operator_screen import Screen
    from chatroom.server.workers import Workers

log = logging.getLogger(__name__)


class GatedHub(Hub):
    """A hub whose world has a ``GatedLedger``."""

    def __init__(self, world: World, workers: Workers, screen: Screen) -> None:
        super().__init__(world, workers, screen)
        ledger = world.ledger
        assert isinstance(ledger, GatedLedger)
        self._ledger = ledger
        self._gate = Gate()
        self._settled: deque[Settled] = deque()
        """What is settled and not released yet, in order."""
        self._released: list[tuple[Session, bytes]] = []
        """What this tick has released and not handed to the threads yet."""

    @property
    def is_at_rest(self) -> bool:
        """True if nothing waits to be done, told or stored. Needs the lock, between two ticks."""
        return super().is_at_rest and not (self._gate.is_waiting or self._released) and self._ledger.committer.is_idle

    def _commit(self) -> None:
        """Hand the tick's history to the journal thread, and release what waited for earlier ticks'."""
        gate, ledger, committer = self._gate, self._ledger, self._ledger.committer
        # Before the tick's own batch is given: its lines do not wait in the gate yet.
        self._settled += committer.take_settled()
        batch = self._take_batch(gate.number + 1)
        if batch is not None:
            self._give(batch)
        work = self.world.work
        if gate.is_waiting and not gate.lets_pass:
            gate.put_off(self._after_commit)
            self._after_commit = []
            if work.questions:
                gate.put_off([partial(self._ask, work.questions)])
                work.questions = []
        while self._settled:
            # If it fails, for lack of memory, the next tick does it.
            self._settle(self._settled[0])
            self._settled.popleft()
        ledger.is_full = gate.size > self.world.settings.limits.sendq_bytes // 2

    def _take_batch(self, number: int) -> Batch | None:
        """Take out what this tick has to store, under its journal number. None if that is nothing."""
        return self._ledger.take_batch(number)

    def _give(self, batch: Batch) -> None:
        world, committer = self.world, self._ledger.committer
        self._gate.add(batch, world.outbox.seq, events=not committer.is_busy)
        committer.give(batch)

    def _ask(self, questions: list[WorkItem]) -> None:
        """Have questions asked at the end of this tick, unless a new name of a channel waits for the write lock."""
        self.world.work.questions += questions

    def _settle(self, settled: Settled) -> None:
        """Release what waited for a number. If its messages are not stored, their senders read that instead."""
        gate, ledger, world = self._gate, self._ledger, self.world
        number = settled.number
        if settled.failure or not settled.is_busy:
            ledger.failure = settled.failure
        if ledger.renaming == number:
            ledger.renaming = 0
        if ledger.failure or ledger.told_failure:
            report_commit(world)
        if settled.failure:
            seqs = gate.batch_of(number).message_ids
            world.outbox.withdraw(seqs)
            why = settled.failure if settled.is_busy else "the database cannot be written"
            gate.refuse(number, lambda seq, verb, target: refusal(world, seq, verb, target, why), seqs)
        released = gate.release(number)
        world.outbox.forget_copies(released.latest)
        # All that was told up to the end of the number's tick is released with it.
        self.told_seq = max(self.told_seq, released.latest)
        self._released += released.writes
        world.outbox.closed[:0] = released.closed
        for task in released.tasks:
            self.run_task(task)

    def _note_told(self) -> None:
        if not self._gate.is_waiting:
            super()._note_told()

    def _drain(self) -> list[tuple[Session, bytes]]:
        """Make lines into bytes: those that were released, and those of this tick that need not wait."""
        gate, outbox = self._gate, self.world.outbox
        if gate.is_waiting:
            writes, slow = gate.hold(self._drain_apart(), outbox.copies, self.world.settings.limits.sendq_bytes)
            outbox.closed = gate.close_behind(outbox.closed)
            for session in slow:
                self._have_owner(session, partial(self._drop, session))
        else:
            writes = super()._drain()
        released, self._released = self._released, []
        return released + writes if released else writes

    def _drain_apart(self) -> list[tuple[Session, Lines]]:
        """As ``Hub._drain``."""
        outbox = self.world.outbox
        while True:
            try:
                return outbox.drain_apart()
            except Exception:
                log.exception("the lines of a tick could not be made")
            if not relieve(self.world):
                outbox.abandon()
                return []

    def _drop(self, session: Session) -> None:
        """Give up a session for which too much waits. In the thread that owns its connection."""
        connection: Connection = session.connection
        if not connection.is_lost:
            connection.drop(SEND_QUEUE_EXCEEDED)
            self.threads[session.thread].wake_connection(connection)

    def _submit(self, session: Session, context: Context, pending: Pending) -> None:
        if pending.is_next_piece and self._gate.holds(session):
            # A long answer does not grow in the gate: its client has to read the last piece before the next is made.
            self._gate.put_off([partial(super()._submit, session, context, pending)])
        else:
            super()._submit(session, context, pending)


class MeteredGatedHub(MeteredHub, GatedHub):
    """A gated hub that counts lines and bytes: those that are released, when they are."""
