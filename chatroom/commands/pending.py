"""What a verb returns when it must wait: a job for a worker, and what to do with its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from chatroom.chat.work_queue import Order

if TYPE_CHECKING:
    from chatroom.chat.work_queue import Job, Queue
    from chatroom.commands.context import Context


class Pending(NamedTuple):
    """A job that runs without the hub lock. The session's further lines wait until it is done; other sessions go on.

    ``then`` runs under the hub lock with the job's result. Time has passed by then, so it must look at rights, bans,
    nicks and accounts again. A job that raises ``ChatroomError`` never reaches ``then``: the verb is refused for it.
    """

    queue: Queue | None
    """The worker that runs the job. None if there is no job and the session only waits."""
    job: Job | None
    then: Callable[[Context, Any], Pending | None]
    """Goes on with the verb. Returns a further ``Pending`` if the verb must wait again."""
    delay_ms: int = 0
    """How long to wait before the job is submitted."""
    if_overloaded: Callable[[Context], Pending | None] | None = None
    """Goes on instead of ``then`` if the job was not done because too many wait. Without it the verb is refused."""
    reads: bool = False
    """True if the job changes nothing in the database. If the database fails, the job can be done once more."""
    if_unreadable: Callable[[Context], None] | None = None
    """Answers instead of ``then`` if such a job failed at the database. Without it the verb is refused in our words."""
    order: Order = Order.PLAIN
    """When the store worker does the job."""
    after_commit: bool = False
    """True if the job must find what this tick has said: it is submitted when the tick is committed."""
    is_next_piece: bool = False
    """True for the rest of a long answer, which has no job. Each tick goes on with as many as there is time for, and
    with none whose client has not read what it was sent. The result is True if nothing can be sent any more."""
