"""The end of all sessions at once, when the daemon stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.chat.people.session import Session
    from chatroom.chat.world import World


def end_all(world: World, why: str, reads_error: Callable[[Session], bool]) -> None:
    """End all sessions of this daemon. Each reads ``why`` in a NOTICE, and then in an ERROR if ``reads_error`` says so.

    No session reads that other users quit: each would read of all others at the moment of its own end.
    """
    world.runtime.is_ending = True
    notice = world.outbox.event(world.settings.server.name, f"NOTICE * :{why}")
    for session in list(world.own_sessions()):
        world.tell_event(session, notice)
        world.close(session, why, tell=reads_error(session))
