"""What a verb answers when it must wait: a job for a worker, and what to do with its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores
    from chatroom.commands.context import Context

Queue = Literal["store", "password", "history", "none"]
"""``store`` is one worker that does everything in order; ``password`` is for bcrypt, several at once; ``history`` reads
what was said. ``none`` has no job: there is only to wait."""


class Pending(NamedTuple):
    """A job to be run off the hub lock. The session's further lines wait until it is done, and nobody else does.

    ``then`` runs under the hub lock with the job's result. Time has passed by then: it must look at rights, bans, nicks
    and accounts anew. A job that raises ``ChatroomError`` never reaches ``then``; the verb is refused for it.
    """

    queue: Queue
    job: Callable[[Stores], Any] | None
    then: Callable[[Context, Any], Pending | None]
    delay_ms: int = 0
    """How long the job is held back first."""
