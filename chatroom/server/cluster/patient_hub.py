"""A hub that has nothing stored for a turn which may never have been.

What a turn says is committed, appended to the stream, and told. What it has the store worker write comes behind that:
rows of channels, where accounts are, new names. If the node dies before the turn is told, no row has what the other
nodes do not know. If it dies after that, rows may lack what the others know, and whoever ends its people stores it.

The workers of two nodes have no order among themselves. So each job knows its turn, and of two states of one thing the
database keeps that of the later turn (``Stores.use_turn``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from chatroom.chat.work_queue import Order
from chatroom.server.gated_hub import GatedHub

if TYPE_CHECKING:
    from chatroom.chat.delivery.batches import Batch
    from chatroom.chat.people.session import Session
    from chatroom.chat.stored.stores import Stores
    from chatroom.chat.work_queue import Job, WorkItem
    from chatroom.commands.context import Context
    from chatroom.commands.pending import Pending
    from chatroom.server.cluster.cluster_contract import Turn
    from chatroom.server.inbox import Task


class PatientHub(GatedHub):
    """The part of a node's hub that hands out jobs for the store worker."""

    _turn: Turn | None
    """The turn that the tick under way is; None in any other tick."""
    _turn_number = 0
    """That of the last turn of this node: what is stored is as of then."""

    @property
    def _is_patient(self) -> bool:
        """True if a job of the store worker must wait: for the turn, or behind one that does."""
        gate = self._gate
        return self._turn is not None or (gate.is_waiting and not gate.lets_pass) or bool(self._after_commit)

    def _give(self, batch: Batch) -> None:
        """As ``GatedHub``. The turn's jobs are put off here, as its own: later ones may overtake a slow turn."""
        super()._give(batch)
        writes, tasks = self._date(self.world.work.take_writes()), self._after_commit
        self._after_commit = []
        self._gate.put_off([*tasks, partial(self._submit_now, writes)] if writes else tasks)

    def _submit_work(self, items: list[WorkItem]) -> None:
        """As ``Hub``. Writes wait for the turn that makes them. What a session asks does not: it waits in the gate."""
        items = self._date(items)
        if items and self._is_patient:
            writes = [item for item in items if _is_write(item)]
            if writes:
                self._hold(partial(self._submit_now, writes))
                items = [item for item in items if not _is_write(item)]
        super()._submit_work(items)

    def _submit_now(self, items: list[WorkItem]) -> None:
        """Have a turn's writes done, whatever becomes of it."""
        super()._submit_work(items)

    def _date(self, items: list[WorkItem]) -> list[WorkItem]:
        """Have each job of the store worker be one of this turn, whenever it is done."""
        return [item._replace(job=self._dated(item.job)) if item.queue == "store" else item for item in items]

    def _dated(self, job: Job) -> Job:
        return partial(_run_in_turn, self._turn_number, job)

    def _submit(self, session: Session, context: Context, pending: Pending) -> None:
        if pending.queue == "store" and pending.job is not None and not pending.reads:
            pending = pending._replace(job=self._dated(pending.job))
        # Who is not registered has changed nothing that others know, and stays if this node loses its place.
        if (
            pending.queue == "store"
            and pending.order is not Order.URGENT
            and session.user is not None
            and self._is_patient
        ):
            self._submit_work(self.world.work.take_writes())
            self._hold(partial(super()._submit, session, context, pending))
        else:
            super()._submit(session, context, pending)

    def _hold(self, task: Task) -> None:
        """Have a task wait until the turn is told. Tasks run in the order in which they came here."""
        if self._turn is None and self._gate.is_waiting:
            self._gate.put_off([task])
        else:
            self._after_commit.append(task)


def _run_in_turn(turn: int, job: Job, stores: Stores) -> object:
    stores.use_turn(turn)
    try:
        return job(stores)
    finally:
        stores.use_turn(0)


def _is_write(item: WorkItem) -> bool:
    return item.queue == "store" and item.session is None
