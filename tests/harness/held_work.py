"""Work for other threads that waits until the test has it done."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from chatroom.errors import ChatroomError, StorageError

if TYPE_CHECKING:
    from harness.ticking_world import TickingWorld

    from chatroom.chat.work_queue import Job, WorkItem
    from chatroom.commands.context import Context
    from chatroom.commands.pending import Pending
    from chatroom.storage.sqlite.sqlite_stores import SqliteStores


class HeldItem:
    """A work item that no worker has run yet."""

    def __init__(self, here: TickingWorld, item: WorkItem) -> None:
        self.here = here
        self.item = item

    def do(self) -> None:
        """Run its job. A question's outcome is taken in a tick of its own."""
        job, then = self.item.job, self.item.then
        if then is None:
            with contextlib.suppress(StorageError):  # the daemon logs it
                job(self.here.stores)
            return
        outcome = run_job(job, self.here.stores)
        with self.here.tick():
            then(outcome)
            self.here.run_resumed()


class HeldPending:
    """A verb's ``Pending`` that is not done yet."""

    def __init__(self, here: TickingWorld, context: Context, pending: Pending) -> None:
        self.here = here
        self.context = context
        self.pending = pending

    def run_job(self) -> object:
        """Run its job, if it has one, and return the outcome."""
        return run_job(self.pending.job, self.here.stores) if self.pending.job is not None else None

    def do(self) -> None:
        """Let its delay pass, run its job, and go on with the verb."""
        if self.pending.delay_ms:
            self.here.delays_ms.append(self.pending.delay_ms)
            self.here.now += timedelta(milliseconds=self.pending.delay_ms)
            self.here.mono_ms += self.pending.delay_ms
        self.here.go_on(self.context, self.pending, self.run_job())


def run_job(job: Job, stores: SqliteStores) -> object:
    """Run a job as a worker does. Returns the result, or the ``ChatroomError`` that it raised."""
    try:
        return job(stores)
    except ChatroomError as error:
        return error
